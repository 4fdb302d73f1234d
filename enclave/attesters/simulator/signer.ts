import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, toUtf8 } from "../../../protocol/bytes.ts";
import { der, type Der } from "./der-writer.ts";

/** A key that signs certificates, lists and quotes. */
export interface Signer {
  readonly spki: Der;
  /** AlgorithmIdentifier of its signatures in certificates. */
  readonly algorithm: Der;
  /** As certificates carry it. */
  readonly sign: (data: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

export interface P256Signer extends Signer {
  /** x ‖ y. */
  readonly coordinates: Uint8Array<ArrayBuffer>;
  /** r ‖ s with low s: chains refuse the other of the two. */
  readonly signRaw: (data: Uint8Array) => Uint8Array<ArrayBuffer>;
}

const EC_P256 = der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7"));
const ECDSA_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"));

/**
 * A P-256 key derived from a name that everybody knows: nothing signed with it is secret or genuine. Signatures are
 * deterministic (RFC 6979), so what is minted twice is the same.
 */
export function createP256Signer(name: string): P256Signer {
  const secret = sha256(toUtf8(`Adyton SIMULATOR key, public on purpose: ${name}`));
  const point = p256.getPublicKey(secret, false);
  const signRaw = (data: Uint8Array): Uint8Array<ArrayBuffer> =>
    new Uint8Array(p256.sign(data, secret, { prehash: true, lowS: true, format: "compact" }));
  return {
    spki: der.sequence(EC_P256, der.bitString(point)),
    algorithm: ECDSA_SHA256,
    coordinates: concatBytes(point.subarray(1)),
    signRaw,
    sign: (data) => {
      const raw = signRaw(data);
      return der.sequence(der.unsigned(raw.subarray(0, 32)), der.unsigned(raw.subarray(32)));
    },
  };
}
