/** Bytes and their text in base64 and base64url. As with hex, one value has one spelling, and everything else is refused. */

import { InputError } from "./errors.ts";

/**
 * Base64 as RFC 4648 §4 writes it. `atob` alone forgives missing padding, and bits of the last character that stand for
 * nothing (§3.5): the same bytes would have several spellings.
 */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * The bytes that `text` is the one base64 of, without line breaks.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (!BASE64.test(text)) throw new InputError({ code: "INPUT_INVALID", message: "expected base64" });
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/** RFC 7515 §2: the alphabet of RFC 4648 §5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * The bytes that `text` is the one base64url of.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (/[+/=]/.test(text)) throw new InputError({ code: "INPUT_INVALID", message: "expected base64url" });
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  return fromBase64(standard.padEnd(Math.ceil(standard.length / 4) * 4, "="));
}
