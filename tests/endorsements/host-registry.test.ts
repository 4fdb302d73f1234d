/** Where a machine stands: Google's registry of hosts, by fetch and by file. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { judgeEvidence } from "../../attestation/index.ts";
import { askHostRegistry, type HostRegistry } from "../../attestation/verdict/host-registry.ts";
import { verifyTdQuote } from "../../attestation/intel/verify-tdx.ts";
import { createHostRegistry, readHostRegistry } from "../../endorsements/host-registry.ts";
import { FAKE_TRUST, mintFakeIntel, NOW } from "../support/fake-intel.ts";
import { SIMULATED_NOW, simulatedQuote } from "../support/simulated-evidence.ts";
import { rejectionOf } from "../support/rejection-of.ts";
import { codeOf } from "../support/code-of.ts";

const PPID = `0x${"ab".repeat(16)}` as const;

function bucket(status: number, body: string): HostRegistry {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = (url) => {
    asked.push(url instanceof Request ? url.url : url.toString());
    return Promise.resolve(new Response(body, { status }));
  };
  const registry = createHostRegistry("https://storage.example/hosts/", { fetch, timeoutMs: 1_000 });
  return {
    ...registry,
    find: async (ppid) => {
      const found = await registry.find(ppid);
      expect(asked).toEqual([`https://storage.example/hosts/${ppid.slice(2)}`]);
      return found;
    },
  };
}

async function file(name: string, text: string): Promise<HostRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "adyton-registry-"));
  try {
    await writeFile(join(folder, name), text);
    return readHostRegistry(join(folder, name));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("is asked for the object named by the PPID", async () => {
  expect(await bucket(200, '{"location":"us-east1"}').find(PPID)).toBe("location us-east1");
  expect(await bucket(404, "<Error><Code>NoSuchKey</Code></Error>").find(PPID)).toBeNull();
});

test("that cannot be asked, or does not answer with JSON, lists nothing", async () => {
  expect(await rejectionOf(async () => await bucket(403, "").find(PPID))).toBe("ENDORSEMENT_UNAVAILABLE");
  expect(await rejectionOf(async () => await bucket(200, "[]").find(PPID))).toBe("ENDORSEMENT_MALFORMED");
  expect(codeOf(() => createHostRegistry("http://x/y", { fetch, timeoutMs: 1 }))).toBe("INPUT_INVALID");
});

test("is read from a file of one machine, or of several", async () => {
  const one = await file(`${PPID.slice(2)}.json`, '{"location":"us-east1"}');
  const several = await file("hosts.json", JSON.stringify({ [PPID.slice(2).toUpperCase()]: { zone: "b" } }));
  expect([await one.find(PPID), await several.find(PPID)]).toEqual(["location us-east1", "zone b"]);
  expect(await several.find(`0x${"cd".repeat(16)}`)).toBeNull();
});

test("in a file that is no registry is refused with the file's name", async () => {
  for (const text of ["[]", "", '{"a":{"b":1,"b":2}}']) {
    await expect(file("hosts.json", text)).rejects.toMatchObject({
      code: "ENDORSEMENT_MALFORMED",
      message: expect.stringContaining("hosts.json: a registry of hosts is a JSON object") as string,
    });
  }
  expect((await file("hosts.json", "\uFEFF{}")).source).toBe("hosts.json");
  expect(() => readHostRegistry("http://example.org/hosts")).toThrow(
    expect.objectContaining({
      code: "INPUT_NOT_FOUND",
      message: expect.stringContaining("it is a URL, and a file is wanted") as string,
    }),
  );
});

test("shows what a stranger wrote in one line of plain text", async () => {
  const registry = await file(
    "hosts.json",
    JSON.stringify({ [PPID.slice(2)]: { a: `\u001b[31m${"x".repeat(500)}` } }),
  );
  expect(await registry.find(PPID)).toMatch(/^a \?\[31mx{1,200}…$/);
});

test("says where the machine of a quote stands, on its word", async () => {
  const fake = await mintFakeIntel();
  const verified = await verifyTdQuote("tdx", fake.quote, {
    endorsements: fake.endorsements(),
    now: NOW,
    trust: FAKE_TRUST,
  });
  const registry = await file(`${verified.platformId!.slice(2)}.json`, '{"location":"us-east1"}');
  expect(await askHostRegistry(verified, registry)).toMatchObject({
    name: "place",
    state: "on its word",
    detail: expect.stringContaining("location us-east1") as string,
  });
  const empty = await file("hosts.json", "{}");
  expect(await rejectionOf(async () => await askHostRegistry(verified, empty))).toBe(
    "ENDORSEMENT_UNAVAILABLE",
  );
});

test("that does not list a machine leaves evidence unjudged", async () => {
  const hosts = await file("hosts.json", "{}");
  const { verdict } = await judgeEvidence(await simulatedQuote(), {
    now: SIMULATED_NOW,
    findEndorsements: () => Promise.resolve({}),
    policy: null,
    nonce: null,
    reportData: null,
    hosts,
  });
  expect(verdict.status).toBe(3);
});
