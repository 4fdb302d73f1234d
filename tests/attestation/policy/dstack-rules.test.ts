import { describe, expect, test } from "vitest";
import {
  verifyDstackNitroEvidenceUnder,
  verifyDstackNitroTpmEvidenceUnder,
  verifyDstackSnpEvidenceUnder,
} from "../../../attestation/dstack/verify-dstack-evidence.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { AMD_NOW, mintAmdWorld } from "../../support/fake-amd.ts";
import { AWS_NOW, mintAwsWorld, pcrs } from "../../support/fake-aws.ts";
import { EVENTS, mrConfigOf, pcr14Of, toScale } from "../../support/fake-dstack.ts";
import { appraise, changed, hex } from "../../support/policy-appraisal.ts";

/** The same tables on other hardware: that each kind has its own is what can go wrong. */
describe("dstack on other hardware", () => {
  const app = { appId: hex(20), composeHash: hex(32), instanceId: hex(20), keyProvider: hex(3) };

  test.for<readonly [string, () => Promise<VerifiedEvidence>, Readonly<Record<string, unknown>>]>([
    ["dstackSnp", dstackSnp, { ...app, measurement: hex(48), product: { oneOf: ["Genoa"] } }],
    ["dstackNitro", () => dstackAws("nitro"), { osImageHash: hex(32), pcr0: hex(48) }],
    ["dstackNitroTpm", () => dstackAws("nitroTpm"), { ...app, nonce: { oneOf: ["0x01"] } }],
  ])(
    "%s: what is proposed is accepted, and every rule refuses another value",
    async ([kind, make, rules]) => {
      const evidence = await make();
      expect(evidence.kind).toBe(kind);
      const policy = proposePolicy(evidence);
      expect(appraise(evidence, policy)).toBe("nothing thrown");
      for (const [rule, demand] of Object.entries(rules)) {
        const code = appraise(evidence, changed(policy, evidence.kind, { [rule]: demand }));
        expect(`${rule} ${code}`).toMatch(/ APPRAISAL_/);
      }
    },
  );
});

async function dstackSnp() {
  const { document, hostData } = mrConfigOf();
  const { roots, endorsements, signReport } = await mintAmdWorld();
  const platform = {
    kind: "snp",
    report: await signReport({ hostData }),
    certificates: [],
    mrConfig: document,
  } as const;
  const bytes = toScale({ platform, events: [], reportData: new Uint8Array(64).fill(0xd0) });
  return await verifyDstackSnpEvidenceUnder(roots, bytes, { endorsements, now: AMD_NOW });
}

async function dstackAws(kind: "nitro" | "nitroTpm"): Promise<VerifiedEvidence> {
  const field = kind === "nitro" ? "pcrs" : "nitrotpm_pcrs";
  const values = pcrs().set(14, pcr14Of(EVENTS));
  const { roots, document } = await mintAwsWorld({ fields: { pcrs: undefined, [field]: values } });
  const reportData = new Uint8Array(64).fill(0xd0);
  const bytes = toScale({ platform: { kind, document }, events: EVENTS, reportData });
  return kind === "nitro"
    ? await verifyDstackNitroEvidenceUnder(roots, bytes, { now: AWS_NOW })
    : await verifyDstackNitroTpmEvidenceUnder(roots, bytes, { now: AWS_NOW });
}
