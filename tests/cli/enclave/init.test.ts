/** `adyton enclave init`: what it writes, an enclave takes. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { initEnclave } from "../../../cli/enclave/init.ts";
import { Behaviour } from "../../../enclave/configuration/behaviour.ts";
import { EXTRACTOR } from "../../../enclave/sources/extractor.ts";

const folder = mkdtempSync(join(tmpdir(), "adyton-init-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const TERMS = {
  provider: ["openai"],
  payee: `0x${"11".repeat(20)}`,
  coordinator: [`31337:0x${"22".repeat(20)}`],
  weiPerInputToken: "1",
  weiPerOutputToken: "2",
  attester: "nitro",
} as const;

test("servers of chains make questions that read contracts possible, and nothing else is fetched", () => {
  const into = join(folder, "reads");
  const said = initEnclave({
    ...TERMS,
    folder: into,
    reads: ["1=https://rpc.example/a?key=b=c", "10=https://op.example/"],
  });
  const { sources } = Behaviour.parse(JSON.parse(readFileSync(join(into, "behaviour.json"), "utf8")));
  expect(sources).toMatchObject({
    hosts: [],
    addresses: "public",
    reads: { servers: { "1": "https://rpc.example/a?key=b=c", "10": "https://op.example/" }, most: 4 },
  });
  expect(sources?.pages).toBeUndefined();
  expect(said).not.toContain("withReads");
});

test("without them a person is told what is refused, and what to write for the chains that are served", () => {
  const said = initEnclave({ ...TERMS, folder: join(folder, "hint") });
  expect(said).toContain("Inference.withReads");
  expect(said).toContain("--reads 31337=https://…");
  const both = join(folder, "both");
  initEnclave({ ...TERMS, folder: both, sources: true, reads: ["1=https://rpc.example/"] });
  const { sources } = Behaviour.parse(JSON.parse(readFileSync(join(both, "behaviour.json"), "utf8")));
  expect(sources).toMatchObject({
    hosts: "public",
    pages: { most: 4 },
    reads: { servers: { "1": "https://rpc.example/" } },
  });
});

test.for([
  ["no chain", ["https://rpc.example/"]],
  ["no server", ["1="]],
  ["a chain that is none", ["one=https://rpc.example/"]],
  ["a server without TLS", ["1=http://rpc.example/"]],
  ["a chain twice", ["1=https://a.example/", "1=https://b.example/"]],
] as const)("%s among them is refused, and nothing is written", ([name, reads]) => {
  const into = join(folder, `odd ${name}`);
  expect(() => initEnclave({ ...TERMS, folder: into, reads })).toThrow(
    expect.objectContaining({ code: "INPUT_INVALID" }),
  );
  expect(existsSync(into)).toBe(false);
});

test.for([
  ["no sources unless they are asked for", undefined, undefined],
  [
    "sources of the public Internet, and this enclave's own extractor",
    true,
    { hosts: "public", addresses: "public", pages: { extractor: EXTRACTOR, most: 4 } },
  ],
] as const)("a behaviour file has %s", ([name, sources, expected]) => {
  const into = join(folder, name.slice(0, 10));
  initEnclave({
    ...TERMS,
    folder: into,
    ...(sources === undefined ? {} : { sources }),
  });
  const behaviour = Behaviour.parse(JSON.parse(readFileSync(join(into, "behaviour.json"), "utf8")));
  if (expected === undefined) expect(behaviour.sources).toBeUndefined();
  else expect(behaviour.sources).toMatchObject(expected);
});
