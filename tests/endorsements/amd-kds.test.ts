import { describe, expect, test } from "vitest";
import { verifySnpReportUnder } from "../../attestation/amd/verify-snp-report.ts";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import type { EndorsementSource } from "../../attestation/endorsements/endorsement-source.ts";
import {
  AMD_NOW,
  mintAmdWorld,
  type AmdPlan,
  type AmdWorld,
  type ReportChanges,
} from "../support/fake-amd.ts";
import { toPem } from "../support/fake-x509.ts";
import { startLocalServer, type LocalAnswer } from "../support/local-server.ts";
import { rejectionOf } from "../support/rejection-of.ts";

const DAY = 86_400;
const CRL = { crl: { thisUpdate: AMD_NOW - 60, nextUpdate: AMD_NOW + 30 * DAY } };

interface Scene {
  readonly world: AmdWorld;
  readonly report: Uint8Array<ArrayBuffer>;
  /** What KDS serves of it, by path. */
  readonly documents: Record<string, LocalAnswer>;
  readonly keyPath: string;
}

async function scene(plan: Partial<AmdPlan>, report: ReportChanges = {}): Promise<Scene> {
  const world = await mintAmdWorld({ ...CRL, ...plan });
  const { product, tcb, key } = world.plan;
  const chip = Buffer.from(world.plan.chipId.subarray(0, product === "Turin" ? 8 : 64)).toString("hex");
  const fmc = tcb.fmc === null ? "" : `fmcSPL=${tcb.fmc}&`;
  const line = `/${key.toLowerCase()}/v1/${product}`;
  const levels = `${fmc}blSPL=${tcb.bootLoader}&teeSPL=${tcb.tee}&snpSPL=${tcb.snp}&ucodeSPL=${tcb.microcode}`;
  const keyPath = `${line}/${chip}?${levels}`;
  return {
    world,
    report: await world.signReport(report),
    keyPath,
    documents: {
      [keyPath]: { body: world.leaf },
      [`${line}/cert_chain`]: { body: toPem(world.ask) + toPem(world.ark) },
      [`${line}/crl`]: { body: world.crls[0]! },
    },
  };
}

const kds = (url: string): EndorsementSource => createVendorSource({ amdUrl: `${url}/` });

describe.for(["Milan", "Genoa", "Turin"] as const)("a chip of %s", (product) => {
  test("is verified with what AMD serves for it, its CA's revocation list included", async () => {
    const { world, report, documents } = await scene({ product });
    await using server = await startLocalServer(documents);
    const { amd } = await kds(server.url).find(report, AMD_NOW);
    const context = { endorsements: amd!, now: AMD_NOW };
    const verified = await verifySnpReportUnder(world.roots, report, context);
    expect(verified.claims.revocation).toBe("checked");
    expect([...server.asked].sort()).toEqual(Object.keys(documents).sort());
  });
});

test("is asked once for each document, until the list's next update", async () => {
  const { report, documents, keyPath } = await scene({});
  await using server = await startLocalServer(documents);
  const source = kds(server.url);
  const first = await Promise.all([source.find(report, AMD_NOW), source.find(report, AMD_NOW)]);
  expect(server.asked).toHaveLength(3);
  const later = await source.find(report, AMD_NOW + 30 * DAY);
  expect(server.asked).toHaveLength(3);
  expect(later.amd?.certificates).toEqual(first[0].amd?.certificates);
  await source.find(report, AMD_NOW + 30 * DAY + 1);
  expect(server.asked.slice(3).sort()).toEqual(["/vcek/v1/Milan/cert_chain", "/vcek/v1/Milan/crl"]);
  expect(server.asked.filter((path) => path === keyPath)).toHaveLength(1);
});

test("a report too old to name its product is looked for in both lines of its time", async () => {
  const old = { version: 2, cpuidFamily: 0, cpuidModel: 0, cpuidStepping: 0 };
  const { report, documents } = await scene({ product: "Genoa" }, old);
  await using server = await startLocalServer(documents);
  const { amd } = await kds(server.url).find(report, AMD_NOW);
  expect(amd?.certificates).toHaveLength(3);
  expect(server.asked.some((path) => path.startsWith("/vcek/v1/Milan/"))).toBe(true);
});

describe("cannot judge", () => {
  const cases: readonly (readonly [string, (scene: Scene) => Record<string, LocalAnswer>])[] = [
    [
      "a chip that AMD does not know",
      ({ documents, keyPath }) => ({ ...documents, [keyPath]: { status: 404, body: "" } }),
    ],
    [
      "when AMD has had enough of us",
      ({ documents, keyPath }) => ({ ...documents, [keyPath]: { status: 429, body: "" } }),
    ],
    [
      "without the revocation list, however genuine the rest",
      ({ documents }) => ({ ...documents, "/vcek/v1/Milan/crl": { status: 503, body: "" } }),
    ],
    [
      "without the CAs",
      ({ documents }) => ({ ...documents, "/vcek/v1/Milan/cert_chain": { status: 500, body: "" } }),
    ],
  ];
  test.for(cases)("%s", async ([, change]) => {
    const each = await scene({});
    await using server = await startLocalServer(change(each));
    expect(await rejectionOf(async () => await kds(server.url).find(each.report, AMD_NOW))).toBe(
      "ENDORSEMENT_UNAVAILABLE",
    );
  });

  test("when what AMD serves is no certificate", async () => {
    const { report, documents, keyPath } = await scene({});
    await using server = await startLocalServer({ ...documents, [keyPath]: { body: "<html>" } });
    expect(await rejectionOf(async () => await kds(server.url).find(report, AMD_NOW))).toBe(
      "ENDORSEMENT_MALFORMED",
    );
  });

  test.for([
    ["a key lent to a cloud provider, which AMD gives to nobody else", { key: "VLEK" }, {}],
    ["a chip whose name the host masks", {}, { chipId: new Uint8Array(64) }],
  ] as const)("%s, and asks nobody", async ([, plan, changes]) => {
    const { report, documents } = await scene(plan, changes);
    await using server = await startLocalServer(documents);
    expect(await rejectionOf(async () => await kds(server.url).find(report, AMD_NOW))).toBe(
      "ENDORSEMENT_UNAVAILABLE",
    );
    expect(server.asked).toEqual([]);
  });
});
