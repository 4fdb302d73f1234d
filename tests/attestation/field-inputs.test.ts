/**
 * Files that users and reviewers brought, read in place where the folder beside that of the vectors is there. Their kinds
 * have tests with minted evidence elsewhere; these show that the real thing is read.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFileSource } from "../../endorsements/files/file-source.ts";
import { findEvidence } from "../../attestation/evidence/find-evidence.ts";
import { verifyRaTlsCertificate } from "../../attestation/ra-tls/verify-ra-tls.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { VECTORS_FOLDER } from "../support/vectors/config.ts";

const FOLDER = join(VECTORS_FOLDER, "../faults/attestation/inputs");
const HAS_INPUTS = existsSync(FOLDER);
/** When Intel's collection in the vectors has something in date for the quotes: 2026-06-29. */
const NOW = Date.parse("2026-06-29T00:00:00Z") / 1000;

/** `kind outcome` of each piece, sorted: genuine, or the code that stands in the way. */
async function outcomes(path: string, now = NOW): Promise<readonly string[]> {
  const intel = await createFileSource(join(VECTORS_FOLDER, "collateral/intel"));
  const pieces = findEvidence(readFileSync(path));
  const found = await Promise.all(
    pieces.map(async ({ kind, evidence, bytes }) => {
      try {
        if (evidence === null) await verifyRaTlsCertificate(bytes, {}, { now });
        else await evidence.verify(await intel.find(evidence, now), { now });
        return `${kind} genuine`;
      } catch (error) {
        if (error instanceof AdytonError) return `${kind} ${error.code}`;
        throw error;
      }
    }),
  );
  return found.sort();
}

describe.skipIf(!HAS_INPUTS)("files from the field", () => {
  test.for<readonly [string, readonly string[]]>([
    ["bom-json.json", ["tdx genuine"]],
    ["co_e2e_evidence.json", ["snp genuine"]],
    ["coco-tdx.json", ["tdx genuine"]],
    // The log is of version 2, and was not what this quote's guest extended.
    ["dstack-eventlog-v2.json", ["dstack EVIDENCE_BINDING_MISMATCH"]],
    ["dstack-v1.msgpack", ["dstack genuine"]],
    ["gpu4.json", ["nvidia genuine"]],
    ["gpu4-only1.json", ["nvidia genuine"]],
    // Each device once.
    ["gpu-one-as-eight.json", ["nvidia EVIDENCE_BINDING_MISMATCH"]],
    // An enclave's document that was given a TPM's PCRs.
    ["nitrotpm-shape.bin", ["nitroTpm EVIDENCE_SIGNATURE_INVALID"]],
    ["redpill.json", ["nvidia genuine", "tdx genuine"]],
    ["redpill-bad-gpu.json", ["nvidia EVIDENCE_SIGNATURE_INVALID", "tdx genuine"]],
    // The version byte was changed, and the certificate is not there.
    ["snp-v4.bin", ["snp ENDORSEMENT_UNAVAILABLE"]],
    ["tinfoil-v2.json", ["snp ENDORSEMENT_UNAVAILABLE"]],
  ])("%s", async ([file, expected]) => {
    expect(await outcomes(join(FOLDER, file))).toEqual(expected);
  });

  test("a certificate with an attestation of dstack's, minted after anything that endorses its quote", async () => {
    const now = Date.parse("2026-12-01T00:00:00Z") / 1000;
    expect(await outcomes(join(FOLDER, "dstack-oid8.pem"), now)).toEqual([
      "certificate ENDORSEMENT_UNAVAILABLE",
    ]);
  });

  test("a token that wraps a report of configfs-tsm three times", async () => {
    const path = join(VECTORS_FOLDER, "suites/veraison__evidence__sevsnp-ratsd-token");
    expect(await outcomes(path)).toEqual(["snp genuine"]);
  });
});
