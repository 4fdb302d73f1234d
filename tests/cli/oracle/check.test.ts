import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getAddress } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inspectNode } from "../../../cli/oracle/check.ts";
import { writeTestConfig } from "../../oracle/support/oracle-process.ts";
import {
  standInBehaviourDigest,
  type StandInEnclave,
  startStandInEnclave,
} from "../../oracle/support/stand-in-enclave.ts";
import { startTestChain, type TestChain } from "../../oracle/support/test-chain.ts";

let directory: string;
let chain: TestChain;
let enclave: StandInEnclave;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "adyton-check-"));
  [chain, enclave] = await Promise.all([
    startTestChain({ behaviourDigest: standInBehaviourDigest() }),
    startStandInEnclave(),
  ]);
});

afterAll(async () => {
  await Promise.all([enclave.stop(), chain.stop()]);
  rmSync(directory, { recursive: true, force: true });
});

type Section = Record<string, unknown>;
interface Written {
  readonly chains: [Section];
  readonly enclaves: [Section];
  readonly transmitterKeys: [Section];
  store: Section;
}

/** What is wrong with a node whose configuration was good before `change`. */
async function faults(change: (config: Written) => void): Promise<string[]> {
  const file = await writeTestConfig({ directory, chains: [chain], enclaves: [enclave] });
  const config = JSON.parse(readFileSync(file, "utf8")) as Written;
  change(config);
  writeFileSync(file, JSON.stringify(config));
  return (await inspectNode(file)).filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
}

test("a node that has everything it needs has no fault", async () => {
  expect(await faults(() => undefined)).toEqual([]);
});

const swapCase = (letter: string): string =>
  letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();

test("addresses are taken as block explorers show them", async () => {
  const checksummed = (config: Written): void => {
    for (const name of ["coordinator", "registry"])
      config.chains[0][name] = getAddress(String(config.chains[0][name]));
  };
  expect(await faults(checksummed)).toEqual([]);
});

test.for<[string, (config: Written) => void, RegExp]>([
  [
    "a registry that is not the coordinator's",
    ({ chains: [at] }) => (at["registry"] = at["coordinator"]),
    /registry: the coordinator's registry is 0x[0-9a-f]{40} \[CONFIG_INVALID\]/,
  ],
  [
    "a policy that nobody made",
    ({ chains: [at] }) => {
      at["admissions"] = [{ policyId: `0x${"ab".repeat(32)}`, verifier: chain.deployment.verifier }];
    },
    /registry: there is no policy 0xabab/,
  ],
  [
    "a verifier that the policy does not list",
    ({ chains: [at] }) => {
      at["admissions"] = [{ policyId: chain.deployment.policyId, verifier: chain.deployment.coordinator }];
    },
    /registry: the policy .* does not list the verifier/,
  ],
  [
    "a caller token that the enclave does not know",
    ({ enclaves: [at] }) => (at["callerToken"] = "somebody else's"),
    /enclave .*: the enclave does not know this callerToken: .* \[INPUT_UNAUTHORIZED\]/,
  ],
  [
    "a store below a file",
    (config) => (config["store"] = { kind: "pglite", path: "policy.json/store" }),
    /store: the store's folder .*policy\.json\/store is not there, and this user may not make it in .*\[CONFIG_INVALID\]/,
  ],
  [
    "an address with a slip of the hand",
    ({ chains: [at] }) => {
      const right = getAddress(chain.deployment.coordinator);
      at["coordinator"] = right.replace(/[a-fA-F]/, swapCase);
    },
    /configuration: .*its checksum is wrong/s,
  ],
  [
    "less money than the node itself wants",
    ({ chains: [at] }) => (at["lowFundsEther"] = 1e9),
    /funds of 0x.*: .* below lowFundsEther .* \[CHAIN_FUNDS_LOW\]/,
  ],
  [
    "a key file that is not there",
    ({ transmitterKeys: [key] }) => (key["file"] = "nowhere"),
    /transmitter key: .*\/nowhere\): ENOENT \[CONFIG_INVALID\]/,
  ],
  [
    "an RPC server that is down",
    ({ chains: [at] }) => (at["rpcUrls"] = ["http://127.0.0.1:1"]),
    /RPC 127\.0\.0\.1:1: .*(?:ECONNREFUSED|bad port)/,
  ],
])("%s is found, and said so that it can be mended", async ([, change, expected]) => {
  expect(await faults(change)).toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
});

test.for<[string, (config: Written) => void]>([
  ["chain", ({ chains }) => void chains.push(chains[0])],
  ["enclave", ({ enclaves }) => void enclaves.push(enclaves[0])],
  ["key", ({ transmitterKeys }) => void transmitterKeys.push(transmitterKeys[0])],
])("the same %s twice is a wrong configuration", async ([, change]) => {
  const [fault] = await faults(change);
  expect(fault).toMatch(/^configuration: .*another one has the same/s);
});
