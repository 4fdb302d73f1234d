import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { equalBytes, toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { malformed } from "../encoding/malformed.ts";
import { decodeCbor, type CborLimits, type CborValue } from "../encoding/cbor.ts";

/** Custom claims that evidence is bound to: of those in the buffer, the ones that somebody relies on. */
export interface CustomClaims {
  readonly nonce: Hex | null;
  /** Adyton's own: the keyset that the evidence vouches for (docs/reference/protocol.md, Claims and report data). */
  readonly keysetId: Hex | null;
}

/** A map of a few claims of some bytes each; rats-tls adds an application's own. */
const LIMITS: CborLimits = { maxBytes: 64 * 1024, maxDepth: 2, maxItems: 256, containers: "definite" };

/** Named Information Hash Algorithm Registry (IANA): the three that the SIG's document asks for. */
const HASHES: ReadonlyMap<CborValue, (data: Uint8Array) => Uint8Array> = new Map<
  CborValue,
  (data: Uint8Array) => Uint8Array
>([
  [1, sha256],
  [7, sha384],
  [8, sha512],
]);

const KEYSET_ID_BYTES = 32;

/**
 * Reads the claims buffer and checks that its `pubkey-hash` is of this key.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for another hash; EVIDENCE_BINDING_MISMATCH
 */
export function verifyClaimsBuffer(buffer: Uint8Array, spki: Uint8Array): CustomClaims {
  const claims = decodeCbor(buffer, LIMITS);
  if (!(claims instanceof Map)) throw malformed("RA-TLS claims are not a map");
  const map = claims as ReadonlyMap<CborValue, CborValue>;
  const keyHash = map.get("pubkey-hash");
  if (!(keyHash instanceof Uint8Array)) throw malformed("RA-TLS claims have no pubkey-hash");
  checkHashEntry(keyHash, spki);
  const keysetId = optionalBytes(map, "keyset");
  if (keysetId !== null && keysetId.length !== KEYSET_ID_BYTES)
    throw malformed("keyset claim is not 32 bytes");
  const nonce = optionalBytes(map, "nonce");
  return {
    nonce: nonce === null ? null : toHex(nonce),
    keysetId: keysetId === null ? null : toHex(keysetId),
  };
}

/** `hash-entry` of CoSWID: [algorithm, value], as CBOR inside a byte string. */
function checkHashEntry(bytes: Uint8Array, spki: Uint8Array): void {
  const entry = decodeCbor(bytes, LIMITS);
  if (!Array.isArray(entry) || entry.length !== 2) throw malformed("pubkey-hash is not [algorithm, hash]");
  const [algorithm, value] = entry as unknown as readonly [CborValue, CborValue];
  const hash = HASHES.get(algorithm);
  if (hash === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "pubkey-hash is of an algorithm that is not SHA-2",
    });
  }
  if (!(value instanceof Uint8Array) || !equalBytes(value, hash(spki))) throw keyMismatch();
}

function optionalBytes(map: ReadonlyMap<CborValue, CborValue>, name: string): Uint8Array | null {
  const value = map.get(name);
  if (value === undefined) return null;
  if (!(value instanceof Uint8Array)) throw malformed("RA-TLS claim is not a byte string", { name });
  return value;
}

export function keyMismatch(): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_BINDING_MISMATCH",
    message: "the evidence vouches for another key than the certificate's",
  });
}
