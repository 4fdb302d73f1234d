/** Real certificates that carry evidence: of Gramine, dstack, Open Enclave and others. */

import { X509Certificate } from "node:crypto";
import { expect } from "vitest";
import { verifyDstackAppInfo } from "../../../attestation/dstack/app-info.ts";
import { parseIntelEndorsements } from "../../../attestation/intel/intel-endorsements.ts";
import { verifyRaTlsCertificate } from "../../../attestation/ra-tls/verify-ra-tls.ts";
import { parseCertificate } from "../../../attestation/x509/certificate.ts";
import { parseCertificates } from "../../../attestation/x509/pem-or-der.ts";
import { fromHex } from "../../../protocol/bytes.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import {
  readVector,
  readVectorText,
  type VectorEntry,
  type VectorRunner,
} from "../../support/vectors/manifest.ts";

/** Endorsements of the platform in the certificate, and a time at which certificate and endorsements are in date. */
const JUDGED_WITH: Readonly<Record<string, readonly [collateral: string, time: string]>> = {
  "gramine-cert.pem": ["sgx-00606a000000-tcb2024-06-13-e16-v2-28cb", "2024-07-05T11:49:22Z"],
  "dstack-app-cert.der": ["tdx-20a06f000000-tcb2025-09-02-e17-v3-b3b4", "2025-09-17T07:22:55Z"],
};

/** Certificates without evidence in a form of ours, or expired whenever endorsements exist. */
const REFUSED: Readonly<Record<string, readonly [code: string, time: string]>> = {
  "rats-tls-cert.pem": ["EVIDENCE_CHAIN_EXPIRED", "2024-07-05T11:49:22Z"],
  "dstack-app-ca.der": ["EVIDENCE_UNSUPPORTED", "2025-11-01T00:00:00Z"],
  "oe_sgx_cert_rsa_bad.der": ["EVIDENCE_SIGNATURE_INVALID", "2020-01-01T00:00:00Z"],
  "evervault_non-debug-cert-containing-attestation-document-18-1-23-der.crt": [
    "EVIDENCE_UNSUPPORTED",
    "2023-01-18T20:00:00Z",
  ],
  "evervault_debug-mode-cert-containing-attestation-doc-18-1-23.pem": [
    "EVIDENCE_UNSUPPORTED",
    "2023-01-18T20:00:00Z",
  ],
};

export const raTlsRunner: VectorRunner = {
  kinds: ["ra-tls"],
  run: async (entry) => {
    const name = entry.file.split("/").at(-1) ?? "";
    const refused = REFUSED[name];
    if (refused !== undefined) {
      const [code, time] = refused;
      const verify = async () =>
        await verifyRaTlsCertificate(derOf(entry), {}, { now: Date.parse(time) / 1000 });
      expect(await rejectionOf(verify)).toBe(code);
      return;
    }
    await expectBinding(entry, JUDGED_WITH[name]);
  },
};

function derOf(entry: VectorEntry): Uint8Array<ArrayBuffer> {
  const [certificate] = parseCertificates(readVector(entry));
  if (certificate === undefined) throw new Error(`${entry.file} holds no certificate`);
  return certificate.der;
}

async function expectBinding(
  entry: VectorEntry,
  judgedWith: readonly [string, string] | undefined,
): Promise<void> {
  if (judgedWith === undefined) throw new Error(`no endorsements are named for ${entry.file}`);
  const [collateral, time] = judgedWith;
  const intel = parseIntelEndorsements(JSON.parse(readVectorText(`collateral/bundles/${collateral}.json`)));
  const options = { now: Date.parse(time) / 1000 };
  const der = derOf(entry);
  const verified = await verifyRaTlsCertificate(der, { intel }, options);
  expect(verified.spki).toBe(parseCertificate(der).publicKey.spkiHex);
  if (verified.eventLog !== null && verified.evidence.kind === "tdx") {
    const info = verifyDstackAppInfo(verified.eventLog, fromHex(verified.evidence.claims.rtMr3));
    expect(info.appId).toBe("0xab84a54bdaf082be00ea40e8e37bdeb5c15c58de");
  }
  // The trap: Node looks for PEM first, finds Intel's inside the quote, and returns that.
  expect(new X509Certificate(der).subject).not.toContain(parseCertificate(der).label);
}
