/** Writes a crypto-agile event log (TCG PC Client Platform Firmware Profile 1.06 §10.2, §10.4.5.1). */

import { concatBytes, toUtf8 } from "../../protocol/bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const le16 = (value: number): Bytes => Uint8Array.of(value & 0xff, value >> 8);
const le32 = (value: number): Bytes =>
  Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);

export const SHA256 = 0x000b;
export const SHA384 = 0x000c;

/** The first event, of the old form: which digests the others carry. */
export function specIdEvent(
  algorithms: readonly (readonly [id: number, length: number])[] = [[SHA384, 48]],
  type = 3,
): Bytes {
  const data = concatBytes(
    toUtf8("Spec ID Event03\0"),
    new Uint8Array(8),
    le32(algorithms.length),
    ...algorithms.flatMap(([id, length]) => [le16(id), le16(length)]),
    Uint8Array.of(0),
  );
  return concatBytes(le32(1), le32(type), new Uint8Array(20), le32(data.length), data);
}

export function event(
  register: number,
  digests: readonly (readonly [id: number, digest: Uint8Array])[],
  type = 0x80000008,
): Bytes {
  const data = toUtf8("what was measured");
  return concatBytes(
    le32(register),
    le32(type),
    le32(digests.length),
    ...digests.flatMap(([id, digest]) => [le16(id), digest]),
    le32(data.length),
    data,
  );
}

export const END: Bytes = le32(0xffffffff);
