import { describe, expect, test } from "vitest";
import { encodeReportFields } from "../../../attestation/amd/report-fields.ts";
import { isSnpEvidence, parseSnpEvidence } from "../../../attestation/amd/snp-evidence.ts";
import { verifySnpEvidenceUnder } from "../../../attestation/amd/verify-snp-evidence.ts";
import type { SnpProductLine } from "../../../attestation/amd/product.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { AMD_NOW, mintAmdWorld } from "../../support/fake-amd.ts";
import { toCocoEvidence, toReportFields } from "../../support/fake-coco.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const asBytes = (value: unknown): Uint8Array => toUtf8(JSON.stringify(value));
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

describe("a report whose fields are JSON", () => {
  test.for<SnpProductLine>(["Milan", "Genoa", "Turin"])("of %s is the same report", async (product) => {
    const world = await mintAmdWorld({ product });
    const report = await world.signReport({ launchMitVector: product === "Turin" ? 3n : 0n, guestSvn: 7 });
    expect(encodeReportFields(toReportFields(report, product))).toEqual(report);
  });

  test("is genuine with the certificate it brings", async () => {
    const { roots, leaf, ask, signReport, plan } = await mintAmdWorld();
    const evidence = asBytes(toCocoEvidence(toReportFields(await signReport(), plan.product), leaf));
    expect(isSnpEvidence(evidence)).toBe(true);
    const endorsements = { certificates: [], crls: [] };
    const code = await rejectionOf(() =>
      verifySnpEvidenceUnder(roots, evidence, { endorsements, now: AMD_NOW }),
    );
    // AMD's own ASKs are shipped; the one of this world is not, and comes from the caller.
    expect(code).toBe("ENDORSEMENT_UNAVAILABLE");
    const { parseAmdEndorsements } = await import("../../../attestation/amd/amd-endorsements.ts");
    const given = parseAmdEndorsements({ certificates: [ask], crls: [] });
    const verified = await verifySnpEvidenceUnder(roots, evidence, { endorsements: given, now: AMD_NOW });
    expect(verified.claims.measurement).toBe(`0x${"3e".repeat(48)}`);
  });

  test("is refused with one value changed", async () => {
    const { roots, endorsements, leaf, signReport, plan } = await mintAmdWorld();
    const fields = { ...toReportFields(await signReport(), plan.product), guest_svn: 1 };
    const evidence = asBytes(toCocoEvidence(fields, leaf));
    expect(
      await rejectionOf(() => verifySnpEvidenceUnder(roots, evidence, { endorsements, now: AMD_NOW })),
    ).toBe("EVIDENCE_SIGNATURE_INVALID");
  });

  test("is read as older releases of the crate spell versions, too", async () => {
    const { signReport, plan } = await mintAmdWorld();
    const report = await signReport();
    const { current, committed, key_info, ...others } = toReportFields(report, plan.product);
    const separate = (name: string, version: unknown) =>
      Object.fromEntries(
        Object.entries(version as Record<string, number>).map(([part, value]) => [`${name}_${part}`, value]),
      );
    const older = {
      ...others,
      _author_key_en: key_info,
      ...separate("current", current),
      ...separate("committed", committed),
    };
    expect(encodeReportFields(older)).toEqual(report);
  });

  test.for<readonly [string, Record<string, unknown>]>([
    ["a field that is missing", { report_data: undefined }],
    ["a field of another length", { chip_id: [1, 2, 3] }],
    ["a number that JSON has rounded", { plat_info: 2 ** 60 }],
    ["a byte beyond 255", { family_id: Array(16).fill(256) }],
  ])("is not judged with %s", async ([, change]) => {
    const { signReport, plan } = await mintAmdWorld();
    const fields = { ...toReportFields(await signReport(), plan.product), ...change };
    expect(codeOf(() => encodeReportFields(fields))).toBe("EVIDENCE_UNSUPPORTED");
    expect(codeOf(() => parseSnpEvidence(asBytes(toCocoEvidence(fields, null))))).toBe(
      "EVIDENCE_UNSUPPORTED",
    );
  });
});

describe("the map of configfs-tsm in JSON", () => {
  test("is the report and its table", async () => {
    const { signReport } = await mintAmdWorld();
    const report = await signReport();
    const map = { auxblob: base64(Uint8Array.of(1, 2)), outblob: base64(report), provider: "sev_guest\n" };
    expect(isSnpEvidence(asBytes(map))).toBe(true);
    expect(parseSnpEvidence(asBytes(map))).toEqual({
      report,
      certificateTable: Uint8Array.of(1, 2),
      certificates: [],
    });
    expect(parseSnpEvidence(asBytes({ ...map, auxblob: undefined })).certificateTable).toBeNull();
  });

  test.for([
    ["of another provider", { provider: "tdx_guest", outblob: "AAAA" }],
    ["whose blob is not base64", { provider: "sev_guest", outblob: "!" }],
  ] as const)("is not taken %s", ([, map]) => {
    expect(isSnpEvidence(asBytes(map))).toBe(false);
    expect(codeOf(() => parseSnpEvidence(asBytes(map)))).toBe("EVIDENCE_MALFORMED");
  });
});
