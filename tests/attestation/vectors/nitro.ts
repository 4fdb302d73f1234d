/** Real documents of AWS Nitro enclaves, each judged at its own time. */

import { expect } from "vitest";
import { parseNitroDocument } from "../../../attestation/aws/nitro-document.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import {
  readVector,
  readVectorFile,
  type VectorEntry,
  type VectorRunner,
} from "../../support/vectors/manifest.ts";

export const nitroRunner: VectorRunner = {
  kinds: ["nitro", "nitro-spec"],
  run: async (entry) => {
    if (entry.kind === "nitro") await expectVerdict(entry);
    else await expectSpec(entry);
  },
};

async function expectVerdict(entry: VectorEntry): Promise<void> {
  const bytes = readVector(entry);
  expectMeasured(entry, bytes);
  const now = Math.ceil(Date.parse(entry.time ?? "") / 1000);
  if (entry.expected === "INVALID") {
    expect(await rejectionOf(() => verifyEvidence(bytes, {}, { now }))).toBe("EVIDENCE_SIGNATURE_INVALID");
    return;
  }
  const verified = await verifyEvidence(bytes, {}, { now });
  const isDebug = entry.expected.startsWith("SIGNATURE-VALID");
  expect(verified.debug).toBe(isDebug);
  const appraisal = codeOf(() => appraiseEvidence(verified, proposePolicy(verified), { now }));
  expect(appraisal).toBe(isDebug ? "APPRAISAL_DEBUG_ENABLED" : "nothing thrown");
}

function expectMeasured({ measured = {}, time = "" }: VectorEntry, bytes: Uint8Array): void {
  const document = parseNitroDocument(bytes);
  const pcrs = measured["pcrs"] as Readonly<Record<string, string>>;
  const length = (field: Uint8Array | null) => field?.length ?? null;
  expect({
    moduleId: document.moduleId,
    digest: document.digest,
    time: new Date(document.timestamp).toISOString(),
    pcrs: Object.fromEntries(
      Object.keys(pcrs).map((index) => [index, pcrHex(document.pcrs.get(Number(index)))]),
    ),
    userDataLen: length(document.userData),
    publicKeyLen: length(document.publicKey),
    nonce: nonceOf(document.nonce),
  }).toEqual({
    moduleId: measured["moduleId"],
    digest: measured["digest"],
    time,
    pcrs,
    userDataLen: measured["userDataLen"],
    publicKeyLen: measured["publicKeyLen"],
    nonce: measured["nonce"],
  });
}

function pcrHex(pcr: Uint8Array | undefined): string | undefined {
  return pcr === undefined ? undefined : toHex(pcr).slice(2);
}

/** Long ones are listed by their length. */
function nonceOf(nonce: Uint8Array | null): string | null {
  if (nonce === null) return null;
  return nonce.length > 64 ? `(${nonce.length} bytes)` : toHex(nonce).slice(2);
}

interface Spec {
  readonly attestationDoc?: string;
  readonly pcrs: Readonly<Record<string, string>>;
  readonly shouldPcrsMatch: boolean;
}

/** The documents that the specifications speak of, under their names here. */
const DOCUMENTS = {
  doc: "nitro/attestation-doc-validation__valid-attestation-doc-base64.cbor",
  certificate:
    "nitro/attestation-doc-validation__non-debug-cert-containing-attestation-document-18-1-23-der.crt.cbor",
};

/** Reference values of another project's tests: the PCRs match, or they do not. */
async function expectSpec(entry: VectorEntry): Promise<void> {
  const spec = JSON.parse(new TextDecoder().decode(readVector(entry))) as Spec;
  const bytes = readVectorFile(spec.attestationDoc === undefined ? DOCUMENTS.certificate : DOCUMENTS.doc);
  const document = parseNitroDocument(bytes);
  await verifyEvidence(bytes, {}, { now: Math.ceil(document.timestamp / 1000) });
  const matches = Object.entries(spec.pcrs).every(
    ([name, value]) => pcrHex(document.pcrs.get(Number(name.slice(3)))) === value,
  );
  expect(matches).toBe(spec.shouldPcrsMatch);
}
