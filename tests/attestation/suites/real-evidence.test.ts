/** Files of other projects' suites, read in place where they are (docs/reference/vectors.md, Other projects' suites). */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseHclReport } from "../../../attestation/azure/hcl-report.ts";
import { parseSpdmMeasurements } from "../../../attestation/nvidia/spdm-measurements.ts";
import { judgeEvidence } from "../../../attestation/verdict/judge-evidence.ts";
import { createFileSource } from "../../../endorsements/files/file-source.ts";
import { fromHex, fromUtf8 } from "../../../protocol/bytes.ts";
import { VECTORS_FOLDER } from "../../support/vectors/config.ts";

const REAL = join(VECTORS_FOLDER, "suites");

describe.skipIf(!existsSync(REAL))("real evidence of other suites", () => {
  const read = (file: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(join(REAL, file)));

  test.for([
    ["attestation-rs-data__az_snp__evidence-v1.json", "2025-06-01", 4, "azureSnp", null],
    ["attestation-rs-data__az_tdx__evidence-v1.json", "2025-06-01", 4, "azureTdx", "OutOfDate"],
    ["base-nitro__real-2026-01-03.bin", "2026-06-29", 4, "nitro", null],
    ["veraison__evidence__sevsnp-ratsd-token", "2026-06-29", 4, "snp", null],
    // Parts of evidence, without what would vouch for them: nothing is shown, neither way.
    ["kinvolk__test__hcl-report-snp.bin", "2026-06-29", 3, "unknown", null],
    ["kinvolk__test__hcl-report-tdx.bin", "2026-06-29", 3, "unknown", null],
    ["kinvolk__test__quote.bin", "2026-06-29", 3, "unknown", null],
    ["nvidia-sdk__testdata__hopperAttestationReport.txt", "2026-06-29", 3, "unknown", null],
  ] as const)("%s", async ([file, day, status, kind, tcbStatus]) => {
    const now = Date.parse(`${day}T00:00:00Z`) / 1000;
    const intel = await createFileSource(join(VECTORS_FOLDER, "collateral/intel"));
    const { verdict } = await judgeEvidence(read(file), {
      now,
      findEndorsements: async ({ evidence }) => (evidence === null ? {} : await intel.find(evidence, now)),
      policy: null,
      nonce: null,
      reportData: null,
    });
    expect(verdict).toMatchObject({ status, pieces: [{ kind, tcbStatus }] });
  });

  test.for([
    ["kinvolk__test__hcl-report-snp.bin", "snp"],
    ["kinvolk__test__hcl-report-tdx.bin", "tdx"],
  ] as const)("%s is read as a report of Azure's paravisor", ([file, hardware]) => {
    expect(parseHclReport(read(file))).toMatchObject({ hardware });
  });

  test("nvidia-sdk__testdata__hopperAttestationReport.txt is read as measurements of SPDM", () => {
    const text = fromUtf8(read("nvidia-sdk__testdata__hopperAttestationReport.txt")).trim();
    const report = fromHex(`0x${text}`);
    expect(parseSpdmMeasurements(report).requestNonce).toHaveLength(32);
  });
});
