/** Slots of an agent's account: each is asked for once, idle ones send nothing, and what acts claims those before it. */

import { AbiCoder } from "ethers";
import { beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { agentAccountInterface as account } from "../../../../oracle/chain/contracts/contracts.ts";
import type { ChainHead } from "../../../../oracle/chain/chain-source.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { AgentPlanner, type AgentSession } from "../../../../oracle/relay/plans/agent-planner.ts";
import { NO_CALLS } from "../../../../protocol/agent-grant.ts";
import { addressOfPublicKey, answerDigest, AnswerStatus, signDigest } from "../../../../protocol/answer.ts";
import { fromHex, type Hex } from "../../../../protocol/bytes.ts";
import { agentDomain } from "../../../../protocol/domain.ts";
import type { SignedAnswer } from "../../../../protocol/enclave-api.ts";
import { ChainError, InputError } from "../../../../protocol/errors.ts";
import { keysetId, type Keyset } from "../../../../protocol/keyset.ts";
import { keccak, keccakText } from "../../../../protocol/struct-hash.ts";
import { AccountRunCall, toAccountRun } from "../../../../runtime/agents/account-run.ts";
import { describeBlock } from "../../../runtime/evm/support/described-block.ts";

const KEY = new Uint8Array(32).fill(7);
const ACCOUNT: Hex = `0x${"ac".repeat(20)}`;
const SLOT = 600n;
const FIRST = 3_000_000n;
const CALLS: Hex = `0x${"20".padStart(64, "0")}${"1".padStart(64, "0")}`;
const keyset: Keyset = {
  answerKey: addressOfPublicKey(secp256k1.getPublicKey(KEY, false)),
  tlsKeyHash: keccakText("tls"),
  sealingKey: keccakText("sealing"),
  logKey: keccakText("log"),
  behaviourDigest: keccakText("behaviour"),
  operatorDigest: keccakText("operator"),
  softwareVersionHash: keccakText("version"),
  payee: ACCOUNT,
};

const GRANT = {
  ...{ programHash: keccakText("program"), policyId: keccakText("policy"), validUntil: 2n ** 40n - 1n },
  ...{ slotSeconds: SLOT, lifetimeSeconds: 0n, windowSeconds: 86_400n, maxCalls: 4n, maxIdleClaims: 100n },
  ...{ followsPolicy: false, fee: 7n, gasPriceCap: 8n, valuePerWindow: 9n, callers: [] },
  ...{ permissions: [], tokens: [] },
};
const type = account.getFunction("propose").inputs[0];
const grantId = keccak(fromHex(AbiCoder.defaultAbiCoder().encode([type ?? ""], [GRANT])));

/** The chain's blocks, one a minute; a block at each slot's start. */
const timeOf = (number: bigint): bigint => FIRST * SLOT - 120n + number * 60n;
const blockAt = (number: bigint): ReturnType<typeof describeBlock> =>
  describeBlock({
    number,
    timestamp: timeOf(number),
    ...(number === 0n ? {} : { parentHash: blockAtOnce(number - 1n).hash }),
  });
const known = new Map<bigint, ReturnType<typeof describeBlock>>();
function blockAtOnce(number: bigint): ReturnType<typeof describeBlock> {
  const found = known.get(number) ?? blockAt(number);
  known.set(number, found);
  return found;
}

let latest: bigint;
let nextNonce: bigint;
/** Of the head that is planned at. */
let baseFee: bigint;
let refuses: boolean;
let asked: bigint[];
/** Milliseconds. */
let clock = 0;
/** Runs that were begun, and that the log told the end of. */
let started = 0;
let told = 0;
let decide: (slot: bigint) => Pick<SignedAnswer, "output"> & { readonly status: number };
beforeEach(() => {
  latest = 2n;
  nextNonce = 0n;
  baseFee = 1n;
  refuses = false;
  asked = [];
  [clock, started, told] = [0, 0, 0];
  decide = () => ({ status: AnswerStatus.ok, output: NO_CALLS });
});

function answerRpc(method: string, params: readonly unknown[]): unknown {
  if (method === "eth_getBlockByNumber")
    return blockAtOnce(params[0] === "latest" ? latest : BigInt(params[0] as string));
  if (method === "eth_estimateGas") {
    if (!refuses) return "0x186a0";
    throw new ChainError({ code: "CHAIN_REVERTED", message: "CallNotPermitted" });
  }
  if (method === "eth_call") {
    const state = { activeFrom: FIRST * SLOT, widenedAt: 0n, nextNonce, lastStateBlock: 0n };
    return account.encodeFunctionResult("stateOf", [{ ...state, isRevoked: false }]);
  }
  const event = account.encodeEventLog("GrantProposed", [grantId, FIRST * SLOT, GRANT]);
  const place = { blockNumber: "0x1", blockHash: grantId, transactionHash: grantId, logIndex: "0x0" };
  return [{ address: ACCOUNT, ...event, ...place }];
}

function sign(text: string): SignedAnswer {
  const call = z.decode(AccountRunCall, JSON.parse(text) as z.input<typeof AccountRunCall>);
  const { requestId, run, stateBlock } = toAccountRun(call);
  asked.push(run.nonce);
  const { status, output } = decide(run.nonce);
  const answer = {
    ...{ requestId, status, outputHash: keccak(fromHex(output)), transcriptRoot: keccakText("t") },
    ...{ stateBlockHash: stateBlock.hash, keysetId: keysetId(keyset), answeredAt: run.requestedAt },
  };
  const signature = signDigest(answerDigest(agentDomain(run.chainId, run.account), answer), KEY);
  return { answer, signature, output, stateBlock } as unknown as SignedAnswer;
}

/** Calls that the chain's server has and did not answer: now, and at most. */
let [open, mostOpen] = [0, 0];

async function answerLater(method: string, params: readonly unknown[]): Promise<unknown> {
  open += 1;
  mostOpen = Math.max(mostOpen, open);
  await new Promise<void>((resolve) => setImmediate(resolve));
  open -= 1;
  return answerRpc(method, params);
}

function createPlanner(accounts = 1): AgentPlanner {
  const session = {
    ...{ url: "https://enclave", keysetId: keysetId(keyset), attestation: { keyset } },
    client: {
      putProgram: () => Promise.resolve(),
      runForAccount: (text: string) => Promise.resolve(sign(text)),
    },
  } as unknown as AgentSession;
  return new AgentPlanner({
    chainId: 31_337,
    rpc: { call: async (method, params, schema) => schema.parse(await answerLater(method, params)) },
    agents: Array.from({ length: accounts }, () => ({
      ...{ account: ACCOUNT, grantId, program: import.meta.filename },
    })),
    from: ACCOUNT,
    confirmations: 0,
    admitted: () => {
      started += 1;
      return [session];
    },
    isSending: () => Promise.resolve(false),
    drop: () => undefined,
    onSigned: () => undefined,
    log: createLogger({
      level: "debug",
      write: (line) => {
        if (/agent\.(?:ran|failed)/.test(line)) told += 1;
      },
      now: () => 0,
    }),
    now: () => clock,
  });
}

/** Plans at the chain's head until nothing more comes of it. */
async function planAt(planner: AgentPlanner, number: bigint): ReturnType<AgentPlanner["plan"]> {
  latest = number;
  const head = { latest: { timestamp: Number(timeOf(number)), baseFeePerGas: baseFee } } as ChainHead;
  clock += 100_000;
  await planner.plan(head);
  await expect.poll(() => told, { timeout: 30_000 }).toBe(started);
  return await planner.plan(head);
}

const blockOfSlot = (index: bigint): bigint => 2n + index * 10n;

function claimsOf(data: Hex): readonly bigint[] {
  const [, run, idle] = account.decodeFunctionData("execute", data) as unknown as readonly [
    string,
    { readonly nonce: bigint },
    readonly { readonly nonce: bigint }[],
  ];
  return [run.nonce, ...idle.map(({ nonce }) => nonce)];
}

test("144 idle slots send no transaction, and the run that acts claims as many as the grant allows", async () => {
  const planner = createPlanner();
  for (let slot = 0n; slot < 144n; slot += 1n) expect(await planAt(planner, blockOfSlot(slot))).toEqual([]);
  expect(asked).toEqual(Array.from({ length: 144 }, (_, slot) => FIRST + BigInt(slot)));
  decide = () => ({ status: AnswerStatus.ok, output: CALLS });
  const [planned, ...more] = await planAt(planner, blockOfSlot(144n));
  expect(more).toEqual([]);
  expect(planned).toMatchObject({ to: ACCOUNT, feeCap: 8n, gasLimit: 125_000 });
  const [acting, ...claimed] = claimsOf(planned?.data ?? "0x");
  expect(acting).toBe(FIRST + 144n);
  expect(claimed).toEqual(Array.from({ length: 100 }, (_, index) => FIRST + 44n + BigInt(index)));
});

test("slots of many accounts that begin together are looked at together, and so many at a time", async () => {
  [open, mostOpen] = [0, 0];
  await planAt(createPlanner(40), blockOfSlot(0n));
  expect(asked).toEqual(Array.from({ length: 40 }, () => FIRST));
  expect(mostOpen).toBe(16);
});

test("a slot is asked for once, whatever came of it", async () => {
  const planner = createPlanner();
  await planAt(planner, blockOfSlot(0n));
  await planAt(planner, blockOfSlot(0n) + 3n);
  expect(asked).toEqual([FIRST]);
});

test("a slot that acted is left alone, and what was claimed is not claimed again", async () => {
  const planner = createPlanner();
  await planAt(planner, blockOfSlot(0n));
  await planAt(planner, blockOfSlot(1n));
  nextNonce = FIRST + 1n;
  decide = () => ({ status: AnswerStatus.ok, output: CALLS });
  const [planned] = await planAt(planner, blockOfSlot(2n));
  expect(claimsOf(planned?.data ?? "0x")).toEqual([FIRST + 2n, FIRST + 1n]);
  nextNonce = FIRST + 3n;
  expect(await planAt(planner, blockOfSlot(2n))).toEqual([]);
});

test("what the account refuses is not sent, and the next slot may want something else", async () => {
  const planner = createPlanner();
  refuses = true;
  decide = () => ({ status: AnswerStatus.ok, output: CALLS });
  expect(await planAt(planner, blockOfSlot(0n))).toEqual([]);
  refuses = false;
  expect(await planAt(planner, blockOfSlot(1n))).toHaveLength(1);
});

test("a run waits while gas is dearer than its grant repays, and acts when it is not", async () => {
  const planner = createPlanner();
  decide = () => ({ status: AnswerStatus.ok, output: CALLS });
  baseFee = GRANT.gasPriceCap + 1n;
  expect(await planAt(planner, blockOfSlot(0n))).toEqual([]);
  baseFee = GRANT.gasPriceCap;
  expect(await planAt(planner, blockOfSlot(0n) + 1n)).toHaveLength(1);
});

test("what was signed acts in its slot only", async () => {
  const planner = createPlanner();
  decide = (slot) => ({ status: AnswerStatus.ok, output: slot === FIRST ? CALLS : NO_CALLS });
  expect(await planAt(planner, blockOfSlot(0n))).toHaveLength(1);
  expect(await planAt(planner, blockOfSlot(1n))).toEqual([]);
});

test("a run that failed by somebody's doing is neither sent nor claimed", async () => {
  const planner = createPlanner();
  decide = (slot) =>
    slot === FIRST
      ? { status: AnswerStatus.upstreamFailed, output: "0x" }
      : { status: AnswerStatus.ok, output: CALLS };
  expect(await planAt(planner, blockOfSlot(0n))).toEqual([]);
  const [planned] = await planAt(planner, blockOfSlot(1n));
  expect(claimsOf(planned?.data ?? "0x")).toEqual([FIRST + 1n]);
});

test("an enclave that refuses a slot for good is not asked for it again", async () => {
  const planner = createPlanner();
  decide = () => {
    throw new InputError({ code: "INPUT_INVALID", message: "no" });
  };
  await planAt(planner, blockOfSlot(0n));
  await planAt(planner, blockOfSlot(0n));
  expect(asked).toEqual([FIRST]);
});
