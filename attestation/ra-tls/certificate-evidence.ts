import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, fromUtf8, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { claimsReportData } from "../../protocol/claims.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { DerReader, TAG } from "../asn1/der-reader.ts";
import { malformed } from "../encoding/malformed.ts";
import { parseDstackEventLog, type DstackEvent } from "../dstack/event-log.ts";
import type { Certificate } from "../x509/certificate.ts";
import { verifyClaimsBuffer, type CustomClaims } from "./claims-buffer.ts";
import { decodeEvidenceExtension, EVIDENCE_EXTENSION } from "./evidence-extension.ts";

export type RaTlsFormat = "interoperable" | "gramine-legacy" | "dstack";

/** Evidence inside a certificate, and the report data that it must have to vouch for the certificate's key. */
export interface CertificateEvidence extends CustomClaims {
  readonly format: RaTlsFormat;
  readonly evidence: Uint8Array<ArrayBuffer>;
  readonly reportData: Hex;
  /** dstack only, where it stands beside the evidence and not in it. */
  readonly eventLog: readonly DstackEvent[] | null;
}

/** 1.2.840.113741.1337.6; Gramine writes the tag and length bytes of the OID into the OID itself. */
const GRAMINE_QUOTE = ["1.2.840.113741.1337.6", "0.6.9.42.840.113741.1337.6"] as const;

/** github.com/Dstack-TEE/dstack, ra-tls `oids.rs`. */
const DSTACK_QUOTE = "1.3.6.1.4.1.62397.1.1";
const DSTACK_EVENT_LOG = "1.3.6.1.4.1.62397.1.2";
/** An attestation of version 0 or 1, which holds quote and log, on any platform (dstack, pull request 437). */
const DSTACK_ATTESTATION = "1.3.6.1.4.1.62397.1.8";

const NO_CLAIMS: CustomClaims = { nonce: null, keysetId: null };

/**
 * Finds the evidence in an RA-TLS certificate; where there are several, the standard form.
 *
 * @throws {EvidenceError} EVIDENCE_UNSUPPORTED when there is none; EVIDENCE_MALFORMED; EVIDENCE_BINDING_MISMATCH when
 *   the claims name another key
 */
export function findCertificateEvidence(certificate: Certificate): CertificateEvidence {
  const { extensions, publicKey } = certificate;
  const interoperable = extensions.get(EVIDENCE_EXTENSION);
  if (interoperable !== undefined) {
    const { evidence, claims } = decodeEvidenceExtension(interoperable.value);
    const reportData = toHex(claimsReportData(claims));
    const custom = verifyClaimsBuffer(claims, publicKey.spki);
    return { format: "interoperable", evidence, reportData, eventLog: null, ...custom };
  }
  const gramine = GRAMINE_QUOTE.map((oid) => extensions.get(oid)).find(
    (extension) => extension !== undefined,
  );
  if (gramine !== undefined) {
    const reportData = toHex(concatBytes(sha256(publicKey.spki), new Uint8Array(32)));
    return { format: "gramine-legacy", evidence: gramine.value, reportData, eventLog: null, ...NO_CLAIMS };
  }
  const attestation = extensions.get(DSTACK_ATTESTATION);
  if (attestation !== undefined) {
    const evidence = readOctets(attestation.value);
    const reportData = dstackReportData(publicKey.spki);
    return { format: "dstack", evidence, reportData, eventLog: null, ...NO_CLAIMS };
  }
  const dstack = extensions.get(DSTACK_QUOTE);
  if (dstack !== undefined) {
    const log = extensions.get(DSTACK_EVENT_LOG);
    return {
      format: "dstack",
      evidence: readOctets(dstack.value),
      reportData: dstackReportData(publicKey.spki),
      eventLog: log === undefined ? null : parseEventLog(readOctets(log.value)),
      ...NO_CLAIMS,
    };
  }
  throw new EvidenceError({ code: "EVIDENCE_UNSUPPORTED", message: "the certificate carries no evidence" });
}

/** dstack `QuoteContentType::RaTlsCert`, with its default hash. */
function dstackReportData(spki: Uint8Array): Hex {
  return toHex(sha512(concatBytes(toUtf8("ratls-cert:"), spki)));
}

function readOctets(value: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const reader = new DerReader(value);
  const { content } = reader.read(TAG.octetString);
  reader.end();
  return content;
}

function parseEventLog(bytes: Uint8Array): readonly DstackEvent[] {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    throw malformed("the event log in the certificate is not text");
  }
  return parseDstackEventLog(text);
}
