import { describe, expect, test } from "vitest";
import { parseNitroDocument, recogniseNitroDocument } from "../../../attestation/aws/nitro-document.ts";
import {
  verifyNitroDocumentUnder,
  verifyNitroTpmDocument,
  verifyNitroTpmDocumentUnder,
} from "../../../attestation/aws/verify-nitro-document.ts";
import { recogniseEvidence } from "../../../attestation/evidence/recognise-evidence.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { parseAppraisalPolicy } from "../../../attestation/policy/policy-file.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import { toEar } from "../../../attestation/verdict/ear.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { bitsFlippedOf, flipBits } from "../../support/bits/flip-bits.ts";
import { AWS_NOW, mintAwsWorld, pcrs, type AwsPlan } from "../../support/fake-aws.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const TPM_FIELDS = { pcrs: undefined, nitrotpm_pcrs: pcrs() };

async function verify(plan: Partial<AwsPlan> = {}) {
  const { roots, document } = await mintAwsWorld({ fields: TPM_FIELDS, ...plan });
  return await verifyNitroTpmDocumentUnder(roots, document, { now: AWS_NOW });
}

describe("a document of a NitroTPM", () => {
  test("is a kind of its own, and says that the host can read the memory", async () => {
    const { document } = await mintAwsWorld({ fields: TPM_FIELDS });
    expect(recogniseEvidence(document)).toBe("nitroTpm");
    const { kind, claims, debug, checks } = await verify();
    expect({ kind, debug, memory: claims.memory, pcr0: claims.pcrs["0"] }).toEqual({
      kind: "nitroTpm",
      debug: null,
      memory: "readable-by-the-host",
      pcr0: `0x${"c0".repeat(48)}`,
    });
    expect(checks.find(({ name }) => name === "memory")?.detail).toMatch(/NOT encrypted/);
  });

  test("is no enclave's, and an enclave's is none of its own", async () => {
    const tpm = await mintAwsWorld({ fields: TPM_FIELDS });
    const enclave = await mintAwsWorld();
    expect(await rejectionOf(() => verifyNitroDocumentUnder(tpm.roots, tpm.document, { now: AWS_NOW }))).toBe(
      "EVIDENCE_MALFORMED",
    );
    expect(
      await rejectionOf(() => verifyNitroTpmDocumentUnder(enclave.roots, enclave.document, { now: AWS_NOW })),
    ).toBe("EVIDENCE_MALFORMED");
    expect(await rejectionOf(() => verifyNitroTpmDocument(tpm.document, { now: AWS_NOW }))).toBe(
      "EVIDENCE_CHAIN_UNTRUSTED",
    );
  });

  test("is not what an enclave writes into its user data", async () => {
    const { document } = await mintAwsWorld({ fields: { user_data: toUtf8("mnitrotpm_pcrs") } });
    expect(recogniseNitroDocument(document)).toBe("enclave");
    const cut = document.slice(0, 200);
    expect(recogniseNitroDocument(cut)).toBe("enclave");
  });

  test("with an enclave's PCRs beside its own is malformed", async () => {
    const { document } = await mintAwsWorld({ fields: { nitrotpm_pcrs: pcrs() } });
    expect(codeOf(() => parseNitroDocument(document))).toBe("EVIDENCE_MALFORMED");
  });

  test("is refused when another key signed it", async () => {
    expect(await rejectionOf(() => verify({ signer: "stranger" }))).toBe("EVIDENCE_SIGNATURE_INVALID");
  });

  test("is refused with any bit of its PCRs flipped", async () => {
    const { roots, document } = await mintAwsWorld({ fields: TPM_FIELDS });
    const at = Buffer.from(document).indexOf("nitrotpm_pcrs");
    const { accepted, flipped } = await flipBits(document.slice(at, at + 100), async (changed) => {
      const whole = new Uint8Array(document);
      whole.set(changed, at);
      await verifyNitroTpmDocumentUnder(roots, whole, { now: AWS_NOW });
    });
    expect({ accepted, flipped }).toEqual({ accepted: [], flipped: bitsFlippedOf(100) });
  });
});

describe("a policy for NitroTPMs", () => {
  test("says in words that the host can read the memory, and pins the PCRs", async () => {
    const evidence = await verify();
    const policy = proposePolicy(evidence);
    expect(policy.nitroTpm).toMatchObject({
      memory: "acceptReadableByTheHost",
      pcrs: { byIndex: { "0": [`0x${"c0".repeat(48)}`] } },
    });
    expect(Object.keys((policy.nitroTpm as { pcrs: { byIndex: object } }).pcrs.byIndex)).toEqual([
      "0",
      "1",
      "2",
    ]);
    const appraised = appraiseEvidence(evidence, policy, { now: AWS_NOW });
    const { submods } = toEar(appraised, { build: "1", policyId: "p" });
    expect(submods["nitroTpm"]?.["ear.status"]).toBe("warning");
  });

  test.for<readonly [string, object, string]>([
    [
      "another PCR",
      { pcrs: { byIndex: { "0": [`0x${"ab".repeat(48)}`] } } },
      "APPRAISAL_MEASUREMENT_UNKNOWN",
    ],
    [
      "a PCR that is not there",
      { pcrs: { byIndex: { "23": [`0x${"00".repeat(48)}`] } } },
      "APPRAISAL_MEASUREMENT_UNKNOWN",
    ],
    ["a nonce that is not there", { nonce: { oneOf: ["0x01"] } }, "APPRAISAL_REPORT_DATA_MISMATCH"],
    ["another public key", { publicKey: { oneOf: ["0x01"] } }, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
  ])("refuses %s", async ([, rules, code]) => {
    const evidence = await verify();
    const policy = proposePolicy(evidence);
    const changed = parseAppraisalPolicy({ ...policy, nitroTpm: { ...policy.nitroTpm, ...rules } });
    expect(codeOf(() => appraiseEvidence(evidence, changed, { now: AWS_NOW }))).toBe(code);
  });

  test("that was written before there were any refuses them", async () => {
    const evidence = await verify();
    const { nitroTpm, dstackSnp, dstackNitro, dstackNitroTpm, ...older } = proposePolicy(evidence);
    expect([nitroTpm, dstackSnp, dstackNitro, dstackNitroTpm]).toHaveLength(4);
    const policy = parseAppraisalPolicy(older);
    expect(codeOf(() => appraiseEvidence(evidence, policy, { now: AWS_NOW }))).toBe("APPRAISAL_KIND_REFUSED");
  });
});
