import { malformed } from "../encoding/malformed.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";
import { parseCrl, type Crl } from "./crl.ts";
import { fromBase64, splitPem } from "./pem.ts";

/** A DER certificate or CRL is a SEQUENCE; PEM text begins with a dash, white space or a comment. */
const SEQUENCE_TAG = 0x30;

/** PEM is ASCII; anything else in the text is between blocks, and skipped. */
const ascii = new TextDecoder("latin1");

function toDer(bytes: Uint8Array, label: string): readonly Uint8Array<ArrayBuffer>[] {
  if (bytes[0] === SEQUENCE_TAG) return [new Uint8Array(bytes)];
  const bodies = splitPem(ascii.decode(bytes), label);
  if (bodies.length === 0) throw malformed(`neither DER nor PEM with a block ${label}`);
  return bodies.map(fromBase64);
}

/**
 * The certificates in one file: DER of one, or PEM of several in their order.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED
 */
export function parseCertificates(bytes: Uint8Array): readonly Certificate[] {
  return toDer(bytes, "CERTIFICATE").map(parseCertificate);
}

/**
 * The revocation lists in one file: DER of one, or PEM of several.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED
 */
export function parseCrls(bytes: Uint8Array): readonly Crl[] {
  return toDer(bytes, "X509 CRL").map(parseCrl);
}
