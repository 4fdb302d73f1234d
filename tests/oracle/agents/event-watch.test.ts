/** A node runs a program for each settled log that it waits for: once, in order, and over restarts. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { EventWatch, type EventSession } from "../../../oracle/agents/event-watch.ts";
import { createLogger } from "../../../oracle/log.ts";
import { encodeProgram, programHash } from "../../../protocol/agent-program.ts";
import { addressOfPublicKey, answerDigest, AnswerStatus, signDigest } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { offChainDomain } from "../../../protocol/domain.ts";
import type { SignedAnswer } from "../../../protocol/enclave-api.ts";
import { InputError, UpstreamError } from "../../../protocol/errors.ts";
import { eventRunId } from "../../../protocol/event-run.ts";
import { keysetId, type Keyset } from "../../../protocol/keyset.ts";
import { parseReceipt } from "../../../protocol/receipt.ts";
import { keccak, keccakText } from "../../../protocol/struct-hash.ts";
import { EventRunCall, proveEvent } from "../../../runtime/agents/event-run.ts";
import { createProvenWorld, type ProvenWorld } from "../../support/proven-world.ts";

const CHAIN_ID = 31_337;
const KEY = new Uint8Array(32).fill(7);
const GENESIS = 1_700_000_000;
const PROGRAM = encodeProgram("export default ({ log }) => log.data;", {});
const OUTPUT: Hex = "0x31";
const keyset: Keyset = {
  answerKey: addressOfPublicKey(secp256k1.getPublicKey(KEY, false)),
  tlsKeyHash: keccakText("tls"),
  sealingKey: keccakText("sealing"),
  logKey: keccakText("log"),
  behaviourDigest: keccakText("behaviour"),
  operatorDigest: keccakText("operator"),
  softwareVersionHash: keccakText("version"),
  payee: `0x${"ac".repeat(20)}`,
};

/** Blocks by number: each has four logs of one contract. */
const worlds = new Map<number, Promise<ProvenWorld>>();
function worldAt(number: number, fork = 0): Promise<ProvenWorld> {
  const key = number * 10 + fork;
  const made =
    worlds.get(key) ??
    createProvenWorld({ number: BigInt(number), timestamp: BigInt(GENESIS + 12 * number + fork) });
  worlds.set(key, made);
  return made;
}

let folder: string;
let receipts: string;
/** Of each block, which history the server is on; and which it shows logs of. */
let forkOf: (number: number) => number;
let forkOfLogs: (number: number) => number;
let change: (method: string, result: unknown) => unknown;
let refuse: (id: Hex) => Error | null;
/** Places of the logs that the enclave was asked for, as block.index. */
let asked: string[];
let lines: string[];
/** Milliseconds. */
let clock = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-events-"));
  receipts = join(folder, "receipts");
  writeFileSync(join(folder, "program.json"), PROGRAM);
  forkOf = () => 0;
  forkOfLogs = (number) => forkOf(number);
  change = (_method, result) => result;
  refuse = () => null;
  asked = [];
  lines = [];
  clock = (GENESIS + 1_200) * 1_000;
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function answerRpc(method: string, [first]: readonly unknown[]): Promise<unknown> {
  if (method === "eth_getBlockByNumber") {
    const number = Number(first);
    return (await worldAt(number, forkOf(number))).block;
  }
  if (method === "eth_getBlockReceipts") {
    const number = Number(first);
    return (await worldAt(number, forkOf(number))).receipts;
  }
  expect(method).toBe("eth_getLogs");
  const { fromBlock, toBlock, address, topics } = first as {
    readonly [name in "fromBlock" | "toBlock" | "address"]: string;
  } & { readonly topics: readonly (string | null)[] };
  const logs: unknown[] = [];
  for (let number = Number(fromBlock); number <= Number(toBlock); number += 1) {
    const { block, receipts: all } = await worldAt(number, forkOfLogs(number));
    let logIndex = 0;
    for (const log of all.flatMap((receipt) => receipt.logs)) {
      const place = { blockNumber: block.number, blockHash: block.hash, transactionHash: block.hash };
      const fits = topics.every((topic, at) => topic === null || log.topics[at] === topic);
      if (log.address === address && fits)
        logs.push({ ...log, ...place, logIndex: `0x${logIndex.toString(16)}` });
      logIndex += 1;
    }
  }
  return logs;
}

function sign(text: string): SignedAnswer {
  const call = z.decode(EventRunCall, JSON.parse(text) as z.input<typeof EventRunCall>);
  const { requestId, stateBlock } = proveEvent(call);
  const refusal = refuse(requestId);
  if (refusal !== null) throw refusal;
  asked.push(`${stateBlock.number}.${call.logIndex}`);
  const answer = {
    ...{ requestId, status: AnswerStatus.ok, outputHash: keccak(Uint8Array.of(0x31)) },
    ...{ transcriptRoot: keccakText("t"), stateBlockHash: stateBlock.hash, keysetId: keysetId(keyset) },
    answeredAt: BigInt(GENESIS),
  };
  const signature = signDigest(answerDigest(offChainDomain(), answer), KEY);
  const evidence = { kind: "simulator", bytes: "0x", claims: "0x" } as const;
  const transcript = ["first", "last"].map((name) => ({ leafHash: keccakText(name) }));
  return {
    answer,
    signature,
    output: OUTPUT,
    stateBlock,
    transcript,
    bodies: {},
    evidence,
    endorsements: null,
    quorumLeaf: null,
  };
}

function createWatch(
  options: { readonly topics?: readonly (Hex | null)[]; readonly lookbackBlocks?: number } = {},
): EventWatch {
  const session = {
    ...{ url: "https://enclave", keysetId: keysetId(keyset), attestation: { keyset } },
    client: {
      putProgram: (file: Uint8Array) => {
        expect(programHash(file)).toBe(programHash(PROGRAM));
        return Promise.resolve();
      },
      runForEvent: (text: string) =>
        new Promise((resolve) => {
          resolve(sign(text));
        }),
    },
  } as unknown as EventSession;
  return new EventWatch({
    chainId: CHAIN_ID,
    rpc: {
      call: async (method, params, schema) => schema.parse(change(method, await answerRpc(method, params))),
    },
    events: [
      {
        ...{ address: CONTRACT, topics: options.topics ?? [], lookbackBlocks: options.lookbackBlocks ?? 3 },
        ...{ program: join(folder, "program.json"), receipts },
      },
    ],
    maxRange: 10,
    sessions: () => [session],
    drop: () => undefined,
    log: createLogger({
      level: "debug",
      write: (line) => {
        lines.push(line);
      },
      now: () => 0,
    }),
    now: () => clock,
  });
}
const CONTRACT = keccakText("contract").slice(0, 42) as Hex;

/** Looks at this settled block until everything that waits was tried. */
async function lookAt(watch: EventWatch, settledNumber: number, times = 24): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await watch.look({ settledNumber });
    await watch.settle();
    clock += 100;
  }
}

test("each settled log is run for once, in order, and its receipt kept", async () => {
  const watch = createWatch();
  await lookAt(watch, 5, 14);
  expect(asked).toEqual([3, 4, 5].flatMap((block) => [0, 1, 2, 3].map((index) => `${block}.${index}`)));
  await lookAt(watch, 5);
  expect(asked).toHaveLength(12);
  await lookAt(watch, 6, 6);
  expect(asked.slice(12)).toEqual(["6.0", "6.1", "6.2", "6.3"]);
  const { block } = await worldAt(6);
  const id = eventRunId({
    chainId: BigInt(CHAIN_ID),
    blockHash: block.hash,
    logIndex: 2,
    programHash: programHash(PROGRAM),
  });
  expect(readdirSync(receipts)).toHaveLength(16);
  expect(readdirSync(receipts)).toContain(`${id}.json`);
});

test("a kept receipt names the log", async () => {
  await lookAt(createWatch({ lookbackBlocks: 1 }), 5, 1);
  const [name = ""] = readdirSync(receipts);
  const receipt = parseReceipt(new Uint8Array(readFileSync(join(receipts, name))));
  const { block } = await worldAt(5);
  expect(receipt.request).toMatchObject({
    blockHash: block.hash,
    logIndex: 0,
    programHash: programHash(PROGRAM),
  });
  expect(receipt.stateBlock).toEqual({ number: 5n, hash: block.hash });
});

test("a restart runs for nothing twice, and for what it missed", async () => {
  await lookAt(createWatch(), 5, 14);
  asked = [];
  await lookAt(createWatch({ lookbackBlocks: 6 }), 7, 30);
  expect(asked).toEqual([2, 6, 7].flatMap((block) => [0, 1, 2, 3].map((index) => `${block}.${index}`)));
});

test("logs of other topics start nothing", async () => {
  const topics = [null, `0x${"2".padStart(64, "0")}`] as const;
  await lookAt(createWatch({ topics, lookbackBlocks: 2 }), 5, 6);
  expect(asked).toEqual(["4.2", "5.2"]);
});

test("a log whose block a reorg took back is let go, and the one in its place is run for", async () => {
  forkOfLogs = () => 0;
  forkOf = (number) => (number === 5 ? 1 : 0);
  const watch = createWatch({ lookbackBlocks: 1 });
  await lookAt(watch, 5, 5);
  expect(asked).toEqual([]);
  expect(lines.filter((line) => line.includes("event.refused"))).toHaveLength(4);
  // Another node's start, or this one's: the chain now shows its own.
  forkOfLogs = forkOf;
  await lookAt(createWatch({ lookbackBlocks: 1 }), 5, 5);
  expect(asked).toEqual(["5.0", "5.1", "5.2", "5.3"]);
});

test("a server whose receipts do not prove its log is asked again later, and nothing runs meanwhile", async () => {
  change = (method, result) => (method === "eth_getBlockReceipts" ? (result as unknown[]).slice(1) : result);
  const watch = createWatch({ lookbackBlocks: 1 });
  await lookAt(watch, 5, 2);
  expect(asked).toEqual([]);
  expect(lines.some((line) => line.includes("CHAIN_RPC_UNAVAILABLE"))).toBe(true);
  change = (_method, result) => result;
  clock += 120_000;
  await lookAt(watch, 5, 5);
  expect(asked).toHaveLength(4);
});

test("an enclave that fails is asked again, one that refuses is not", async () => {
  const gone = new UpstreamError({
    code: "ENCLAVE_UNAVAILABLE",
    message: "gone",
    details: { timedOut: true },
  });
  const no = new InputError({ code: "INPUT_INVALID", message: "no" });
  // Of the first log, then of the second: both are the first ones that are refused.
  const refusals = [gone, null, no];
  refuse = () => refusals.shift() ?? null;
  const watch = createWatch({ lookbackBlocks: 1 });
  await lookAt(watch, 5, 1);
  expect(asked).toEqual([]);
  clock += 120_000;
  await lookAt(watch, 5, 5);
  expect(asked).toEqual(["5.0", "5.2", "5.3"]);
});

test("a log of more than an hour ago is let go", async () => {
  clock = (GENESIS + 60 + 3_600 + 301) * 1_000;
  await lookAt(createWatch({ lookbackBlocks: 1 }), 5, 5);
  expect(asked).toEqual([]);
  expect(lines.filter((line) => line.includes("event.expired"))).toHaveLength(4);
});
