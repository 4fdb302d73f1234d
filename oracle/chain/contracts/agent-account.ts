/** An AgentAccount, or the module of a Safe (contracts/src/agents/IAgentAccount.sol): its grants, its inputs, and what is sent to it. */

import { AbiCoder, type ParamType } from "ethers";
import * as z from "zod";
import { decodeAgentGrant, type AgentGrant } from "../../../protocol/agent-grant.ts";
import { fromHex, isHex, type Hex } from "../../../protocol/bytes.ts";
import { InputError } from "../../../protocol/errors.ts";
import { askedLogs } from "../rpc/asked-logs.ts";
import { data, Log, toQuantity } from "../rpc/block.ts";
import { agentAccountInterface as account, callRulesInterface as rules } from "./contracts.ts";

/** One JSON-RPC call, its result checked: of an `RpcPool`, or of a single server. */
export type ChainCall = <Schema extends z.ZodType>(
  method: string,
  params: readonly unknown[],
  schema: Schema,
) => Promise<z.output<Schema>>;

export interface GrantedAccount {
  readonly account: Hex;
  /** `abi.encode(grant)`, as every submitter presents it. */
  readonly encoded: Hex;
  readonly grant: AgentGrant;
}

export interface GrantState {
  readonly activeFrom: bigint;
  readonly nextNonce: bigint;
  readonly lastStateBlock: bigint;
  readonly isRevoked: boolean;
}

/** An input that a caller committed. */
export interface CommittedInput {
  readonly nonce: bigint;
  readonly requestedAt: bigint;
  readonly blockNumber: bigint;
  readonly input: Hex;
}

/** `SignedRun` of the interface. */
export interface SubmittedRun {
  readonly nonce: bigint;
  readonly stateBlockNumber: bigint;
  readonly answeredAt: bigint;
  readonly transcriptRoot: Hex;
  readonly keysetId: Hex;
  readonly output: Hex;
  readonly signature: Hex;
}

/** `IdleRun` of the interface. */
export interface ClaimedRun extends Omit<SubmittedRun, "output" | "keysetId"> {
  readonly status: number;
}

/** As the account's event told it: the account itself keeps a hash. @throws {InputError} INPUT_NOT_FOUND */
export async function readGrant(
  call: ChainCall,
  address: Hex,
  grantId: Hex,
  fromBlock: number,
): Promise<GrantedAccount> {
  const [log] = await readLogs(call, { address, event: "GrantProposed", grantId, fromBlock });
  if (log === undefined) {
    throw new InputError({
      code: "INPUT_NOT_FOUND",
      message: "the account proposed no such grant",
      details: { account: address, grantId },
    });
  }
  const { grant } = account.decodeEventLog("GrantProposed", log.data, [...log.topics]);
  const type: ParamType | undefined = account.getFunction("propose").inputs[0];
  if (type === undefined) throw new TypeError("the ABI has no grant");
  const encoded = hex(AbiCoder.defaultAbiCoder().encode([type], [grant]));
  return { account: address, encoded, grant: decodeAgentGrant(fromHex(encoded)) };
}

export async function readGrantState(call: ChainCall, address: Hex, grantId: Hex): Promise<GrantState> {
  const result = await call(
    "eth_call",
    [{ to: address, data: account.encodeFunctionData("stateOf", [grantId]) }, "latest"],
    data,
  );
  const [state] = account.decodeFunctionResult("stateOf", result);
  const { activeFrom, nextNonce, lastStateBlock, isRevoked } = state as Record<string, unknown>;
  return {
    activeFrom: BigInt(String(activeFrom)),
    nextNonce: BigInt(String(nextNonce)),
    lastStateBlock: BigInt(String(lastStateBlock)),
    isRevoked: isRevoked === true,
  };
}

/** The newest input of a grant that no run acted on; `undefined` where there is none. */
export async function readPendingInput(
  call: ChainCall,
  address: Hex,
  grantId: Hex,
  fromBlock: number,
): Promise<CommittedInput | undefined> {
  const search = { address, grantId, fromBlock };
  const acted = new Set(
    (await readLogs(call, { ...search, event: "RunActed" })).map((log) =>
      String(account.decodeEventLog("RunActed", log.data, [...log.topics])["nonce"]),
    ),
  );
  const asked = await readLogs(call, { ...search, event: "RunRequested" });
  const inputs = asked.map((log): CommittedInput => {
    const told = account.decodeEventLog("RunRequested", log.data, [...log.topics]);
    return {
      nonce: BigInt(String(told["nonce"])),
      requestedAt: BigInt(String(told["requestedAt"])),
      blockNumber: BigInt(String(told["blockNumber"])),
      input: hex(told["input"]),
    };
  });
  return inputs.findLast(({ nonce }) => !acted.has(nonce.toString()));
}

export function encodeExecute(encoded: Hex, run: SubmittedRun, idle: readonly ClaimedRun[]): Hex {
  return hex(account.encodeFunctionData("execute", [encoded, run, [...idle]]));
}

export function encodeExecuteRequest(
  encoded: Hex,
  run: SubmittedRun,
  { nonce, requestedAt, blockNumber }: CommittedInput,
  inputHash: Hex,
): Hex {
  const input = { nonce, requestedAt, blockNumber, inputHash };
  return hex(account.encodeFunctionData("executeRequest", [encoded, run, input]));
}

/** What the account says by these revert data, as `Name(arguments)`; null for what it does not know. */
export function describeAccountError(revertData: string): string | null {
  for (const known of [account, rules]) {
    const error = known.parseError(revertData);
    if (error !== null) return `${error.name}(${error.args.map(String).join(", ")})`;
  }
  return null;
}

export interface Acted {
  readonly payee: Hex;
  readonly paid: bigint;
  readonly idleRuns: bigint;
}

/** `RunActed` among the logs of a transaction. */
export function readActed(
  logs: readonly { readonly topics: readonly string[]; readonly data: string }[],
): Acted | null {
  for (const { topics, data: body } of logs) {
    const event = account.parseLog({ topics: [...topics], data: body });
    if (event?.name !== "RunActed") continue;
    const { payee, paid, idleRuns } = event.args;
    return { payee: hex(payee), paid: BigInt(String(paid)), idleRuns: BigInt(String(idleRuns)) };
  }
  return null;
}

async function readLogs(
  call: ChainCall,
  search: {
    readonly address: Hex;
    readonly event: "GrantProposed" | "RunRequested" | "RunActed";
    readonly grantId: Hex;
    readonly fromBlock: number;
  },
): Promise<readonly Log[]> {
  const filter = {
    address: search.address,
    topics: [account.getEvent(search.event).topicHash, search.grantId],
    fromBlock: toQuantity(search.fromBlock),
    toBlock: "latest",
  };
  const logs = await call("eth_getLogs", [filter], z.array(Log));
  return askedLogs(logs, filter);
}

function hex(value: unknown): Hex {
  const lower = String(value).toLowerCase();
  if (!isHex(lower)) throw new TypeError("the ABI decoder returned something other than hex");
  return lower;
}
