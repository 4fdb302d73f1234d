/** `adyton oracle init --ask`: the answers become a node that `oracle check` finds nothing wrong with; odd ones are told. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, PassThrough } from "node:stream";
import { getAddress } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openInterview } from "../../../cli/interview.ts";
import { inspectNode } from "../../../cli/oracle/check.ts";
import { checkNothingThere, writeNode } from "../../../cli/oracle/new-node.ts";
import { askForNode } from "../../../cli/oracle/node-questions.ts";
import { wallClockMs } from "../../oracle/support/wall-clock.ts";
import {
  CALLER_TOKEN,
  standInBehaviourDigest,
  type StandInEnclave,
  standInPolicy,
  startStandInEnclave,
} from "../../oracle/support/stand-in-enclave.ts";
import { startTestChain, type TestChain } from "../../oracle/support/test-chain.ts";
import { codeOf } from "../../support/code-of.ts";

let chain: TestChain;
let enclave: StandInEnclave;
let directory: string;
let folder: string;

beforeAll(async () => {
  [chain, enclave] = await Promise.all([
    startTestChain({ behaviourDigest: standInBehaviourDigest() }),
    startStandInEnclave(),
  ]);
});

afterAll(() => Promise.all([enclave.stop(), chain.stop()]));

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "adyton-ask-"));
  folder = join(directory, "my node");
  mkdirSync(join(directory, "read"));
  writeFileSync(join(directory, "read", "policy.json"), JSON.stringify(await standInPolicy()));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

type Question =
  | "servers"
  | "coordinator"
  | "policyId"
  | "verifier"
  | "fromBlock"
  | "enclave"
  | "token"
  | "secrets"
  | "policy"
  | "store";
type Answers = Record<Question, string>;

/** In the order of the questions. */
const goodAnswers = (): Answers => ({
  servers: chain.anvil.url,
  coordinator: getAddress(chain.deployment.coordinator),
  policyId: chain.deployment.policyId,
  verifier: chain.deployment.verifier,
  fromBlock: "",
  enclave: enclave.url,
  token: CALLER_TOKEN,
  secrets: "",
  policy: join(directory, "read", "policy.json"),
  store: "",
});
let shown: string;

async function init(change: Partial<Answers> = {}): Promise<string> {
  shown = "";
  const output = new PassThrough().on("data", (chunk: Buffer) => (shown += chunk.toString()));
  const lines = Object.values({ ...goodAnswers(), ...change }).map((line) => `${line}\n`);
  const interview = openInterview({
    ...{ input: Readable.from([lines.join("")]), output, isTyped: false },
    ...{ signal: new AbortController().signal, onInterrupt: () => undefined },
  });
  const { settings, policy } = await askForNode(interview, folder, wallClockMs);
  interview.close();
  return (await writeNode(folder, settings, policy)).configFile;
}

test("the answers are a node that lacks nothing but ether", async () => {
  const file = await init();
  const wrong = (await inspectNode(file)).filter(({ ok }) => !ok);
  expect(wrong.map(({ detail }) => detail)).toEqual([expect.stringContaining("[CHAIN_FUNDS_LOW]")]);
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
    chains: [{ chainId: chain.chainId, registry: chain.deployment.enclaveRegistry }],
    store: { kind: "pglite", path: "store" },
    http: { adminTokenFile: "admin.token" },
  });
  const questions = shown.split("\n").filter((line) => /: $/.test(line));
  expect(questions).toHaveLength(Object.keys(goodAnswers()).length);
  expect(questions.filter((line) => line.length > 80)).toEqual([]);
});

test("keys of providers are named as the configuration finds them, and a database is taken", async () => {
  const key = join(directory, "openai.key");
  writeFileSync(key, "sk-1\n");
  const store = "postgresql://adyton@db.example/adyton";
  const file = await init({ secrets: `openai-key=${key}`, store });
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
    enclaves: [{ secrets: [{ name: "openai-key", file: "../openai.key" }] }],
    store: { kind: "postgres", url: store },
  });
});

test.for<readonly [string, (good: Answers) => Partial<Answers>, RegExp]>([
  ["no server", () => ({ servers: "" }), /^the RPC servers: name one at least/],
  [
    "a server without a scheme",
    () => ({ servers: "localhost:8545" }),
    /localhost:8545 is no URL of a server/,
  ],
  ["a server that is down", () => ({ servers: "http://127.0.0.1:1" }), /RPC .*127\.0\.0\.1:1/],
  ["an ENS name", () => ({ coordinator: "oracle.eth" }), /the coordinator: expected an address: 0x and 40/],
  [
    "an address without 0x",
    (good) => ({ coordinator: good.coordinator.slice(2) }),
    /expected an address: 0x/,
  ],
  [
    "an address with a slip of the hand",
    (good) => ({ coordinator: good.coordinator.replace(/[a-f]/, (letter) => letter.toUpperCase()) }),
    /its checksum is wrong/,
  ],
  [
    "an account without code",
    () => ({ coordinator: `0x${"12".repeat(20)}` }),
    /there is no coordinator at 0x12/,
  ],
  ["a policy that nobody made", () => ({ policyId: `0x${"ab".repeat(32)}` }), /there is no policy 0xabab/],
  ["an address for a policy", (good) => ({ policyId: good.verifier }), /expected a policy's id: 0x and 64/],
  ["a verifier of no rule", (good) => ({ verifier: good.coordinator }), /does not list the verifier/],
  ["a block with commas", () => ({ fromBlock: "21,000,000" }), /21,000,000 is no number of a block/],
  ["a block in hex", () => ({ fromBlock: "0x10" }), /0x10 is no number of a block/],
  ["a block of tomorrow", () => ({ fromBlock: "99999999" }), /the chain has no block 99999999 yet/],
  ["an enclave over http", () => ({ enclave: "http://127.0.0.1:1" }), /is no https URL/],
  ["no caller token", () => ({ token: "" }), /answers nobody without one/],
  ["a key without its name", () => ({ secrets: "openai.key" }), /openai\.key is not NAME=FILE/],
  ["a key that is not there", () => ({ secrets: "openai-key=/nowhere" }), /there is no file \/nowhere/],
  ["no policy", () => ({ policy: "" }), /name a file/],
  [
    "a policy that is not there",
    () => ({ policy: "/nowhere" }),
    /cannot read \/nowhere: there is no such file/,
  ],
  ["a store of another kind", () => ({ store: "mysql://db.example/a" }), /expected embedded, or postgresql:/],
])("%s: told with the question, and nothing is written", async ([, change, told]) => {
  await expect(init(change(goodAnswers()))).rejects.toMatchObject({
    code: "INPUT_INVALID",
    message: expect.stringMatching(told) as string,
  });
  expect(existsSync(folder)).toBe(false);
});

test.for(["oracle.json", "policy.json", "transmitter.json", "transmitter.password", "admin.token"])(
  "a folder that has %s already is refused before anything is asked or written",
  (name) => {
    const file = join(directory, name);
    writeFileSync(file, "mine");
    const check = () => {
      checkNothingThere(directory);
    };
    expect(codeOf(check)).toBe("INPUT_INVALID");
    expect(check).toThrow(file);
  },
);
