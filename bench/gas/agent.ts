/** Runs of an AgentAccount that act, each a transaction as a node sends it, and what comes back of its price. */

import { AbiCoder, Interface, type ParamType, type TransactionReceipt } from "ethers";
import {
  AgentAccount__factory,
  AgentTarget__factory,
  type AgentAccount,
} from "../../contracts/bindings/index.ts";
import * as p from "../../protocol/index.ts";
import type { Chain } from "./chain.ts";
import { CHAIN_ID } from "./constants.ts";
import type { BenchNode } from "./node.ts";
import { FEE, firstNode, VALUE, type Stage } from "./stage.ts";

const SLOT_SECONDS = 600n;
const DAY_SECONDS = 86_400n;
const PROGRAM = p.keccakText("program");
const EMPTY = p.keccakText("");
const GAS_LIMIT = 3_000_000;
const IDLE_RUNS = 10;
const NO_CALLS = AbiCoder.defaultAbiCoder().encode(["tuple(address,uint256,bytes)[]"], [[]]) as p.Hex;

interface Agent {
  readonly stage: Stage;
  readonly account: AgentAccount;
  readonly address: p.Hex;
  readonly target: string;
  readonly encodedGrant: string;
  readonly grantId: p.Hex;
}

interface Slot {
  readonly nonce: bigint;
  readonly blockNumber: number;
  readonly blockHash: p.Hex;
}

/** An account with money, a grant that is live at once, and a payee that has earned before. */
async function createAgent(stage: Stage): Promise<Agent> {
  const { chain, policyId } = stage;
  const { owner, enclaves } = chain;
  const account = await new AgentAccount__factory(owner).deploy(enclaves, await owner.getAddress(), 0);
  const target = await (await new AgentTarget__factory(owner).deploy()).getAddress();
  const address = (await account.getAddress()).toLowerCase() as p.Hex;
  await chain.mine(owner.sendTransaction({ to: address, value: 100n * VALUE }));
  await chain.mine(owner.sendTransaction({ to: firstNode(stage).keyset.payee, value: 1 }));
  const grant = {
    ...{ programHash: PROGRAM, policyId, validUntil: 2n ** 40n - 1n, slotSeconds: SLOT_SECONDS },
    ...{ lifetimeSeconds: 0, windowSeconds: DAY_SECONDS, maxCalls: 4, maxIdleClaims: 144 },
    ...{ followsPolicy: false, fee: FEE, gasPriceCap: 10n ** 11n, valuePerWindow: 50n * VALUE },
    callers: [],
    permissions: [{ target, selector: turnSelector(), minGas: 50_000, limits: [] }],
    tokens: [],
  };
  await chain.mine(account.propose(grant));
  const type: ParamType | undefined = account.interface.getFunction("propose").inputs[0];
  if (type === undefined) throw new Error("a grant has no type");
  const encodedGrant = AbiCoder.defaultAbiCoder().encode([type], [grant]) as p.Hex;
  return { stage, account, address, target, encodedGrant, grantId: p.keccak(p.fromHex(encodedGrant)) };
}

function turnSelector(): string {
  return new Interface(AgentTarget__factory.abi).getFunction("turn")?.selector ?? "0x";
}

/** The slot after the present one, and its first block. */
async function nextSlot({ provider, later }: Chain): Promise<Slot> {
  const now = BigInt((await provider.getBlock("latest"))?.timestamp ?? 0);
  await later(SLOT_SECONDS - (now % SLOT_SECONDS));
  const block = await provider.getBlock("latest");
  if (block?.hash === undefined || block.hash === null) throw new Error("the chain has no block");
  // A block's hash is known to its successors.
  await later(1n);
  const nonce = BigInt(block.timestamp) / SLOT_SECONDS;
  return { nonce, blockNumber: block.number, blockHash: block.hash as p.Hex };
}

function signRun(agent: Agent, node: BenchNode, slot: Slot, output: p.Hex): Record<string, unknown> {
  const requestedAt = slot.nonce * SLOT_SECONDS;
  const answer: p.Answer = {
    requestId: p.agentRunId({
      ...{ chainId: CHAIN_ID, account: agent.address, grantId: agent.grantId, programHash: PROGRAM },
      ...{ inputHash: EMPTY, policyId: agent.stage.policyId, requestedAt, nonce: slot.nonce },
      ...{ stateBlockHash: slot.blockHash, deadline: requestedAt + SLOT_SECONDS },
    }),
    status: p.AnswerStatus.ok,
    outputHash: p.keccak(p.fromHex(output)),
    transcriptRoot: p.keccakText("transcript"),
    stateBlockHash: slot.blockHash,
    keysetId: node.keysetId,
    answeredAt: requestedAt,
  };
  const digest = p.answerDigest(p.agentDomain(CHAIN_ID, agent.address), answer);
  return {
    ...answer,
    nonce: slot.nonce,
    stateBlockNumber: slot.blockNumber,
    output,
    signature: p.signDigest(digest, node.privateKey),
  };
}

/** Acts in the next slot, `calls` times, `value` each; after so many idle slots, which it claims. */
async function act(agent: Agent, calls: number, value: bigint, idleSlots = 0): Promise<TransactionReceipt> {
  const { stage, account, target } = agent;
  const node = firstNode(stage);
  const idle: Record<string, unknown>[] = [];
  for (let index = 0; index < idleSlots; index += 1)
    idle.push(signRun(agent, node, await nextSlot(stage.chain), NO_CALLS));
  const data = new Interface(AgentTarget__factory.abi).encodeFunctionData("turn", [7]);
  const output = AbiCoder.defaultAbiCoder().encode(
    ["tuple(address,uint256,bytes)[]"],
    [Array.from({ length: calls }, () => [target, value, data])],
  ) as p.Hex;
  const run = signRun(agent, node, await nextSlot(stage.chain), output);
  const sent = account.execute(agent.encodedGrant, run as never, idle as never, { gasLimit: GAS_LIMIT });
  return await stage.chain.mine(sent);
}

/** Repaid ÷ charged, without the fees. */
function ratioOf({ account }: Agent, { gasUsed, gasPrice, logs }: TransactionReceipt, runs: number): number {
  for (const log of logs) {
    const event = account.interface.parseLog(log);
    if (event?.name !== "RunActed") continue;
    const repaid = BigInt(String(event.args["paid"])) - FEE * BigInt(runs);
    return Number((repaid * 10_000n) / (gasUsed * gasPrice)) / 10_000;
  }
  throw new Error("nothing acted");
}

/** Gas by what a run does; the payment for it is in each. */
export async function measureAccountGas(stage: Stage): Promise<Readonly<Record<string, number>>> {
  const agent = await createAgent(stage);
  const first = await act(agent, 1, 0n);
  const oneCall = await act(agent, 1, 0n);
  const withValue = await act(agent, 1, 1n);
  const threeCalls = await act(agent, 3, 1n);
  const claiming = await act(agent, 1, 0n, IDLE_RUNS);
  return {
    firstRun: Number(first.gasUsed),
    oneCall: Number(oneCall.gasUsed),
    oneCallWithValue: Number(withValue.gasUsed),
    threeCallsWithValue: Number(threeCalls.gasUsed),
    perIdleClaim: Math.round(Number(claiming.gasUsed - oneCall.gasUsed) / IDLE_RUNS),
    repaid: ratioOf(agent, oneCall, 1),
  };
}
