/** Bytes that tools write as text: of one value several spellings occur, and all of them are read. */

import { fromBase64 } from "../../protocol/base64.ts";
import { fromHex, isHex } from "../../protocol/bytes.ts";

const HEX_TEXT = /^(?:0[xX])?[0-9A-Fa-f\s]+$/;
const HEX_WITH_COLONS = /^[0-9A-Fa-f:\s]+$/;
/** Longest text read with colons: evidence of any kind fits, and taking it apart costs nothing. */
const MAX_COLON_TEXT = 1_048_576;
/** No two parts of it can match the same white space: else a run of spaces costs its square. */
const BASE64_TEXT = /^[A-Za-z0-9+/_\s-]+(?:=\s*){0,2}$/;

/** Bytes of hex in either case, with or without a prefix, white space or colons inside; undefined where it is no hex. */
export function decodeHexText(text: string): Uint8Array<ArrayBuffer> | undefined {
  const digits = HEX_TEXT.test(text) ? text.replace(/\s+/g, "").toLowerCase() : withoutColons(text);
  if (digits === undefined) return undefined;
  const hex = digits.startsWith("0x") ? digits : `0x${digits}`;
  return isHex(hex) ? fromHex(hex) : undefined;
}

/** Digits of hex with a colon between any two bytes, as OpenSSL writes it. */
function withoutColons(text: string): string | undefined {
  if (text.length > MAX_COLON_TEXT || !HEX_WITH_COLONS.test(text)) return undefined;
  const bytes = text.replace(/\s+/g, "").toLowerCase().split(":");
  return bytes.every(({ length }) => length === 2) ? bytes.join("") : undefined;
}

/** Bytes of base64 in either alphabet, with or without padding, in lines or not; undefined where it is none. */
export function decodeBase64Text(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!BASE64_TEXT.test(text)) return undefined;
  const digits = text
    .replace(/[\s=]+/g, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/");
  try {
    return fromBase64(digits.padEnd(Math.ceil(digits.length / 4) * 4, "="));
  } catch {
    return undefined;
  }
}
