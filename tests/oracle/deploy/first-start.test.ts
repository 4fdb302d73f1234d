import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { programArguments } from "../../../devnet/node-program.ts";
import { localChainSection, writeOracleConfig } from "../../../devnet/oracle-files.ts";
import { LOCAL_CHAIN_ID } from "../../../devnet/local-chain.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { standInPolicy } from "../support/stand-in-enclave.ts";
import { TRANSMITTER_KEYS } from "../support/test-chain.ts";

const NOBODY: Hex = `0x${"11".repeat(20)}`;
const POLICY: Hex = `0x${"22".repeat(32)}`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-first-start-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A node's configuration with everything in its place but the store, which is at `path`. */
async function configure(path: string): Promise<string> {
  writeFileSync(join(folder, "policy.json"), JSON.stringify(await standInPolicy()));
  const deployment = { coordinator: NOBODY, enclaveRegistry: NOBODY, policyId: POLICY, verifier: NOBODY };
  return writeOracleConfig(folder, {
    chains: [localChainSection(LOCAL_CHAIN_ID, ["http://127.0.0.1:1"], deployment)],
    enclaves: [{ url: "https://127.0.0.1:1", callerToken: "none" }],
    appraisalPolicy: "policy.json",
    transmitterKeys: TRANSMITTER_KEYS.slice(0, 1),
    change: { store: { kind: "pglite", path } },
  });
}

/** As the unit starts it, without a terminal and with an environment that says nothing. */
function start(configFile: string): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, [...programArguments("oracle/main"), "--config", configFile], {
    encoding: "utf8",
    env: {},
  });
}

/** One line, and no stack. */
function expectSentence({ status, stderr }: ReturnType<typeof start>, sentence: string): void {
  expect(status).toBe(1);
  expect(stderr).toContain(sentence);
  expect(stderr.trim().split("\n")).toHaveLength(1);
}

test("without a configuration says that there is none, and what writes one", () => {
  const file = join(folder, "oracle.json");
  expectSentence(start(file), `there is no configuration ${file}: adyton oracle init writes one`);
});

test("with a configuration that is no JSON says so", () => {
  const file = join(folder, "oracle.json");
  writeFileSync(file, "{");
  expectSentence(start(file), `the oracle's configuration ${file} cannot be read as JSON`);
});

test("without a folder that may hold the store says who has to make it where", async () => {
  // A file is nobody's to make a folder in, whoever runs the test.
  const state = join(folder, "state");
  writeFileSync(state, "");
  const store = join(state, "store");
  expectSentence(
    start(await configure(store)),
    `the store's folder ${store} is not there, and this user may not make it in ${state}`,
  );
});

test("with a store's folder that is another user's says whose it must be", async () => {
  const store = join(folder, "store");
  mkdirSync(join(store, "owner.lock"), { recursive: true });
  expectSentence(start(await configure(store)), `the store's folder ${store} cannot be written by this user`);
});
