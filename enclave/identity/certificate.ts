/**
 * The RA-TLS certificate: self-signed by the TLS key, with the evidence inside. Written out here, byte by byte: a library
 * for it would be the largest part of what is measured.
 */

import { randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import { encodeEvidenceExtension, EVIDENCE_EXTENSION } from "../../attestation/ra-tls/evidence-extension.ts";
import { concatBytes, fromHex, toUtf8 } from "../../protocol/bytes.ts";
import type { BoundEvidence } from "../../protocol/receipt.ts";
import { der } from "./der-encoding.ts";
import type { EnclaveKeys } from "./keys.ts";

/** Kinds of evidence that are quotes in Intel's format, for which the CCC has a tag of its own. */
const INTEL_QUOTES: ReadonlySet<string> = new Set(["tdx", "sgx", "simulator"]);

const COMMON_NAME = "2.5.4.3";
const SUBJECT_ALT_NAME = "2.5.29.17";
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const SUBJECT = "adyton enclave";
/** Tags of RFC 5280 §4.2.1.6, GeneralName. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

export interface CertificateOptions {
  readonly keys: EnclaveKeys["tls"];
  readonly evidence: BoundEvidence;
  /** DNS names and IPv4 addresses. A client relies on the evidence; these let it check a name as well. */
  readonly names?: readonly string[];
  /** Seconds. Its dates tell clients when to ask again; trust comes from the evidence, not from them. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** X.509 version 3 (RFC 5280 §4.1) in PEM. */
export function issueCertificate(options: CertificateOptions): string {
  const algorithm = der.sequence(der.oid(ECDSA_WITH_SHA256));
  const name = der.sequence(der.set(der.sequence(der.oid(COMMON_NAME), der.utf8String(SUBJECT))));
  const tbs = der.sequence(
    der.element(0xa0, der.unsigned(Uint8Array.of(2))),
    der.unsigned(concatBytes(Uint8Array.of(1), randomBytes(15))),
    algorithm,
    name,
    der.sequence(der.time(options.notBefore), der.time(options.notAfter)),
    name,
    options.keys.publicKey.export({ type: "spki", format: "der" }),
    der.element(0xa3, der.sequence(...extensions(options))),
  );
  const certificate = der.sequence(
    tbs,
    algorithm,
    der.bitString(sign("sha256", tbs, options.keys.privateKey)),
  );
  const lines =
    Buffer.from(certificate)
      .toString("base64")
      .match(/.{1,64}/gu) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function extensions({ evidence, names = [] }: CertificateOptions): readonly Uint8Array[] {
  const content = encodeEvidenceExtension(INTEL_QUOTES.has(evidence.kind) ? "intel-quote" : "other", {
    evidence: fromHex(evidence.bytes),
    claims: fromHex(evidence.claims),
  });
  const extension = (oid: string, value: Uint8Array): Uint8Array =>
    der.sequence(der.oid(oid), der.element(0x04, value));
  const generalNames = [...new Set(names)].filter((name) => isIP(name) !== 6).map(generalName);
  return [
    ...(generalNames.length === 0 ? [] : [extension(SUBJECT_ALT_NAME, der.sequence(...generalNames))]),
    extension(EVIDENCE_EXTENSION, content),
  ];
}

function generalName(name: string): Uint8Array {
  return isIP(name) === 4
    ? der.element(IP_ADDRESS, Uint8Array.from(name.split(".").map(Number)))
    : der.element(DNS_NAME, toUtf8(name));
}
