import { beforeAll, describe, expect, test } from "vitest";
import { parseAmdEndorsements } from "../../../attestation/amd/amd-endorsements.ts";
import { verifySnpReport, verifySnpReportUnder } from "../../../attestation/amd/verify-snp-report.ts";
import {
  AMD_NOW,
  mintAmdWorld,
  rootKey,
  strangerKey,
  type AmdPlan,
  type AmdWorld,
  type ReportChanges,
} from "../../support/fake-amd.ts";
import { bitsFlippedOf, flipBits, NOT_RELIED_ON } from "../../support/bits/flip-bits.ts";
import { KEY_USAGE } from "../../support/fake-x509.ts";

const YEAR = 31_536_000;

interface Case {
  readonly plan?: Partial<AmdPlan>;
  readonly report?: ReportChanges;
  readonly now?: number;
  /** Which certificates the caller has; all by default. */
  readonly offers?: (world: AmdWorld) => readonly Uint8Array[];
}

async function verify({ plan, report, now, offers }: Case) {
  const world = await mintAmdWorld(plan ?? {});
  const endorsements =
    offers === undefined
      ? world.endorsements
      : parseAmdEndorsements({ certificates: offers(world), crls: world.crls });
  const bytes = await world.signReport(report);
  return await verifySnpReportUnder(world.roots, bytes, { endorsements, now: now ?? AMD_NOW });
}

describe("accepts", () => {
  test.for<readonly [string, Case]>([
    ["a Milan report by its VCEK", {}],
    ["a Genoa report", { plan: { product: "Genoa" } }],
    [
      "a Bergamo chip under Genoa's root",
      { plan: { product: "Genoa", productName: "Bergamo" }, report: { cpuidModel: 0xa0 } },
    ],
    ["a Turin report, with FMC and the short hardware identifier", { plan: { product: "Turin" } }],
    ["a report by a cloud provider's VLEK", { plan: { key: "VLEK" } }],
    [
      "a report of version 2, which names no CPUID",
      { report: { version: 2, cpuidFamily: 0, cpuidModel: 0 } },
    ],
    ["a report of version 4, which has the layout of version 3", { report: { version: 4 } }],
    ["a chip that the host masks", { report: { chipId: new Uint8Array(64) } }],
    ["a report whose ASK is on no list", { plan: { crl: {} } }],
    ["a chain without the root's own certificate", { offers: ({ leaf, ask }) => [leaf, ask] }],
    [
      "a list, in a chain without the root's own certificate",
      { plan: { crl: {} }, offers: ({ leaf, ask }) => [leaf, ask] },
    ],
    [
      "certificates in any order, strangers among them",
      { offers: ({ leaf, ask, ark }) => [ark, ask, leaf, ark] },
    ],
    ["both dates' last second", { now: AMD_NOW + YEAR }],
  ])("%s", async ([, given]) => {
    expect((await verify(given)).kind).toBe("snp");
  });

  test("and gives the report's values", async () => {
    const { claims, debug, platformId, reportData } = await verify({
      report: { vmpl: 1, guestSvn: 7, policy: 0xb0000n },
    });
    expect({ debug, platformId, reportData }).toEqual({
      debug: true,
      platformId: claims.chipId,
      reportData: `0x${"d0".repeat(64)}`,
    });
    expect(claims).toMatchObject({
      vmpl: 1,
      guestSvn: 7,
      policy: "0x00000000000b0000",
      measurement: `0x${"3e".repeat(48)}`,
      reportedTcb: { fmc: null, bootLoader: 4, tee: 0, snp: 24, microcode: 219 },
      currentVersion: { major: 1, minor: 55, build: 29 },
      product: "Milan",
      revocation: "not-checked",
      launchMitVector: null,
    });
  });

  test("and says whether a revocation list was looked into", async () => {
    const { claims, window } = await verify({ plan: { crl: { nextUpdate: AMD_NOW + 100 } } });
    expect(claims.revocation).toBe("checked");
    expect(window.until).toBe(AMD_NOW + 100);
  });

  test("mitigation vectors since version 5", async () => {
    const { claims } = await verify({
      plan: { product: "Turin" },
      report: { launchMitVector: 3n, currentMitVector: 11n },
    });
    expect([claims.launchMitVector, claims.currentMitVector]).toEqual([
      "0x0000000000000003",
      "0x000000000000000b",
    ]);
  });

  test("a masked chip, which no policy can list", async () => {
    expect((await verify({ report: { chipId: new Uint8Array(64) } })).platformId).toBeNull();
  });

  test("a folder with the same CAs beside every VCEK", async () => {
    const { roots, leaf, ask, ark, signReport } = await mintAmdWorld();
    const certificates = [leaf, ...Array.from({ length: 40 }, () => [ask, ark]).flat()];
    const endorsements = parseAmdEndorsements({ certificates, crls: [] });
    const verified = await verifySnpReportUnder(roots, await signReport(), { endorsements, now: AMD_NOW });
    expect(verified.kind).toBe("snp");
  });

  test("whatever other certificates for its chip and TCB stand before its own", async () => {
    const { roots, leaf, ask, signReport } = await mintAmdWorld();
    const key = await strangerKey();
    const [decoy, broken] = await Promise.all([
      mintAmdWorld({ leaf: { key, issuer: { subject: "SEV-Milan", key } } }),
      mintAmdWorld({ leaf: { key }, extensions: (all) => all.slice(0, 2) }),
    ]);
    const certificates = [broken.leaf, decoy.leaf, leaf, ask];
    const endorsements = parseAmdEndorsements({ certificates, crls: [] });
    const verified = await verifySnpReportUnder(roots, await signReport(), { endorsements, now: AMD_NOW });
    expect(verified.kind).toBe("snp");
  });

  test("and what it verified cannot be edited, however deep", async () => {
    const { claims } = await verify({});
    expect(Object.isFrozen(claims) && Object.isFrozen(claims.reportedTcb)).toBe(true);
  });

  test("the right VCEK among those of other chips", async () => {
    const world = await mintAmdWorld();
    const other = await mintAmdWorld({ chipId: new Uint8Array(64).fill(9) });
    const endorsements = parseAmdEndorsements({
      certificates: [other.leaf, world.leaf, world.ask],
      crls: [],
    });
    const verified = await verifySnpReportUnder(world.roots, await world.signReport(), {
      endorsements,
      now: AMD_NOW,
    });
    expect(verified.platformId).toBe(verified.claims.chipId);
  });
});

describe("refuses", () => {
  const other = (fields: Partial<AmdPlan>): Case => ({ plan: fields });

  test.for<readonly [string, Case, string]>([
    [
      "a report that claims another TCB",
      { report: { reportedTcb: Uint8Array.of(3, 0, 0, 0, 0, 0, 24, 219) } },
      "EVIDENCE_TCB_MISMATCH",
    ],
    [
      "a reserved byte of the TCB that the certificate does not assert",
      { report: { reportedTcb: Uint8Array.of(4, 0, 1, 0, 0, 0, 24, 219) } },
      "EVIDENCE_TCB_MISMATCH",
    ],
    [
      "Turin's TCB read by Milan's layout",
      { plan: { product: "Turin" }, report: { reportedTcb: Uint8Array.of(1, 0, 0, 0, 0, 0, 2, 71) } },
      "EVIDENCE_TCB_MISMATCH",
    ],
    [
      "a report of another chip",
      { report: { chipId: new Uint8Array(64).fill(7) } },
      "EVIDENCE_PLATFORM_MISMATCH",
    ],
    [
      "a Turin chip with bytes after its identifier",
      { plan: { product: "Turin" }, report: { chipId: Uint8Array.from({ length: 64 }, (_, i) => i + 1) } },
      "EVIDENCE_PLATFORM_MISMATCH",
    ],
    ["a CPUID of another product", { report: { cpuidModel: 0x11 } }, "EVIDENCE_BINDING_MISMATCH"],
    ["a CPUID of another family", { report: { cpuidFamily: 0x1a } }, "EVIDENCE_BINDING_MISMATCH"],
    ["a VLEK's report with a VCEK's certificate", { report: { flags: 0b100 } }, "EVIDENCE_BINDING_MISMATCH"],
    [
      "a VCEK's report with a VLEK's certificate",
      { plan: { key: "VLEK" }, report: { flags: 0 } },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["a revoked ASK", other({ crl: { revoked: [2] } }), "EVIDENCE_CA_REVOKED"],
    ["a revocation list past its date", other({ crl: { nextUpdate: AMD_NOW - 1 } }), "ENDORSEMENT_EXPIRED"],
    [
      "a revocation list before its date",
      other({ crl: { thisUpdate: AMD_NOW + 1 } }),
      "ENDORSEMENT_NOT_YET_VALID",
    ],
    ["an expired VCEK", other({ leaf: { notAfter: AMD_NOW - 1 } }), "EVIDENCE_CHAIN_EXPIRED"],
    ["a future VCEK", other({ leaf: { notBefore: AMD_NOW + 1 } }), "EVIDENCE_CHAIN_NOT_YET_VALID"],
    ["an expired ASK", other({ ask: { notAfter: AMD_NOW - 1 } }), "EVIDENCE_CHAIN_EXPIRED"],
    [
      "an expired certificate of the ARK, though its key is pinned",
      other({ ark: { notAfter: AMD_NOW - 1 } }),
      "EVIDENCE_CHAIN_EXPIRED",
    ],
    ["a future ASK", other({ ask: { notBefore: AMD_NOW + 1 } }), "EVIDENCE_CHAIN_NOT_YET_VALID"],
    ["an ASK that is no CA", other({ ask: { ca: null } }), "EVIDENCE_CHAIN_NOT_CA"],
    [
      "an ASK whose key may not sign certificates",
      other({ ask: { keyUsage: KEY_USAGE.digitalSignature } }),
      "EVIDENCE_CHAIN_KEY_USAGE",
    ],
    [
      "a VCEK whose key may not sign",
      other({ leaf: { keyUsage: KEY_USAGE.keyCertSign } }),
      "EVIDENCE_CHAIN_KEY_USAGE",
    ],
    [
      "an unknown critical extension",
      other({
        extensions: (all) => [...all, { oid: "1.2.3.4", critical: true, value: Uint8Array.of(5, 0) }],
      }),
      "EVIDENCE_CHAIN_CRITICAL_EXTENSION",
    ],
    ["a product that AMD does not make", other({ productName: "Naples" }), "EVIDENCE_CHAIN_INVALID"],
    [
      "a certificate that names chip and provider",
      other({
        extensions: (all) => [
          ...all,
          { oid: "1.3.6.1.4.1.3704.1.5", critical: false, value: Uint8Array.of(0x16, 0) },
        ],
      }),
      "EVIDENCE_CHAIN_INVALID",
    ],
    [
      "a certificate without a patch level",
      other({ extensions: (all) => all.filter(({ oid }) => !oid.endsWith(".3.8")) }),
      "EVIDENCE_CHAIN_INVALID",
    ],
    [
      "a patch level beyond a byte",
      other({
        extensions: (all) =>
          all.map((e) => (e.oid.endsWith(".3.8") ? { ...e, value: Uint8Array.of(2, 2, 1, 0) } : e)),
      }),
      "EVIDENCE_CHAIN_INVALID",
    ],
    [
      "a malformed extension",
      other({
        extensions: (all) =>
          all.map((e) => (e.oid.endsWith(".3.8") ? { ...e, value: Uint8Array.of(2, 9, 1) } : e)),
      }),
      "EVIDENCE_CHAIN_INVALID",
    ],
    [
      "a hardware identifier of another length",
      other({
        extensions: (all) =>
          all.map((e) => (e.oid.endsWith("3704.1.4") ? { ...e, value: Uint8Array.of(4, 1, 1) } : e)),
      }),
      "EVIDENCE_CHAIN_INVALID",
    ],
    ["no certificate at all", { offers: () => [] }, "ENDORSEMENT_UNAVAILABLE"],
    ["certificates of its CAs only", { offers: ({ ask, ark }) => [ask, ark] }, "ENDORSEMENT_UNAVAILABLE"],
    [
      "a VLEK without its ASVK",
      { plan: { key: "VLEK" }, offers: ({ leaf }) => [leaf] },
      "ENDORSEMENT_UNAVAILABLE",
    ],
    ["a time in milliseconds", { now: AMD_NOW * 1000 }, "INPUT_INVALID"],
  ])("%s", async ([, given, code]) => {
    await expect(verify(given)).rejects.toMatchObject({ code });
  });

  test("a VCEK that someone else's CA signed in AMD's name", async () => {
    const key = await strangerKey();
    const attempt = verify({ plan: { leaf: { issuer: { subject: "SEV-Milan", key } } } });
    await expect(attempt).rejects.toMatchObject({ code: "EVIDENCE_CHAIN_INVALID" });
  });

  test.for([
    ["with the ARK's certificate", ({ leaf, ark }: AmdWorld) => [leaf, ark]],
    ["without it", ({ leaf }: AmdWorld) => [leaf]],
  ] as const)("a VCEK right below the ARK, %s", async ([, offers]) => {
    const { plan } = await mintAmdWorld();
    const key = await rootKey();
    const attempt = verify({ plan: { leaf: { issuer: { subject: `ARK-${plan.product}`, key } } }, offers });
    await expect(attempt).rejects.toMatchObject({ code: "EVIDENCE_CHAIN_INVALID" });
  });

  test("a revocation list that the ARK did not sign", async () => {
    const key = await strangerKey();
    const attempt = verify({ plan: { crl: { issuer: { subject: "ARK-Milan", key } } } });
    await expect(attempt).rejects.toMatchObject({ code: "ENDORSEMENT_SIGNATURE_INVALID" });
  });

  test("every chain but AMD's own, where roots are the pinned ones", async () => {
    const world = await mintAmdWorld();
    const attempt = verifySnpReport(await world.signReport(), world.endorsements, { now: AMD_NOW });
    await expect(attempt).rejects.toMatchObject({ code: "EVIDENCE_CHAIN_UNTRUSTED" });
  });

  test("a Milan chain under Genoa's root: one product's key vouches for no other", async () => {
    const world = await mintAmdWorld();
    const roots = world.roots.map((root) => ({ ...root, productLine: "Genoa" as const }));
    const attempt = verifySnpReportUnder(roots, await world.signReport(), {
      endorsements: world.endorsements,
      now: AMD_NOW,
    });
    await expect(attempt).rejects.toMatchObject({ code: "EVIDENCE_CHAIN_UNTRUSTED" });
  });

  test("to judge by VCEKs of other chips only", async () => {
    const world = await mintAmdWorld();
    const others = await Promise.all(
      [1, 2].map((id) => mintAmdWorld({ chipId: new Uint8Array(64).fill(id) })),
    );
    const endorsements = parseAmdEndorsements({
      certificates: [...others.map(({ leaf }) => leaf), world.ask],
      crls: [],
    });
    const attempt = verifySnpReportUnder(world.roots, await world.signReport(), {
      endorsements,
      now: AMD_NOW,
    });
    await expect(attempt).rejects.toMatchObject({ code: "ENDORSEMENT_UNAVAILABLE", retryable: true });
  });
});

describe("one bit away", () => {
  let world: AmdWorld;
  let report: Uint8Array;
  beforeAll(async () => {
    world = await mintAmdWorld({ crl: {} });
    report = await world.signReport();
  });

  test("from a genuine report is refused, whichever bit it is", async ({ annotate }) => {
    const context = { endorsements: world.endorsements, now: AMD_NOW };
    const { flipped, accepted, codes } = await flipBits(report, async (changed) => {
      await verifySnpReportUnder(world.roots, changed, context);
    });
    await annotate(`${flipped} bits flipped, one at a time, each through the whole verifier`);
    expect({ flipped, accepted, codes }).toEqual({
      flipped: bitsFlippedOf(1184),
      accepted: [],
      codes: [
        "ENDORSEMENT_MISMATCH",
        "EVIDENCE_MALFORMED",
        "EVIDENCE_SIGNATURE_INVALID",
        "EVIDENCE_UNSUPPORTED",
      ],
    });
  });

  /** A list with another issuer is of no bearing: the claims then say that nothing was looked up. */
  test.for(["leaf", "ask", "crl"] as const)(
    "from AMD's %s is refused or is not relied on, whichever bit it is",
    async (name, { annotate }) => {
      const genuine = { leaf: world.leaf, ask: world.ask, crl: world.crls[0]! };
      const { flipped, accepted, codes } = await flipBits(genuine[name], async (changed) => {
        const { leaf, ask, crl }: typeof genuine = { ...genuine, [name]: changed };
        const endorsements = parseAmdEndorsements({ certificates: [leaf, ask, world.ark], crls: [crl] });
        const verified = await verifySnpReportUnder(world.roots, report, { endorsements, now: AMD_NOW });
        return verified.claims.revocation === "not-checked" ? NOT_RELIED_ON : undefined;
      });
      await annotate(`${flipped} bits flipped, one at a time, each through the whole verifier`);
      expect(flipped).toBe(bitsFlippedOf(genuine[name].length));
      expect(accepted).toEqual([]);
      expect(codes.filter((code) => !/^(EVIDENCE|ENDORSEMENT)_/.test(code))).toEqual(
        name === "crl" ? [NOT_RELIED_ON] : [],
      );
    },
  );
});
