/** A log of a chain starts a program on a whole network: once, also when the node is killed, and after its receipts are lost. */

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { loadSandbox } from "../../cli/replay/load-sandbox.ts";
import { startProgram, type RunningProgram } from "../../devnet/child-process.ts";
import { programPath } from "../../devnet/config.ts";
import { readListening } from "../../devnet/model-choice.ts";
import { programArguments } from "../../devnet/node-program.ts";
import type { OracleFile } from "../../devnet/oracle-files.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { encodeProgram } from "../../protocol/agent-program.ts";
import { fromHex, fromUtf8, toHex, type Hex } from "../../protocol/bytes.ts";
import { isEventRun, type Receipt } from "../../protocol/receipt.ts";
import { keccakText } from "../../protocol/struct-hash.ts";
import { replayReceipt } from "../../runtime/agents/replay.ts";
import { until } from "../oracle/support/test-chain.ts";
import { assemble } from "../runtime/evm/support/programs.ts";
import { startTestNetwork } from "../support/local-network.ts";

const LOGGER: Hex = `0x${"c2".repeat(20)}`;
/** A log with its call data's first word as topic, and the number 5 as data. */
const LOGS_INPUT = assemble(5n, 0x5f, 0x52, 0x5f, 0x35, 32n, 0x5f, 0xa1);
const SOURCE = `export default async ({ log }, host) => {
  const { text } = await host.model({ messages: [{ role: "user", content: "Log " + log.topics[0] }] });
  return { topic: log.topics[0], trigger: host.run.trigger, isAnswered: text.length > 0 };
};`;
const WAIT_MS = 60_000;

let network: LocalNetwork;
let folder: string;
let receipts: string;
let oracle: RunningProgram;
let stop: () => Promise<void>;

beforeAll(async () => {
  ({ network, folder, stop } = await startTestNetwork());
  receipts = join(folder, "event-receipts");
  await network.provider.send("anvil_setCode", [LOGGER, toHex(LOGS_INPUT)]);
  await network.programs.oracle.stop();
  watchLogs();
  oracle = await startOracle();
});
afterAll(async () => {
  await oracle.stop();
  await stop();
});

/** Into the configuration of the node that ran before. */
function watchLogs(): void {
  const file = join(folder, "oracle.json");
  const program = join(folder, "program.json");
  writeFileSync(program, encodeProgram(SOURCE, { models: [network.file.model] }));
  const config = JSON.parse(readFileSync(file, "utf8")) as OracleFile;
  const events = [{ address: LOGGER, program, receipts }];
  writeFileSync(
    file,
    JSON.stringify({ ...config, chains: config.chains.map((chain) => ({ ...chain, events })) }),
  );
}

async function startOracle(): Promise<RunningProgram> {
  return await startProgram({
    name: "oracle",
    command: process.execPath,
    args: [...programArguments("oracle/main"), "--config", join(folder, "oracle.json")],
    environment: { PATH: programPath() },
    readReady: readListening,
  });
}

async function emit(topic: Hex): Promise<void> {
  const [from] = (await network.provider.send("eth_accounts", [])) as readonly string[];
  const request = { from, to: LOGGER, data: topic, gas: "0x186a0" };
  const hash = (await network.provider.send("eth_sendTransaction", [request])) as string;
  await network.provider.waitForTransaction(hash);
}

function receiptFiles(): readonly string[] {
  try {
    return readdirSync(receipts).filter((name) => name.endsWith(".json"));
  } catch {
    // Nothing was run for yet.
    return [];
  }
}

async function untilReceipts(count: number): Promise<readonly string[]> {
  return await until(
    `${count} receipts`,
    () => {
      const files = receiptFiles();
      return Promise.resolve(files.length >= count ? files : undefined);
    },
    WAIT_MS,
  );
}

async function readReceipt(name: string): Promise<Receipt> {
  return (await verifyReceipt(readFileSync(join(receipts, name)))).receipt;
}

const outputOf = ({ output }: Receipt): unknown => JSON.parse(fromUtf8(fromHex(output)));

test("a log has the program run once, and its receipt verifies, replays and names a block of the chain", async () => {
  const topic = keccakText("first");
  await emit(topic);
  const [name = ""] = await untilReceipts(1);
  const receipt = await readReceipt(name);
  expect(isEventRun(receipt)).toBe(true);
  expect(outputOf(receipt)).toEqual({ topic, trigger: "event", isAnswered: true });
  const block = await network.provider.getBlock(Number(receipt.stateBlock?.number));
  expect(block?.hash).toBe(receipt.stateBlock?.hash);
  expect((await replayReceipt(receipt, loadSandbox())).end).toMatchObject({ outcome: "returned", calls: 1 });
});

test("a node that was killed runs for what happened meanwhile, and for nothing again", async () => {
  const [first = ""] = receiptFiles();
  const before = readFileSync(join(receipts, first));
  await oracle.stop("SIGKILL");
  const topic = keccakText("meanwhile");
  await emit(topic);
  oracle = await startOracle();
  const names = await untilReceipts(2);
  const [other = ""] = names.filter((name) => name !== first);
  expect(outputOf(await readReceipt(other))).toMatchObject({ topic });
  // The log of before lies in the blocks that are looked through after a start.
  expect(oracle.log().match(/"event":"event\.ran"/g)).toHaveLength(1);
  expect(readFileSync(join(receipts, first)).equals(before)).toBe(true);
});

test("a receipt that was lost comes back as it was: the enclave runs for a log once", async () => {
  const [name = ""] = receiptFiles();
  const { signature, answer } = await readReceipt(name);
  await oracle.stop("SIGKILL");
  rmSync(join(receipts, name));
  oracle = await startOracle();
  await untilReceipts(2);
  expect(await readReceipt(name)).toMatchObject({ signature, answer });
});
