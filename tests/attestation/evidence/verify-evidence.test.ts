import { describe, expect, test } from "vitest";
import { recogniseEvidence } from "../../../attestation/evidence/recognise-evidence.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { sealVerified, type Findings } from "../../../attestation/evidence/verified-evidence.ts";
import { createSimulatorAttester } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import {
  mintAmdWorld,
  mintAwsWorld,
  mintFakeIntel,
  mintNvidiaWorld,
  toEvidenceJson,
} from "../../support/fake-pki.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

/** 2030-01-01: no earlier than any of the worlds' own times. */
const LATER = 1_893_456_000;

/** What each kind says when nothing endorses it, or when its root is not the vendor's. */
const EVIDENCE: readonly (readonly [string, () => Promise<Uint8Array>, string])[] = [
  ["sgx", async () => (await mintFakeIntel({ tee: "sgx" })).quote, "ENDORSEMENT_UNAVAILABLE"],
  ["tdx", async () => (await mintFakeIntel()).quote, "ENDORSEMENT_UNAVAILABLE"],
  ["snp", async () => await (await mintAmdWorld()).signReport(), "ENDORSEMENT_UNAVAILABLE"],
  ["nitro", async () => (await mintAwsWorld()).document, "EVIDENCE_CHAIN_UNTRUSTED"],
  ["nvidia", async () => toEvidenceJson([(await mintNvidiaWorld()).device]), "EVIDENCE_CHAIN_UNTRUSTED"],
  [
    "simulator",
    async () => await (await createSimulatorAttester()).getEvidence(new Uint8Array(64)),
    "nothing thrown",
  ],
];

describe("evidence of each kind", () => {
  test.for(EVIDENCE)(
    "%s is recognised by its own marks, and never accepted for want of something",
    async ([kind, make, code]) => {
      const evidence = await make();
      expect(recogniseEvidence(evidence)).toBe(kind);
      expect(await rejectionOf(() => verifyEvidence(evidence, {}, { now: LATER }))).toBe(code);
    },
  );

  test.for([
    ["nothing", new Uint8Array()],
    ["text", toUtf8("a quote")],
    ["zeros", new Uint8Array(2000)],
    ["a quote's header alone", Uint8Array.of(4, 0, 2, 0, 0x81, 0, 0, 0)],
  ] as const)("is not recognised in %s", ([, bytes]) => {
    expect(codeOf(() => recogniseEvidence(bytes))).toBe("EVIDENCE_UNSUPPORTED");
  });
});

test("what the verifier has sealed cannot be changed", () => {
  const sealed = sealVerified({
    kind: "tdx",
    claims: {},
    advisories: ["A"],
    checks: [],
  } as unknown as Findings<"tdx">);
  expect(
    Object.isFrozen(sealed) && Object.isFrozen(sealed.claims) && Object.isFrozen(sealed.advisories),
  ).toBe(true);
});
