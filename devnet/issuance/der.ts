/** DER for what certificates carry inside and no library knows: vendors' extensions. Written by `asn1js`. */

import * as asn1 from "asn1js";

type Bytes = Uint8Array<ArrayBuffer>;

const bytesOf = (value: asn1.BaseBlock): Bytes => new Uint8Array(value.toBER());
const parse = (part: Uint8Array): asn1.AsnType => {
  const { offset, result } = asn1.fromBER(new Uint8Array(part));
  if (offset === -1) throw new TypeError("not DER");
  return result;
};

/** A big-endian, non-negative integer. */
const unsigned = (bytes: Uint8Array): Bytes => {
  const first = bytes.findIndex((byte) => byte !== 0);
  const start = first === -1 ? bytes.length - 1 : first;
  const digits = bytes.subarray(start);
  const isNegative = (digits[0] ?? 0) >= 0x80;
  const valueHex = new Uint8Array(digits.length + (isNegative ? 1 : 0));
  valueHex.set(digits, isNegative ? 1 : 0);
  return bytesOf(new asn1.Integer({ valueHex: valueHex.buffer }));
};

const MAX_INTEGER_BYTES = 8;

export const der = {
  sequence: (...items: readonly Uint8Array[]): Bytes =>
    bytesOf(new asn1.Sequence({ value: items.map(parse) })),
  set: (...items: readonly Uint8Array[]): Bytes => bytesOf(new asn1.Set({ value: items.map(parse) })),
  /** `[n]` EXPLICIT. */
  context: (number: number, ...items: readonly Uint8Array[]): Bytes =>
    bytesOf(new asn1.Constructed({ idBlock: { tagClass: 3, tagNumber: number }, value: items.map(parse) })),
  /** `[n]` IMPLICIT, primitive. */
  contextPrimitive: (number: number, content: Uint8Array): Bytes =>
    bytesOf(
      new asn1.Primitive({
        idBlock: { tagClass: 3, tagNumber: number },
        valueHex: new Uint8Array(content).buffer,
      }),
    ),
  boolean: (value: boolean): Bytes => bytesOf(new asn1.Boolean({ value })),
  unsigned,
  integer(value: number): Bytes {
    const bytes = new Uint8Array(MAX_INTEGER_BYTES);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
    return unsigned(bytes);
  },
  enumerated: (value: number): Bytes => bytesOf(new asn1.Enumerated({ value })),
  bitString: (content: Uint8Array, unusedBits = 0): Bytes =>
    bytesOf(new asn1.BitString({ valueHex: new Uint8Array(content).buffer, unusedBits })),
  octetString: (content: Uint8Array): Bytes =>
    bytesOf(new asn1.OctetString({ valueHex: new Uint8Array(content).buffer })),
  utf8String: (value: string): Bytes => bytesOf(new asn1.Utf8String({ value })),
  ia5String: (value: string): Bytes => bytesOf(new asn1.IA5String({ value })),
  null: (): Bytes => bytesOf(new asn1.Null()),
  oid: (value: string): Bytes => bytesOf(new asn1.ObjectIdentifier({ value })),
} as const;
