/** Rule: what can be refused without contracts is refused before a clone compiles them, which takes minutes (tools/run-from-clone.ts). */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runAdyton } from "../support/adyton-command.ts";

const WITHOUT_CONTRACTS = join(import.meta.dirname, "../support/without-contracts.ts");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-before-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.concurrent.for([
  ["a command that is none", ["verfy"], "Did you mean verify?"],
  ["an option that is none", ["up", "--bogus"], "unknown option '--bogus'"],
  ["a question without a network", ["ask", "Is water wet?"], "INPUT_NOT_FOUND"],
  ["an agent's question without a network", ["agent", "ask"], "INPUT_NOT_FOUND"],
  ["a question through Functions without its file", ["functions", "ask", "Is it?"], "INPUT_NOT_FOUND"],
  ["local Functions without a network", ["functions", "local"], "INPUT_NOT_FOUND"],
  ["a node beside no network", ["oracle", "init", "node"], "INPUT_NOT_FOUND"],
  ["a receipt of no request", ["receipt", "0x12"], "INPUT_INVALID"],
] as const)("%s", async ([, args, says]) => {
  const { code, stderr } = await runAdyton(args, undefined, folder, WITHOUT_CONTRACTS);
  expect(stderr).toContain(says);
  expect(code).toBe(64);
});

test("and a clone would compile them for what calls them", async () => {
  const { stderr } = await runAdyton(
    ["agent", "act", "--account", "0x1", "--grant", "0x2"],
    undefined,
    folder,
    WITHOUT_CONTRACTS,
  );
  expect(stderr).toContain("the contracts would be compiled for this");
});
