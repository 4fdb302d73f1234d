import { concatBytes } from "../../protocol/bytes.ts";
import { parsePublicKey, type PublicKey } from "../x509/public-key.ts";
import type { RsaKey } from "./hcl-report.ts";

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;

/** AlgorithmIdentifier of rsaEncryption (RFC 3279 §2.3.1). */
// prettier-ignore
const RSA_ENCRYPTION = Uint8Array.of(0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00);

/** A JWK's modulus and exponent as the SubjectPublicKeyInfo that everything else takes. */
export function toRsaPublicKey({ modulus, exponent }: RsaKey): PublicKey {
  const key = encode(SEQUENCE, concatBytes(encodeUnsigned(modulus), encodeUnsigned(exponent)));
  return parsePublicKey(
    encode(SEQUENCE, concatBytes(RSA_ENCRYPTION, encode(BIT_STRING, concatBytes(Uint8Array.of(0), key)))),
  );
}

/** X.690 §8.3: without leading zeros, and with one where the first bit would read as a sign. */
function encodeUnsigned(value: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = value.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Uint8Array.of(0) : value.subarray(start);
  const isNegative = digits.some((byte, index) => index === 0 && byte >= 0x80);
  return encode(INTEGER, isNegative ? concatBytes(Uint8Array.of(0), digits) : digits);
}

/** X.690 §8.1.3: short form below 128, then as few bytes as hold the length. Keys are under 64 KiB. */
function encode(tag: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = content;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.from(head), content);
}
