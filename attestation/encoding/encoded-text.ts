/** Bytes that tools write as text: of one value several spellings occur, and all of them are read. */

import { fromBase64 } from "../../protocol/base64.ts";
import { fromHex, isHex } from "../../protocol/bytes.ts";

const HEX_TEXT = /^(?:0x)?[0-9A-Fa-f\s]+$/;
const BASE64_TEXT = /^[A-Za-z0-9+/_\s-]+={0,2}\s*$/;

/** Bytes of hex in either case, with or without a prefix, white space inside; undefined where it is no hex. */
export function decodeHexText(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!HEX_TEXT.test(text)) return undefined;
  const digits = text.replace(/\s+/g, "").toLowerCase();
  const hex = digits.startsWith("0x") ? digits : `0x${digits}`;
  return isHex(hex) ? fromHex(hex) : undefined;
}

/** Bytes of base64 in either alphabet, with or without padding, in lines or not; undefined where it is none. */
export function decodeBase64Text(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!BASE64_TEXT.test(text)) return undefined;
  const digits = text
    .replace(/\s+|=+\s*$/g, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/");
  try {
    return fromBase64(digits.padEnd(Math.ceil(digits.length / 4) * 4, "="));
  } catch {
    return undefined;
  }
}
