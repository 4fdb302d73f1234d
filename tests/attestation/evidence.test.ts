import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { recogniseEvidence, verifyEvidence } from "../../attestation/evidence.ts";
import type { EvidenceKind } from "../../attestation/verified-evidence.ts";
import { concatBytes, toUtf8 } from "../../protocol/bytes.ts";
import { codeOf } from "../support/code-of.ts";
import { AMD_NOW, mintAmdWorld } from "../support/fake-amd.ts";
import { mintAwsWorld } from "../support/fake-aws.ts";
import { azurePlan, mintAzureParts, runtimeClaims, toAzureJson } from "../support/fake-azure.ts";
import { EVENTS, mintDstackQuote, toQuoteResponse } from "../support/fake-dstack.ts";
import { mintFakeIntel, NOW } from "../support/fake-intel.ts";
import { mintNvidiaWorld, toEvidenceJson } from "../support/fake-nvidia.ts";

async function azure(hardware: "snp" | "tdx"): Promise<Uint8Array> {
  const plan = azurePlan({ hardware });
  const { signReport } = await mintAmdWorld();
  const reportData = concatBytes(sha256(await runtimeClaims(plan)), new Uint8Array(32));
  const parts = await mintAzureParts(plan, await signReport({ reportData }));
  const { quote } = await mintFakeIntel();
  return toUtf8(JSON.stringify(toAzureJson(parts, hardware === "tdx" ? { td_quote: quote } : {})));
}

/** One of each, in its vendor's shape and under no root of its vendor's. */
const EVIDENCE: readonly (readonly [EvidenceKind, () => Promise<Uint8Array>, endorsed: boolean])[] = [
  ["sgx", async () => (await mintFakeIntel({ tee: "sgx" })).quote, true],
  ["tdx", async () => (await mintFakeIntel()).quote, true],
  ["snp", async () => await (await mintAmdWorld()).signReport(), true],
  ["nitro", async () => (await mintAwsWorld()).document, false],
  ["nvidia", async () => toEvidenceJson([(await mintNvidiaWorld()).device]), false],
  ["azureSnp", async () => await azure("snp"), true],
  ["azureTdx", async () => await azure("tdx"), true],
  ["dstack", async () => toQuoteResponse((await mintDstackQuote(EVENTS)).quote, EVENTS), true],
];

describe.for(EVIDENCE)("%s", ([kind, make, endorsed]) => {
  test("is recognised by its own marks", async () => {
    expect(recogniseEvidence(await make())).toBe(kind);
  });

  test("is refused under anyone's root but the vendor's", async () => {
    const intel = (await mintFakeIntel({ tee: kind === "sgx" ? "sgx" : "tdx" })).endorsements();
    const amd = (await mintAmdWorld()).endorsements;
    const attempt = verifyEvidence(
      await make(),
      { intel, amd },
      { now: kind === "snp" || kind === "nitro" ? AMD_NOW : NOW + 60 },
    );
    await expect(attempt).rejects.toMatchObject({
      code: expect.stringMatching(/_CHAIN_|NOT_YET_VALID/) as unknown,
    });
  });

  test.runIf(endorsed)("is not judged without endorsements", async () => {
    const attempt = verifyEvidence(await make(), {}, { now: AMD_NOW });
    await expect(attempt).rejects.toMatchObject({ code: "ENDORSEMENT_UNAVAILABLE" });
  });
});

test.for([
  ["nothing", new Uint8Array()],
  ["text", toUtf8("hello")],
  ["a megabyte of zeros", new Uint8Array(1_048_576)],
  ["a megabyte of brackets", new Uint8Array(1_048_576).fill(0x5b)],
  ["a megabyte of nested DER", new Uint8Array(1_048_576).fill(0x30)],
  ["a megabyte of nested CBOR", new Uint8Array(1_048_576).fill(0x81)],
] as const)("%s is of no kind, and said to be so at once", ([, bytes]) => {
  const start = performance.now();
  expect(codeOf(() => recogniseEvidence(bytes))).toBe("EVIDENCE_UNSUPPORTED");
  expect(performance.now() - start).toBeLessThan(1000);
});
