/** RA-TLS certificates around simulated evidence, in every form, right or wrong in one place. */

import { sha256, sha512 } from "@noble/hashes/sha2.js";
import {
  joinSignedResponse,
  encodeEndorsementExtension,
  encodeEvidenceExtension,
} from "../../attestation/ra-tls/evidence-extension.ts";
import {
  mintCertificate,
  type CertificateExtension,
  type CertificateFields,
} from "../../enclave/attesters/simulator/certificate-writer.ts";
import { der } from "../../enclave/attesters/simulator/der-writer.ts";
import { createP256Signer, type P256Signer } from "../../enclave/attesters/simulator/signer.ts";
import { createSimulatorAttester } from "../../enclave/attesters/simulator/simulator-attester.ts";
import { concatBytes, fromHex, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { claimsReportData, encodeClaims } from "../../protocol/claims.ts";
import { DAY, NOW, type Json } from "./fake-intel.ts";

export const TLS_KEY = createP256Signer("TLS key");
export const NONCE: Hex = `0x${"0c".repeat(32)}`;
export const KEYSET_ID: Hex = `0x${"0d".repeat(32)}`;

export async function evidenceFor(reportData: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return await (await createSimulatorAttester()).getEvidence(reportData);
}

export function claimsOf(key: P256Signer): Uint8Array<ArrayBuffer> {
  return encodeClaims({ nonce: NONCE, keysetId: KEYSET_ID, tlsKeyHash: toHex(sha256(key.spki)) });
}

export async function mintTlsCertificate(
  extensions: readonly CertificateExtension[],
  change: Partial<CertificateFields> = {},
  signer: P256Signer = TLS_KEY,
): Promise<Uint8Array<ArrayBuffer>> {
  const fields = {
    subject: "enclave",
    issuer: "enclave",
    serial: "0x01",
    notBefore: NOW - DAY,
    notAfter: NOW + DAY,
  } as const;
  return await mintCertificate({ ...fields, spki: TLS_KEY.spki, extensions, ...change }, signer);
}

/** The content of the CCC's extension. */
export const evidenceExtension = (value: Uint8Array): CertificateExtension => ({
  oid: "2.23.133.5.4.9",
  critical: false,
  value,
});

export async function interoperable(
  claims = claimsOf(TLS_KEY),
  evidence?: Uint8Array,
): Promise<CertificateExtension> {
  const made = evidence ?? (await evidenceFor(claimsReportData(claims)));
  return evidenceExtension(encodeEvidenceExtension("intel-quote", { evidence: made, claims }));
}

export async function gramineLegacy(oid = "1.2.840.113741.1337.6"): Promise<CertificateExtension> {
  const reportData = concatBytes(sha256(TLS_KEY.spki), new Uint8Array(32));
  return { oid, critical: false, value: await evidenceFor(reportData) };
}

export async function dstackQuote(): Promise<CertificateExtension> {
  const reportData = sha512(concatBytes(toUtf8("ratls-cert:"), TLS_KEY.spki));
  return {
    oid: "1.3.6.1.4.1.62397.1.1",
    critical: false,
    value: der.octetString(await evidenceFor(reportData)),
  };
}

/** The extension since 2026: an attestation, whichever way it is written. */
export const dstackAttestation = (attestation: Uint8Array): CertificateExtension => ({
  oid: "1.3.6.1.4.1.62397.1.8",
  critical: false,
  value: der.octetString(attestation),
});

export const dstackEventLog = (log: Uint8Array): CertificateExtension => ({
  oid: "1.3.6.1.4.1.62397.1.2",
  critical: false,
  value: der.octetString(log),
});

/** The endorsements extension with a collateral's parts; `form` is how the lists are written. */
export function endorsementExtension(collateral: Json, form: "der" | "hex"): CertificateExtension {
  const text = (name: string): string => String(collateral[name]);
  const crl = (name: string): Uint8Array =>
    form === "der" ? fromHex(`0x${text(name)}`) : toUtf8(text(name));
  const value = encodeEndorsementExtension({
    tcbInfo: joinSignedResponse("tcbInfo", { text: text("tcb_info"), signature: text("tcb_info_signature") }),
    tcbIssuerChain: toUtf8(`${text("tcb_info_issuer_chain")}\0`),
    pckCrl: crl("pck_crl"),
    rootCrl: crl("root_ca_crl"),
    pckCrlIssuerChain: toUtf8(text("pck_crl_issuer_chain")),
    qeIdentity: joinSignedResponse("enclaveIdentity", {
      text: text("qe_identity"),
      signature: text("qe_identity_signature"),
    }),
    qeIdentityIssuerChain: toUtf8(text("qe_identity_issuer_chain")),
  });
  return { oid: "2.23.133.5.4.2", critical: false, value };
}
