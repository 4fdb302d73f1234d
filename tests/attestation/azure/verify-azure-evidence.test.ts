import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { parseAzureEvidence, recogniseAzureEvidence } from "../../../attestation/azure/azure-evidence.ts";
import { toRsaPublicKey } from "../../../attestation/azure/attestation-key.ts";
import {
  verifyAzureSnpEvidence,
  verifyAzureSnpEvidenceUnder,
  verifyAzureTdxEvidence,
  verifyAzureTdxEvidenceUnder,
} from "../../../attestation/azure/verify-azure-evidence.ts";
import { concatBytes, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { parseHclReport } from "../../../attestation/azure/hcl-report.ts";
import { verifyVtpm } from "../../../attestation/azure/verify-vtpm.ts";
import { codeOf } from "../../support/code-of.ts";
import { bitsFlippedOf, flipBits } from "../../support/bits/flip-bits.ts";
import { AMD_NOW, mintAmdWorld } from "../../support/fake-amd.ts";
import {
  azurePlan,
  mintAzureParts,
  PCRS,
  runtimeClaims,
  toAzureJson,
  toAzureJsonVersion0,
  type AzureParts,
  type AzurePlan,
} from "../../support/fake-azure.ts";
import { AT, FAKE_TRUST, mintFakeIntel, NOW } from "../../support/fake-intel.ts";
import { flipBit, toPem } from "../../support/fake-x509.ts";

interface Given {
  readonly plan?: Partial<AzurePlan>;
  /** What the hardware binds, given the hash of the claims. */
  readonly bind?: (hash: Uint8Array) => Uint8Array;
  readonly edit?: (parts: AzureParts) => AzureParts;
}

async function mintSnp({ plan: changes = {}, bind = (hash) => hash, edit = (parts) => parts }: Given) {
  const plan = azurePlan(changes);
  const world = await mintAmdWorld();
  const reportData = new Uint8Array(64);
  reportData.set(bind(sha256(await runtimeClaims(plan))));
  const report = await world.signReport({ reportData });
  return { world, parts: edit(await mintAzureParts(plan, report)) };
}

async function verifySnp(given: Given) {
  const { world, parts } = await mintSnp(given);
  const bytes = toUtf8(JSON.stringify(toAzureJson(parts, { vcek: world.leaf })));
  return await verifyAzureSnpEvidenceUnder(world.roots, bytes, {
    endorsements: world.endorsements,
    now: AMD_NOW,
  });
}

async function mintTdx({ plan: changes = {} }: Given) {
  const plan = azurePlan({ hardware: "tdx", ...changes });
  const intel = await mintFakeIntel({ body: [[AT.reportData, sha256(await runtimeClaims(plan))]] });
  const parts = await mintAzureParts(plan, new Uint8Array(1024));
  return { intel, bytes: toUtf8(JSON.stringify(toAzureJson(parts, { td_quote: intel.quote }))) };
}

async function verifyTdx(given: Given) {
  const { intel, bytes } = await mintTdx(given);
  return await verifyAzureTdxEvidenceUnder(bytes, {
    endorsements: intel.endorsements(),
    now: NOW,
    trust: FAKE_TRUST,
  });
}

describe("accepts a VM on SEV-SNP", () => {
  test("and gives hardware's and vTPM's claims", async () => {
    const { kind, claims, reportData } = await verifySnp({});
    expect({ kind, reportData }).toEqual({ kind: "azureSnp", reportData: toHex(toUtf8("nonce")) });
    expect(claims.hardware.product).toBe("Milan");
    expect(claims.vtpm).toMatchObject({
      secureBoot: true,
      vmUniqueId: "00000000-0000-0000-0000-000000000001",
      userData: "00".repeat(64),
    });
    expect(claims.vtpm.pcrs["7"]).toBe(toHex(PCRS[7]!));
    expect(Object.keys(claims.vtpm.pcrs)).toEqual(["0", "1", "2", "7", "11", "23"]);
  });

  test.for<readonly [string, Given]>([
    ["without qualifying data, which binds nothing", { plan: { extraData: new Uint8Array() } }],
    ["that quotes every PCR", { plan: { selected: PCRS.map((_, index) => index) } }],
    ["that quotes none", { plan: { selected: [] } }],
    ["whose report ends with its claims", { plan: { trailing: new Uint8Array() } }],
    ["whose configuration says nothing", { plan: { claims: ({ keys }) => ({ keys }) } }],
  ])("%s", async ([, given]) => {
    expect((await verifySnp(given)).kind).toBe("azureSnp");
  });

  test("in the older JSON, and in a wrapper, with its VCEK", async () => {
    const { world, parts } = await mintSnp({});
    const older = toAzureJsonVersion0(parts, toPem(world.leaf));
    const endorsements = { certificates: world.endorsements.certificates.slice(1), crls: [] };
    for (const json of [older, { platform: "az-snp", evidence: older }]) {
      const bytes = toUtf8(JSON.stringify(json));
      expect(recogniseAzureEvidence(bytes)).toBe("snp");
      const verified = await verifyAzureSnpEvidenceUnder(world.roots, bytes, { endorsements, now: AMD_NOW });
      expect(verified.claims.vtpm.pcrs["0"]).toBe(toHex(PCRS[0]!));
    }
  });
});

test("accepts a VM on TDX", async () => {
  const { kind, claims, reportData, tcbStatus } = await verifyTdx({});
  expect({ kind, reportData, tcbStatus }).toEqual({
    kind: "azureTdx",
    reportData: toHex(toUtf8("nonce")),
    tcbStatus: "UpToDate",
  });
  expect(claims.hardware.mrTd).toBe(`0x${"77".repeat(48)}`);
  expect((await verifyTdx({ plan: { extraData: new Uint8Array() } })).reportData).toBeNull();
});

describe("refuses", () => {
  const claims = (change: AzurePlan["claims"]): Given => ({ plan: { claims: change } });
  const jwk = (change: Readonly<Record<string, unknown>>): Given =>
    claims((all) => ({
      ...all,
      keys: (all["keys"] as Record<string, unknown>[]).map((key) => ({ ...key, ...change })),
    }));

  test.for<readonly [string, Given, string]>([
    ["claims of another VM", { bind: (hash) => flipBit(hash, 0) }, "EVIDENCE_BINDING_MISMATCH"],
    [
      "claims bound by the head of their hash only",
      { bind: (hash) => hash.subarray(0, 31) },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "report data that goes on after the hash",
      { bind: (hash) => Uint8Array.of(...hash, 1) },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "a hash by another function than the report says",
      { plan: { hashType: 2 } },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["a request of version 0", { plan: { requestVersion: 0 } }, "EVIDENCE_UNSUPPORTED"],
    ["a request of version 2", { plan: { requestVersion: 2 } }, "EVIDENCE_UNSUPPORTED"],
    ["a request of version 255", { plan: { requestVersion: 255 } }, "EVIDENCE_UNSUPPORTED"],
    ["a report of version 3", { plan: { version: 3 } }, "EVIDENCE_UNSUPPORTED"],
    ["an unknown hash function", { plan: { hashType: 4 } }, "EVIDENCE_UNSUPPORTED"],
    ["hardware that is neither", { plan: { reportType: 3 } }, "EVIDENCE_UNSUPPORTED"],
    ["a report of TDX around SEV-SNP", { plan: { reportType: 4 } }, "EVIDENCE_MALFORMED"],
    ["what is no HCL report", { plan: { hclSignature: "HCLB" } }, "EVIDENCE_MALFORMED"],
    ["bytes after the claims", { plan: { trailing: Uint8Array.of(0, 1) } }, "EVIDENCE_MALFORMED"],
    ["a report beyond any NV index", { plan: { trailing: new Uint8Array(16_384) } }, "EVIDENCE_MALFORMED"],
    [
      "a report that ends inside its claims",
      { edit: (parts) => ({ ...parts, hclReport: parts.hclReport.slice(0, 1300) }) },
      "EVIDENCE_MALFORMED",
    ],
    ["a quote by another key", { plan: { signer: "stranger" } }, "EVIDENCE_SIGNATURE_INVALID"],
    [
      "another nonce than was signed",
      { edit: (parts) => ({ ...parts, message: flipBit(parts.message, 8 * 14) }) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "PCRs that were not quoted",
      { plan: { pcrs: PCRS.with(7, new Uint8Array(32)) } },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["a digest of other PCRs", { plan: { pcrDigest: new Uint8Array(32) } }, "EVIDENCE_BINDING_MISMATCH"],
    ["a quoted PCR that is missing", { plan: { pcrs: PCRS.slice(0, 20) } }, "EVIDENCE_BINDING_MISMATCH"],
    [
      "a quoted PCR of another length",
      { plan: { pcrs: PCRS.with(0, new Uint8Array(20)) } },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["a structure that the TPM did not make", { plan: { magic: 0x11223344 } }, "EVIDENCE_MALFORMED"],
    ["another structure of the TPM's", { plan: { attestType: 0x8017 } }, "EVIDENCE_MALFORMED"],
    ["PCRs of another bank", { plan: { pcrBank: 0x0004 } }, "EVIDENCE_UNSUPPORTED"],
    ["bytes after the quote", { plan: { quoteTrailing: Uint8Array.of(0) } }, "EVIDENCE_MALFORMED"],
    [
      "a quote beyond any TPM's buffer",
      { plan: { quoteTrailing: new Uint8Array(4096) } },
      "EVIDENCE_MALFORMED",
    ],
    ["claims that are no JSON", claims(() => "{"), "EVIDENCE_MALFORMED"],
    ["claims that are null", claims(() => "null"), "EVIDENCE_MALFORMED"],
    ["claims without keys", claims(() => ({})), "EVIDENCE_MALFORMED"],
    ["claims without the vTPM's key", jwk({ kid: "other" }), "EVIDENCE_MALFORMED"],
    ["a key that is not RSA", jwk({ kty: "EC" }), "EVIDENCE_MALFORMED"],
    ["a modulus that is no base64url", jwk({ n: "+++" }), "EVIDENCE_MALFORMED"],
    ["a modulus with padding", jwk({ n: "AA==" }), "EVIDENCE_MALFORMED"],
    ["a modulus with a stray bit in its last character", jwk({ n: "AB" }), "EVIDENCE_MALFORMED"],
    ["an exponent with a stray bit in its last character", jwk({ e: "AQABAB" }), "EVIDENCE_MALFORMED"],
    ["a modulus of nothing", jwk({ n: "" }), "EVIDENCE_MALFORMED"],
    ["a modulus of no length", jwk({ n: "AAAAA" }), "EVIDENCE_MALFORMED"],
    ["a modulus that is a number", jwk({ n: 7 }), "EVIDENCE_MALFORMED"],
    ["a modulus beyond 4096 bits", jwk({ n: "A".repeat(700) }), "EVIDENCE_MALFORMED"],
    ["a modulus of zero", jwk({ n: "AAAA" }), "EVIDENCE_SIGNATURE_INVALID"],
    ["another exponent", jwk({ e: "Aw" }), "EVIDENCE_SIGNATURE_INVALID"],
  ])("%s", async ([, given, code]) => {
    await expect(verifySnp(given)).rejects.toMatchObject({ code });
  });

  test("SEV-SNP's report in TDX's place", async () => {
    await expect(verifyTdx({ plan: { reportType: 2 } })).rejects.toMatchObject({
      code: "EVIDENCE_MALFORMED",
    });
  });

  test("TDX without a quote", async () => {
    const plan = azurePlan({ hardware: "tdx" });
    const parts = await mintAzureParts(plan, new Uint8Array(1024));
    const intel = await mintFakeIntel();
    const attempt = verifyAzureTdxEvidence(toUtf8(JSON.stringify(toAzureJson(parts))), intel.endorsements(), {
      now: NOW,
    });
    await expect(attempt).rejects.toMatchObject({ code: "EVIDENCE_MALFORMED" });
  });

  test("hardware that is not AMD's or Intel's own, where roots are the pinned ones", async () => {
    const { world, parts } = await mintSnp({});
    const bytes = toUtf8(JSON.stringify(toAzureJson(parts)));
    const snp = verifyAzureSnpEvidence(bytes, world.endorsements, { now: AMD_NOW });
    await expect(snp).rejects.toMatchObject({ code: "EVIDENCE_CHAIN_UNTRUSTED" });
    const { intel, bytes: tdxBytes } = await mintTdx({});
    const tdx = verifyAzureTdxEvidence(tdxBytes, intel.endorsements(), { now: NOW });
    await expect(tdx).rejects.toMatchObject({
      code: expect.stringMatching(/^(EVIDENCE|ENDORSEMENT)_CHAIN_/) as unknown,
    });
  });

  test("claims where the hardware binds nothing", async () => {
    const { parts } = await mintSnp({});
    const attempt = verifyVtpm(parseHclReport(parts.hclReport), parts, null);
    await expect(attempt).rejects.toMatchObject({ code: "EVIDENCE_BINDING_MISMATCH" });
  });

  test("a genuine VM where nobody has its VCEK", async () => {
    const { parts } = await mintSnp({});
    const attempt = verifyAzureSnpEvidence(toUtf8(JSON.stringify(toAzureJson(parts))), undefined, {
      now: AMD_NOW,
    });
    await expect(attempt).rejects.toMatchObject({ code: "ENDORSEMENT_UNAVAILABLE" });
  });
});

/**
 * Through `verifyVtpm`, which is all that stands between a hardware report that is genuine and these claims; the
 * report's own bits are those of `verify-snp-report.test.ts`.
 */
describe("any bit flipped is refused", () => {
  test.for(["message", "signature", "runtimeClaims", "quotedPcrs"] as const)(
    "in the vTPM's %s",
    async (region, { annotate }) => {
      const plan = azurePlan();
      const { parts } = await mintSnp({ plan });
      const hcl = parseHclReport(parts.hclReport);
      const reportData = toHex(concatBytes(sha256(hcl.runtimeClaims), new Uint8Array(32)));
      const quotedPcrs = concatBytes(...plan.selected.map((index) => parts.pcrs[index]!));
      const genuine = { ...parts, runtimeClaims: hcl.runtimeClaims, quotedPcrs };
      const { flipped, accepted, codes } = await flipBits(genuine[region], async (changed) => {
        const given: typeof genuine = { ...genuine, [region]: changed };
        const pcrs = parts.pcrs.map((value, index) => {
          const at = plan.selected.indexOf(index) * 32;
          return at < 0 ? value : given.quotedPcrs.slice(at, at + 32);
        });
        await verifyVtpm({ ...hcl, runtimeClaims: given.runtimeClaims }, { ...given, pcrs }, reportData);
      });
      await annotate(`${flipped} bits flipped, one at a time`);
      expect(flipped).toBe(bitsFlippedOf(genuine[region].length));
      expect(accepted).toEqual([]);
      expect(codes.filter((code) => !code.startsWith("EVIDENCE_"))).toEqual([]);
    },
  );
});

describe("JSON evidence", () => {
  test.for([
    ["no HCL report", { tpm_quote: { message: "", signature: "", pcrs: [] } }],
    [
      "upper-case hex in the quote",
      { hcl_report: "AA", tpm_quote: { message: "FF", signature: "", pcrs: [] } },
    ],
    ["a report that is no base64", { hcl_report: "%", tpm_quote: { message: "", signature: "", pcrs: [] } }],
    ["an array", []],
  ] as const)("is not %s", ([, json]) => {
    const bytes = toUtf8(JSON.stringify(json));
    expect(recogniseAzureEvidence(bytes)).toBeUndefined();
    expect(codeOf(() => parseAzureEvidence(bytes))).toBe("EVIDENCE_MALFORMED");
  });

  test("of TDX is recognised by its quote", async () => {
    const { bytes } = await mintTdx({});
    expect(recogniseAzureEvidence(bytes)).toBe("tdx");
  });
});

test.for([
  [
    "short, its first bit clear",
    Uint8Array.of(0, 0x7f, 1),
    "0x301b300d06092a864886f70d0101010500030a00300702027f01020103",
  ],
  [
    "short, its first bit set",
    Uint8Array.of(0x80, 1),
    "0x301c300d06092a864886f70d0101010500030b0030080203008001020103",
  ],
] as const)("spells an RSA key as a certificate would: %s", ([, modulus, spki]) => {
  expect(toRsaPublicKey({ modulus, exponent: Uint8Array.of(3) }).spkiHex).toBe(spki);
});

test("spells a key of 1024 bits with lengths of one byte", () => {
  const { spkiHex } = toRsaPublicKey({
    modulus: new Uint8Array(128).fill(0x81),
    exponent: Uint8Array.of(1, 0, 1),
  });
  expect(spkiHex).toBe(
    `0x30819f300d06092a864886f70d010101050003818d0030818902818100${"81".repeat(128)}0203010001`,
  );
});

test("members that are nothing but padding are no base64, and cost no more than their length", () => {
  const before = process.cpuUsage().user;
  const hcl_report = `A${"=".repeat(130_000)}A`;
  const evidence = { hcl_report, tpm_quote: { message: "", signature: "", pcrs: [] } };
  expect(recogniseAzureEvidence(toUtf8(JSON.stringify(evidence)))).toBeUndefined();
  expect(process.cpuUsage().user - before).toBeLessThan(1_000_000);
});
