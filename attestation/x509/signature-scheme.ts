import { TAG, DerReader } from "../asn1/der-reader.ts";
import { readOid, readSmallInteger } from "../asn1/der-values.ts";
import { EvidenceError } from "../../protocol/errors.ts";

export type HashName = "SHA-256" | "SHA-384" | "SHA-512";

/** How a signature was made and written down. */
export type SignatureScheme = EcdsaScheme | RsaScheme;

export interface EcdsaScheme {
  readonly name: "ECDSA";
  readonly hash: HashName;
  /** `der` in certificates and CRLs; `fixed`, r ‖ s of the curve's width, everywhere else. */
  readonly encoding: "der" | "fixed";
}

export interface RsaScheme {
  readonly name: "RSASSA-PKCS1-v1_5" | "RSA-PSS";
  readonly hash: HashName;
  /** RSA-PSS only; else 0. */
  readonly saltBytes: number;
}

/** r ‖ s of fixed width, as quotes, reports and COSE carry it. */
export const ECDSA_SHA256: EcdsaScheme = { name: "ECDSA", hash: "SHA-256", encoding: "fixed" };
export const ECDSA_SHA384: EcdsaScheme = { name: "ECDSA", hash: "SHA-384", encoding: "fixed" };

/** RFC 5758 §3.2, RFC 4055 §5. SHA-1 is absent on purpose. */
const SCHEMES: ReadonlyMap<string, SignatureScheme> = new Map<string, SignatureScheme>([
  ["1.2.840.10045.4.3.2", { name: "ECDSA", hash: "SHA-256", encoding: "der" }],
  ["1.2.840.10045.4.3.3", { name: "ECDSA", hash: "SHA-384", encoding: "der" }],
  ["1.2.840.10045.4.3.4", { name: "ECDSA", hash: "SHA-512", encoding: "der" }],
  ["1.2.840.113549.1.1.11", { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", saltBytes: 0 }],
  ["1.2.840.113549.1.1.12", { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384", saltBytes: 0 }],
  ["1.2.840.113549.1.1.13", { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512", saltBytes: 0 }],
]);

const HASHES: ReadonlyMap<string, HashName> = new Map<string, HashName>([
  ["2.16.840.1.101.3.4.2.1", "SHA-256"],
  ["2.16.840.1.101.3.4.2.2", "SHA-384"],
  ["2.16.840.1.101.3.4.2.3", "SHA-512"],
]);

const RSASSA_PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";

/** AlgorithmIdentifier of a signature (RFC 5280 §4.1.1.2). Schemes that we cannot check are EVIDENCE_UNSUPPORTED. */
export function parseSignatureScheme(identifier: Uint8Array<ArrayBuffer>): SignatureScheme {
  const reader = new DerReader(identifier).readSequence();
  const oid = readOid(reader);
  if (oid === RSASSA_PSS) return parsePssParameters(reader.readSequence());
  const scheme = SCHEMES.get(oid);
  if (scheme === undefined) throw unsupported(oid);
  reader.readOptional(TAG.null);
  reader.end();
  return scheme;
}

/** RSASSA-PSS-params (RFC 4055 §3.1), every default of which is SHA-1: only explicit hashes are taken. */
function parsePssParameters(reader: DerReader): SignatureScheme {
  const hash = readHash(reader.readConstructed(TAG.context0));
  const mask = reader.readConstructed(TAG.context1).readSequence();
  if (readOid(mask) !== MGF1 || readHash(mask) !== hash)
    throw unsupported("RSASSA-PSS with another mask hash");
  const saltBytes = readSmallInteger(reader.readConstructed(TAG.context2));
  if (reader.nextTag === TAG.context3) {
    const trailer = readSmallInteger(reader.readConstructed(TAG.context3));
    if (trailer !== 1) throw unsupported("RSASSA-PSS with another trailer");
  }
  reader.end();
  return { name: "RSA-PSS", hash, saltBytes };
}

function readHash(reader: DerReader): HashName {
  const oid = readOid(reader.readSequence());
  const hash = HASHES.get(oid);
  if (hash === undefined) throw unsupported(oid);
  return hash;
}

function unsupported(algorithm: string): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message: "signature algorithm is not one of those that vendors use",
    details: { algorithm },
  });
}
