import { toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { DerReader, TAG } from "../asn1/der-reader.ts";
import { malformed } from "../encoding/malformed.ts";
import { readOid, toBitStringBytes, toOid } from "../asn1/der-values.ts";
import type { SignatureScheme } from "./signature-scheme.ts";

export type KeyKind = "P-256" | "P-384" | "P-521" | "RSA";

export interface PublicKey {
  readonly kind: KeyKind;
  /** SubjectPublicKeyInfo, DER: the identity by which roots are pinned. */
  readonly spki: Uint8Array<ArrayBuffer>;
  readonly spkiHex: Hex;
  /** EC: the uncompressed point, 0x04 ‖ x ‖ y. RSA: RSAPublicKey, DER. */
  readonly key: Uint8Array<ArrayBuffer>;
  /**
   * Imported once per scheme, and forgotten with the key: CA keys outlive thousands of quotes. Kept here and not in a
   * WeakMap, which the garbage collector would pay for with every quote's own keys.
   */
  readonly imported: Map<string, Promise<VerifyKey>>;
}

const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";

interface Curve {
  readonly kind: KeyKind;
  readonly pointBytes: number;
}

/** RFC 5480 §2.1.1.1. */
const CURVES: ReadonlyMap<string, Curve> = new Map<string, Curve>([
  ["1.2.840.10045.3.1.7", { kind: "P-256", pointBytes: 65 }],
  ["1.3.132.0.34", { kind: "P-384", pointBytes: 97 }],
  ["1.3.132.0.35", { kind: "P-521", pointBytes: 133 }],
]);

/** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) of an EC or RSA key. */
export function parsePublicKey(spki: Uint8Array<ArrayBuffer>): PublicKey {
  const outer = new DerReader(spki);
  const reader = outer.readSequence();
  outer.end();
  const algorithm = reader.readSequence();
  const oid = readOid(algorithm);
  const parameters = algorithm.readAny();
  algorithm.end();
  const key = toBitStringBytes(reader.read(TAG.bitString).content);
  reader.end();
  const spkiHex = toHex(spki);
  if (oid === RSA_ENCRYPTION) return { kind: "RSA", spki, spkiHex, key, imported: new Map() };
  const curve =
    oid === EC_PUBLIC_KEY && parameters.tag === TAG.oid ? CURVES.get(toOid(parameters.content)) : undefined;
  if (curve === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "public key is neither RSA nor on a NIST curve",
      details: { algorithm: oid },
    });
  }
  if (key.length !== curve.pointBytes || key[0] !== 4)
    throw malformed("EC public key is not an uncompressed point");
  return { kind: curve.kind, spki, spkiHex, key, imported: new Map() };
}

/** SubjectPublicKeyInfo of P-256 up to the coordinates (RFC 5480 §2). */
// prettier-ignore
const P256_SPKI_PREFIX = [
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
  0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
] as const;

/** A P-256 key from x ‖ y, the 64 bytes in which quotes carry one. Whether it is on the curve is known when it is used. */
export function fromP256Coordinates(coordinates: Uint8Array): PublicKey {
  const spki = new Uint8Array(P256_SPKI_PREFIX.length + 64);
  spki.set(P256_SPKI_PREFIX);
  spki.set(coordinates, P256_SPKI_PREFIX.length);
  const key = spki.subarray(P256_SPKI_PREFIX.length - 1);
  return { kind: "P-256", spki, spkiHex: toHex(spki), key, imported: new Map() };
}

export type VerifyKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

export function importVerifyKey(key: PublicKey, scheme: SignatureScheme): Promise<VerifyKey> {
  const name = `${scheme.name} ${scheme.hash}`;
  const known = key.imported.get(name);
  if (known !== undefined) return known;
  const parameters =
    key.kind === "RSA"
      ? { name: scheme.name, hash: scheme.hash }
      : { name: scheme.name, namedCurve: key.kind };
  const promise = crypto.subtle.importKey("spki", key.spki, parameters, false, ["verify"]);
  key.imported.set(name, promise);
  return promise;
}
