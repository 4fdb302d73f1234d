/** `adyton enclave init`: what it writes, an enclave takes. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
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
    provider: ["openai"],
    payee: `0x${"11".repeat(20)}`,
    coordinator: [`31337:0x${"22".repeat(20)}`],
    weiPerInputToken: "1",
    weiPerOutputToken: "2",
    attester: "nitro",
    folder: into,
    ...(sources === undefined ? {} : { sources }),
  });
  const behaviour = Behaviour.parse(JSON.parse(readFileSync(join(into, "behaviour.json"), "utf8")));
  if (expected === undefined) expect(behaviour.sources).toBeUndefined();
  else expect(behaviour.sources).toMatchObject(expected);
});
