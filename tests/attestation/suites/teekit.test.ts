/** Mutations of teekit's tests, made again on quotes of our own vendor (docs/reference/vectors.md, Other projects' suites). */

import { describe, expect, test } from "vitest";
import { parseIntelEndorsements } from "../../../attestation/intel/intel-endorsements.ts";
import { verifySgxQuoteUnder } from "../../../attestation/intel/verify-sgx.ts";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import {
  FAKE_TRUST,
  KEYS,
  mintFakeIntel,
  NOW,
  type FakeIntel,
  type FakeIntelChange,
} from "../../support/fake-intel.ts";
import { toPem } from "../../support/fake-x509.ts";
import { outcomeOf } from "../../support/outcome-of.ts";

describe("canvasxyz/teekit be0c105: mutations of its tests, on quotes of our own", () => {
  const FORMS = {
    "SGX version 3": { tee: "sgx" },
    "TDX version 4": { tee: "tdx" },
    "TDX version 5": { tee: "tdx", version: 5 },
  } as const;

  interface Mutation {
    readonly change?: FakeIntelChange;
    readonly edit?: (
      intel: FakeIntel,
    ) => Partial<Pick<FakeIntel, "quote">> & { readonly collateral?: Record<string, unknown> };
    readonly now?: number;
  }

  /** From the end of the signed bytes: the length, the quote's signature, the key; then the QE's part, which is wrapped from version 4 on. */
  const signedBytes = (quote: Uint8Array): number => {
    const version = quote[0]!;
    return version === 3 ? 432 : version === 4 ? 632 : 638;
  };
  const flip = (at: (quote: Uint8Array) => number) => (intel: FakeIntel) => {
    const quote = new Uint8Array(intel.quote);
    quote[at(quote)]! ^= 1;
    return { quote };
  };
  const qeSignature = (quote: Uint8Array): number =>
    signedBytes(quote) + 4 + 128 + (quote[0] === 3 ? 0 : 6) + 384 + 10;
  const broken = (der: Uint8Array): string => {
    const copy = new Uint8Array(der);
    copy[copy.length - 5]! ^= 1;
    return toPem(copy);
  };
  const pem = (der: Uint8Array): string => toPem(der);
  const withoutCopies = (intel: FakeIntel) => ({
    collateral: { ...intel.collateral, pck_crl_issuer_chain: pem(intel.certificates.root) },
  });

  test.for<readonly [string, Mutation, string]>([
    ["nothing changed", {}, "genuine"],
    [
      "an intermediate missing, which the collateral holds",
      { change: { chain: ({ pck, root }) => pem(pck) + pem(root) } },
      "genuine",
    ],
    [
      "an intermediate altered, which the collateral holds",
      { change: { chain: ({ pck, pckCa, root }) => pem(pck) + broken(pckCa) + pem(root) } },
      "genuine",
    ],
    [
      "a missing intermediate, nor in the collateral",
      { change: { chain: ({ pck, root }) => pem(pck) + pem(root) }, edit: withoutCopies },
      "EVIDENCE_CHAIN_UNTRUSTED",
    ],
    [
      "an intermediate altered, nor in the collateral",
      {
        change: { chain: ({ pck, pckCa, root }) => pem(pck) + broken(pckCa) + pem(root) },
        edit: withoutCopies,
      },
      "EVIDENCE_CHAIN_INVALID",
    ],
    // The root is pinned by its key: nobody's copy of its certificate is needed.
    [
      "an altered root",
      { change: { chain: ({ pck, pckCa, root }) => pem(pck) + pem(pckCa) + broken(root) } },
      "genuine",
    ],
    [
      "an altered leaf",
      { change: { chain: ({ pck, pckCa, root }) => broken(pck) + pem(pckCa) + pem(root) } },
      "EVIDENCE_CHAIN_INVALID",
    ],
    ["another QE signature", { edit: flip(qeSignature) }, "EVIDENCE_SIGNATURE_INVALID"],
    [
      "another quote signature",
      { edit: flip((quote) => signedBytes(quote) + 4 + 3) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "another attestation key",
      { edit: flip((quote) => signedBytes(quote) + 4 + 64) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    // Nothing is shown to be false: whoever has the platform's chain can judge it.
    ["no chain", { change: { chain: () => "" } }, "ENDORSEMENT_UNAVAILABLE"],
    ["the year 2000", { now: 946_684_800 }, "ENDORSEMENT_NOT_YET_VALID"],
    ["the year 2100", { now: 4_102_444_800 }, "ENDORSEMENT_EXPIRED"],
    ["another TEE type", { edit: flip(() => 5) }, "EVIDENCE_UNSUPPORTED"],
    ["another attestation key type", { edit: flip(() => 2) }, "EVIDENCE_UNSUPPORTED"],
    ["another version", { edit: flip(() => 1) }, "EVIDENCE_UNSUPPORTED"],
    ["a revoked intermediate", { change: { rootCrl: { revoked: ["0x02"] } } }, "EVIDENCE_CA_REVOKED"],
    ["a revoked leaf", { change: { pckCrl: { revoked: ["0x04"] } } }, "EVIDENCE_REVOKED"],
    // Theirs believes any list; ours says that it cannot judge by one that nobody signed.
    [
      "a leaf revoked by a stranger's list",
      { change: { pckCrl: { revoked: ["0x04"] }, signers: { pckCrl: KEYS.stranger } } },
      "ENDORSEMENT_SIGNATURE_INVALID",
    ],
  ])("%s", async ([, { change = {}, edit, now = NOW }, expected]) => {
    for (const [name, form] of Object.entries(FORMS)) {
      const intel = await mintFakeIntel({ ...form, ...change });
      const { quote, collateral } = { ...intel, ...edit?.(intel) };
      const outcome = await outcomeOf(async () => {
        const context = { endorsements: parseIntelEndorsements(collateral), now, trust: FAKE_TRUST };
        if (form.tee === "sgx") await verifySgxQuoteUnder(FAKE_TRUST, quote, context);
        else await verifyTdQuote("tdx", quote, context);
      });
      expect([name, outcome]).toEqual([name, expected]);
    }
  });
});
