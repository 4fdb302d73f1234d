/**
 * The field types of every struct, as zod codecs: `z.decode` reads the JSON form, `z.encode` writes it.
 * Integers wider than 32 bits are decimal strings in JSON and bigint in code.
 */

import * as z from "zod";
import { isHex, isPlainText, type Hex } from "./bytes.ts";

/** Lower-case 0x hex of exactly `length` bytes, or of any length. */
function hex(length?: number): z.ZodCustom<Hex, Hex> {
  const what = length === undefined ? "bytes" : `${length} bytes`;
  const schema = z.custom<Hex>(
    (value) => isHex(value) && (length === undefined || value.length === 2 + 2 * length),
    { error: `expected ${what} as lower-case 0x hex` },
  );
  // For JSON Schemas, which cannot show what a function checks.
  return schema.meta({
    type: "string",
    pattern: `^0x(?:[0-9a-f]{2})${length === undefined ? "*" : `{${length}}`}$`,
  });
}

export const bytesHex = hex();
export const bytes32 = hex(32);
export const address = hex(20);
export const signature65 = hex(65);

const DECIMAL = /^(?:0|[1-9][0-9]{0,77})$/;

function wideUint(bits: number): z.ZodCodec<z.ZodString, z.ZodBigInt> {
  const limit = 2n ** BigInt(bits);
  return z.codec(
    z.string().regex(DECIMAL, { error: "expected a decimal integer as a string" }),
    z
      .bigint()
      .nonnegative()
      .refine((value) => value < limit, { error: `exceeds uint${bits}` }),
    { decode: (text) => BigInt(text), encode: (value) => value.toString() },
  );
}

export const uint256 = wideUint(256);
export const uint96 = wideUint(96);
export const uint64 = wideUint(64);
export const uint48 = wideUint(48);
export const uint40 = wideUint(40);
export const uint32 = z.int().min(0).max(0xffff_ffff);
export const uint24 = z.int().min(0).max(0xff_ffff);
export const uint8 = z.int().min(0).max(255);

export const plainText = z
  .string()
  .refine(isPlainText, { error: "expected well-formed Unicode that does not begin with a byte order mark" });

/** Path of the first field that a schema refused; empty for the whole. */
export function refusedField(error: z.ZodError): string {
  return error.issues
    .slice(0, 1)
    .map(({ path }) => path.join("."))
    .join();
}
