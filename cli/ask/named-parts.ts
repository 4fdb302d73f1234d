/**
 * Pages, images and documents that a question names, by the options of a command or on the page of `adyton up`. A file has its hash in the request, so that it is read here first; one of this
 * machine is served to the enclave by the local network.
 */

import type { NetworkFile } from "../../devnet/network-file.ts";
import { keepFile } from "../../devnet/network-files.ts";
import { InputError } from "../../protocol/errors.ts";
import { Mime, PartKind, type PromptPart } from "../../protocol/prompt-part.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import {
  beginsAs,
  DOCUMENT_TYPES,
  IMAGE_TYPES,
  MAX_FILE_BYTES,
  type MediaType,
} from "../../runtime/models/media.ts";
import { readInput } from "../input-file.ts";
import { shorten } from "../terminal.ts";

/** Options as they were given. */
export interface Named {
  readonly pages: readonly string[];
  readonly images: readonly string[];
  readonly documents: readonly string[];
}

/** A file whose bytes are here already: picked in a browser. */
export interface PickedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface NamedPart {
  readonly part: PromptPart;
  /** What it is, for a person. */
  readonly told: string;
}

export interface Reading {
  readonly files: NetworkFile["files"];
  /** Each is sent every image and document. */
  readonly models: number;
  /** Follows no redirect, as the enclave follows none. */
  readonly download: (url: URL) => Promise<Response>;
}

const DOWNLOAD_MS = 30_000;

const MIMES = {
  "image/png": Mime.png,
  "image/jpeg": Mime.jpeg,
  "image/webp": Mime.webp,
  "application/pdf": Mime.pdf,
} as const satisfies Record<MediaType, number>;

export function download(url: URL): Promise<Response> {
  const headers = { "user-agent": "adyton-enclave" };
  return fetch(url, { redirect: "manual", headers, signal: AbortSignal.timeout(DOWNLOAD_MS) });
}

/** @throws {InputError} for what an enclave would not read: before anything is paid */
export async function readNamed(named: Named, reading: Reading): Promise<readonly NamedPart[]> {
  const pages = named.pages.map((text) => readPage("--page", text));
  let bytesLeft = Math.floor(MAX_FILE_BYTES / reading.models);
  const files: NamedPart[] = [];
  for (const [option, texts] of [
    ["--image", named.images],
    ["--document", named.documents],
  ] as const) {
    for (const text of texts) {
      const file = await readFile({ option, text }, reading, bytesLeft);
      bytesLeft -= file.bytes.length;
      files.push(toPart(text, file));
    }
  }
  return [...pages, ...files];
}

/** @param name as whoever named it knows it */
export function readPage(name: string, text: string): NamedPart {
  const { href } = readUrl(name, text);
  return { part: { kind: PartKind.page, url: href }, told: href };
}

const FILE_TYPES: readonly MediaType[] = [...IMAGE_TYPES, ...DOCUMENT_TYPES];

/**
 * As `readNamed`, for one model; which of an image and a document a file is, its bytes say.
 *
 * @throws {InputError} for what an enclave would not read: before anything is served
 */
export function readPicked(picked: readonly PickedFile[], files: NetworkFile["files"]): readonly NamedPart[] {
  let bytesLeft = MAX_FILE_BYTES;
  return picked.map(({ name, bytes }) => {
    checkSize(name, bytes.length, bytesLeft);
    bytesLeft -= bytes.length;
    const mediaType = mediaTypeOf(name, bytes, FILE_TYPES);
    return toPart(name, { bytes, mediaType, uri: serve(name, bytes, files) });
  });
}

interface Option {
  readonly option: "--image" | "--document";
  readonly text: string;
}

interface ReadFile {
  readonly bytes: Uint8Array;
  readonly mediaType: MediaType;
  readonly uri: string;
}

function toPart(text: string, { bytes, mediaType, uri }: ReadFile): NamedPart {
  const hash = keccak(bytes);
  const size = `${bytes.length.toLocaleString("en-US")} bytes`;
  const served = isUrl(text) ? "" : `, served to the enclave at ${new URL(uri).origin}`;
  const told = `${text}: ${mediaType}, ${size}, keccak ${shorten(hash)}${served}`;
  const mime = MIMES[mediaType];
  if (mime === Mime.pdf) return { part: { kind: PartKind.document, mime, hash, uri }, told };
  return { part: { kind: PartKind.image, mime, hash, uri }, told };
}

const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text);

async function readFile({ option, text }: Option, reading: Reading, most: number): Promise<ReadFile> {
  const name = `${option} ${text}`;
  const url = isUrl(text) ? readUrl(option, text) : null;
  const bytes = url === null ? readLocal(name, text) : await fetchBytes(name, url, { ...reading, most });
  checkSize(name, bytes.length, most);
  const mediaType = mediaTypeOf(name, bytes, option === "--image" ? IMAGE_TYPES : DOCUMENT_TYPES);
  return { bytes, mediaType, uri: url?.href ?? serve(name, bytes, reading.files) };
}

function mediaTypeOf(name: string, bytes: Uint8Array, accepted: readonly MediaType[]): MediaType {
  const mediaType = accepted.find((type) => beginsAs(type, bytes));
  if (mediaType === undefined) throw invalid(`${name}: its bytes are not ${accepted.join(", ")}`);
  return mediaType;
}

function serve(name: string, bytes: Uint8Array, files: Reading["files"]): string {
  if (files !== null) return `${files.origin}${keepFile(files.folder, bytes)}`;
  throw invalid(`${name}: this network serves no files: put it on a server, and name its https URL`);
}

function readUrl(option: string, text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "https:")
    throw invalid(`${option} ${text}: an enclave sends nothing but https: name such a URL`);
  if (url.username !== "" || url.password !== "")
    throw invalid(`${option} ${text}: a URL has no credentials, and this one will be public on the chain`);
  url.hash = "";
  return url;
}

/** A file that is longer than all may be is refused with the others' sizes, by `checkSize`. */
function readLocal(name: string, file: string): Uint8Array {
  try {
    return readInput(file);
  } catch (cause) {
    const { code, message } = cause as InputError;
    throw new InputError({ code, message: `${name}: ${message}`, cause });
  }
}

async function fetchBytes(
  name: string,
  url: URL,
  { download, most }: Reading & { readonly most: number },
): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await download(url);
  } catch (cause) {
    const { message } =
      (cause as Error).cause instanceof Error ? ((cause as Error).cause as Error) : (cause as Error);
    throw new InputError({ code: "INPUT_NOT_FOUND", message: `${name} cannot be read: ${message}`, cause });
  }
  const { status, headers, body } = response;
  if (status >= 300 && status < 400) {
    const target = headers.get("location") ?? "another place";
    throw invalid(`${name}: it redirects to ${target}, and the enclave follows no redirect: name that URL`);
  }
  if (status !== 200) throw new InputError({ code: "INPUT_NOT_FOUND", message: `${name}: HTTP ${status}` });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    checkSize(name, size, most);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function checkSize(name: string, size: number, most: number): void {
  if (size <= most) return;
  throw new InputError({
    code: "INPUT_TOO_LARGE",
    message:
      `${name}: it has more than the ${most.toLocaleString("en-US")} bytes that are left for it: all images and documents of a ` +
      `question have ${MAX_FILE_BYTES.toLocaleString("en-US")} together, divided by the models that are asked`,
  });
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
