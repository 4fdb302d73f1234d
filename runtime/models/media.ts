/** Images and documents of a question: what they may be, and that they are what they are said to be. */

import { fromBase64 } from "../../protocol/base64.ts";
import { InputError } from "../../protocol/errors.ts";

export const IMAGE_TYPES = ["image/png", "image/jpeg", "image/webp"] as const;
export const DOCUMENT_TYPES = ["application/pdf"] as const;
export const MEDIA_TYPES = [...IMAGE_TYPES, ...DOCUMENT_TYPES] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];

/** Images and documents of one question: what all vendors take together. */
export const MAX_MEDIA = 20;

/** Bytes of all images and documents of a prompt, times the models that are sent them: a receipt has all of it in base64 and again in hex. */
export const MAX_FILE_BYTES = 2 * 1024 * 1024;

export interface Media {
  readonly mediaType: MediaType;
  /** In its one spelling, as providers are sent it. */
  readonly base64: string;
  /** Of a file, where the caller gave one: providers show it to the model. */
  readonly name: string | null;
}

/** What a file is called that has no name: two of the formats ask for one. */
export const UNNAMED_DOCUMENT = "document.pdf";

/** What a user says, in the order in which it is said. */
export type ContentPart = { readonly text: string } | { readonly media: Media };

export function isDocument({ mediaType }: Media): boolean {
  return mediaType === "application/pdf";
}

/** `data:` with the media type and the bytes, as two of the formats carry them. */
export function toDataUrl({ mediaType, base64 }: Media): string {
  return `data:${mediaType};base64,${base64}`;
}

const DATA_URL = /^data:([a-z]+\/[a-z]+);base64,/;

/**
 * The image or document in a `data:` URL. Other URLs are not followed: the provider would fetch them, and nobody could say
 * afterwards what the model saw.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function readDataUrl(url: string, accepted: readonly MediaType[]): Media {
  const [prefix, mediaType] = DATA_URL.exec(url) ?? [];
  if (prefix === undefined || mediaType === undefined) {
    throw invalid(
      `give the bytes themselves, as data:${accepted[0] ?? ""};base64,…: no URL is fetched for a model`,
    );
  }
  return readMedia(mediaType, url.slice(prefix.length), accepted);
}

/**
 * An image or document by its declared type and its base64. A provider that guesses the type by the bytes would read another
 * thing than one that believes the label, so that they have to agree.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function readMedia(mediaType: string, base64: string, accepted: readonly MediaType[]): Media {
  const known = accepted.find((type) => type === mediaType);
  if (known === undefined)
    throw invalid(`it is of type ${mediaType.slice(0, 64)}: taken are ${accepted.join(", ")}`);
  checkMedia(known, fromBase64(base64));
  return { mediaType: known, base64, name: null };
}

/** @throws {InputError} INPUT_INVALID for bytes that do not begin as their type does */
export function checkMedia(mediaType: MediaType, bytes: Uint8Array): void {
  if (!beginsAs(mediaType, bytes)) throw invalid(`its bytes are not ${mediaType}`);
}

/** First bytes: PNG 5.2, JPEG (ISO/IEC 10918-1 B.1.1.3), WebP (RFC 9649 §2.5), PDF (ISO 32000-1 §7.5.2). */
export function beginsAs(mediaType: MediaType, bytes: Uint8Array): boolean {
  const has = (at: number, mark: readonly number[]): boolean =>
    mark.every((byte, index) => bytes[at + index] === byte);
  switch (mediaType) {
    case "image/png":
      return has(0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    case "image/jpeg":
      return has(0, [0xff, 0xd8, 0xff]);
    case "image/webp":
      return has(0, RIFF) && has(8, WEBP);
    case "application/pdf":
      return has(0, PDF);
  }
}

const RIFF = [0x52, 0x49, 0x46, 0x46] as const;
const WEBP = [0x57, 0x45, 0x42, 0x50] as const;
const PDF = [0x25, 0x50, 0x44, 0x46, 0x2d] as const;

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
