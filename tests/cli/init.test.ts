/** `adyton init DIR`: the project compiles, its tests pass, and it names only what is there. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { programPath } from "../../devnet/config.ts";
import { runAdyton } from "../support/adyton-command.ts";

const ROOT = resolve(import.meta.dirname, "../..");

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "adyton-init-"));
  folder = join(parent, "founded");
});
afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

test("the project's tests pass with the pinned forge", { timeout: 240_000 }, async () => {
  const { code, stdout } = await runAdyton(["init", folder]);
  expect(code).toBe(0);
  for (const file of [
    "src/Founded.sol",
    "test/Founded.t.sol",
    "script/Ask.s.sol",
    "README.md",
    "foundry.toml",
  ])
    expect(stdout).toContain(file);
  const forge = spawnSync("forge", ["test"], {
    cwd: folder,
    encoding: "utf8",
    // Without a network, as everything here: the compiler of the repository.
    env: {
      PATH: programPath(),
      HOME: parent,
      FOUNDRY_SOLC: join(ROOT, "tools/solc"),
      FOUNDRY_OFFLINE: "true",
    },
  });
  expect(`${forge.stdout}${forge.stderr}`).toContain("4 tests passed, 0 failed");
  expect(forge.status).toBe(0);
});

test("its README says what has to be typed here", async () => {
  await runAdyton(["init", folder]);
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  expect(readme).toContain(
    `npm run -s --prefix ${ROOT} adyton -- up --network ${join(folder, ".adyton/network.json")}`,
  );
  expect(readme).not.toMatch(/ADYTON|NETWORK/);
});

test("nothing is overwritten", async () => {
  mkdirSync(folder);
  writeFileSync(join(folder, "mine.sol"), "mine");
  const { code, stderr } = await runAdyton(["init", folder]);
  expect(code).toBe(64);
  expect(stderr).toContain("is not empty");
  expect(readFileSync(join(folder, "mine.sol"), "utf8")).toBe("mine");
});
