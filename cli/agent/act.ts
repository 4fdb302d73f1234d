/**
 * `adyton agent act`: has an enclave run the project's program for an AgentAccount, in the present slot or on the input that waits, and
 * sends what was signed to the account, within what it granted.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { JsonRpcProvider, Wallet, type Signer } from "ethers";
import * as z from "zod";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { connectLocally, localSigner } from "../../devnet/local-accounts.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { findSlotBlocks, readBlock } from "../../oracle/agents/slot-blocks.ts";
import { checkSignedRun, toRunReceipt, toSubmittedRun } from "../../oracle/agents/signed-run.ts";
import {
  describeAccountError,
  encodeExecute,
  encodeExecuteRequest,
  readActed,
  readGrant,
  readGrantState,
  readPendingInput,
  type ChainCall,
  type CommittedInput,
  type GrantedAccount,
} from "../../oracle/chain/contracts/agent-account.ts";
import { isIdleRun } from "../../protocol/agent-grant.ts";
import { answerStatusName } from "../../protocol/answer.ts";
import { fromHex, isHex, type Hex } from "../../protocol/bytes.ts";
import { ChainError, InputError } from "../../protocol/errors.ts";
import type { SignedAnswer } from "../../protocol/enclave-api.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { toAccountRun, type AccountRun, type AccountRunCall } from "../../runtime/agents/account-run.ts";
import { toJson } from "../ask/describe.ts";
import { ExitCode } from "../exit-codes.ts";
import { readInputText } from "../input-file.ts";
import { commandLine } from "../invocation.ts";
import { findNetwork } from "../network-file.ts";
import { paint, showWaiting } from "../terminal.ts";
import { readAccess, type AccessOptions } from "./access.ts";
import { buildProgram, type BuiltProgram } from "./build-program.ts";
import { readProject } from "./project.ts";
import { bringProgram, openEnclave, runForAccount, type EnclaveAccess } from "./run-on-network.ts";
import { describeTrace, traceOf, type Trace } from "./trace.ts";

export interface AgentActOptions extends AccessOptions {
  readonly account: string;
  readonly grant: string;
  readonly rpc?: string;
  readonly key?: string;
  readonly json?: true;
}

export interface ActingChain {
  readonly call: ChainCall;
  readonly chainId: bigint;
  readonly signer: Signer;
  readonly close: () => void;
}

export interface ActResult extends Trace {
  readonly program: Hex;
  readonly requestId: Hex;
  readonly status: string;
  /** What came of it on chain. `idle`: nothing was sent; the run is claimed with one that acts. */
  readonly outcomeOnChain: "acted" | "idle" | "refused" | "not ok";
  /** The account's error. */
  readonly refusal: string | null;
  readonly actTx: string | null;
  readonly actGas: number | null;
  readonly payee: Hex | null;
  /** Wei. */
  readonly paid: string | null;
  readonly receiptFile: string;
}

export async function actForAccount(folder: string, options: AgentActOptions): Promise<ExitCode> {
  const project = readProject(folder);
  const built = await buildProgram(project);
  const access = await readAccess(options, project.manifest.models);
  const account = toHexArgument("--account", options.account, 20);
  const grant = toHexArgument("--grant", options.grant, 32);
  const chain = await connect(options);
  const waiting = showWaiting("looking at the account");
  try {
    const acting = { folder, built, access, chain, account, grant, onWait: waiting.on };
    const result = await actOnce(acting).finally(waiting.end);
    process.stdout.write(options.json === true ? `${toJson(result)}\n` : describe(result));
    return result.outcomeOnChain === "acted" || result.outcomeOnChain === "idle"
      ? ExitCode.ok
      : ExitCode.notGenuine;
  } finally {
    chain.close();
  }
}

export interface Acting {
  /** The receipt goes below it. */
  readonly folder: string;
  readonly built: BuiltProgram;
  readonly access: EnclaveAccess;
  readonly chain: ActingChain;
  readonly account: Hex;
  readonly grant: Hex;
  readonly onWait: (what: string) => void;
}

/**
 * One run, and what the account made of it.
 *
 * @throws {InputError} for a grant of another program; {ChainError} CHAIN_REVERTED when no slot is open
 */
export async function actOnce(acting: Acting): Promise<ActResult> {
  const { folder, built, access, chain, onWait } = acting;
  const granted = await readGrant(chain.call, acting.account, acting.grant, 0);
  if (granted.grant.programHash !== built.program.hash) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `the grant is of the program ${granted.grant.programHash}, and this project builds ${built.program.hash}`,
    });
  }
  const { call, input } = await nextRun(chain, granted);
  using client = await openEnclave(access);
  await bringProgram(client, access, built);
  onWait("waiting for the program");
  const signed = await runForAccount(client, access, call);
  const run = toAccountRun(call);
  checkSignedRun(run, signed, client.peer.keyset);
  const receiptFile = join(folder, ".adyton", `receipt-${run.requestId.slice(2, 10)}.json`);
  const bytes = toRunReceipt(run, signed, client.peer.keyset);
  const { receipt } = await verifyReceipt(bytes);
  createFolder(join(folder, ".adyton"));
  writeFileSync(receiptFile, bytes);
  onWait("waiting for the chain");
  return {
    program: built.program.hash,
    requestId: run.requestId,
    status: answerStatusName(signed.answer.status) ?? String(signed.answer.status),
    ...(await submit(chain, granted, { run, signed, input })),
    ...traceOf(receipt),
    receiptFile,
  };
}

async function connect({ rpc, key, network: file }: AgentActOptions): Promise<ActingChain> {
  if (rpc === undefined) {
    const network = await findNetwork(file);
    const provider = connectLocally(network.rpcUrl, network.chainId);
    return onProvider(provider, network.chainId, localSigner(provider, LocalAccount.asker));
  }
  if (key === undefined) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "--rpc wants --key FILE, of the account that sends the transaction",
    });
  }
  const provider = new JsonRpcProvider(rpc, undefined, { cacheTimeout: -1 });
  const wallet = new Wallet(readInputText(key).trim(), provider);
  return onProvider(provider, (await provider.getNetwork()).chainId, wallet);
}

/** @param signer of the transaction, whoever that is: the account does not ask */
export function onProvider(provider: JsonRpcProvider, chainId: bigint, signer: Signer): ActingChain {
  return {
    call: async (method, params, schema) => schema.parse(await provider.send(method, [...params])),
    chainId,
    signer,
    close: () => {
      provider.destroy();
    },
  };
}

function toHexArgument(name: string, text: string, bytes: number): Hex {
  const lower = text.toLowerCase();
  if (isHex(lower) && lower.length === 2 + 2 * bytes) return lower;
  throw new InputError({ code: "INPUT_INVALID", message: `${name} takes 0x and ${2 * bytes} hex digits` });
}

interface NextRun {
  readonly call: AccountRunCall;
  /** null in slot mode. */
  readonly input: CommittedInput | null;
}

async function nextRun(
  { call, chainId }: ActingChain,
  { account, encoded, grant }: GrantedAccount,
): Promise<NextRun> {
  const common = { chainId, account, grant: encoded };
  if (grant.slotSeconds === 0n) {
    const input = await readPendingInput(call, account, grant.id, 0);
    if (input === undefined)
      throw notDue("no input waits: one of the grant's callers sends requestRun first");
    const block = await readBlock(call, Number(input.blockNumber));
    return { call: { ...common, nonce: input.nonce, input: input.input, block, parent: null }, input };
  }
  const [state, head] = await Promise.all([
    readGrantState(call, account, grant.id),
    readBlock(call, "latest"),
  ]);
  const nonce = BigInt(head.timestamp) / grant.slotSeconds;
  if (nonce < state.nextNonce)
    throw notDue(`the present slot has acted: the next begins at ${(nonce + 1n) * grant.slotSeconds}`);
  if (nonce * grant.slotSeconds < state.activeFrom)
    throw notDue(`the grant acts in the first slot that begins at or after ${state.activeFrom}`);
  const blocks = await findSlotBlocks(call, nonce * grant.slotSeconds, 0);
  if (blocks === null) throw notDue("the chain has no block of this slot that has a parent before it");
  return { call: { ...common, nonce, input: "0x", ...blocks }, input: null };
}

function notDue(message: string): ChainError {
  return new ChainError({ code: "CHAIN_REVERTED", message });
}

type OnChain = Pick<ActResult, "outcomeOnChain" | "refusal" | "actTx" | "actGas" | "payee" | "paid">;

const NOTHING: Omit<OnChain, "outcomeOnChain"> = {
  refusal: null,
  actTx: null,
  actGas: null,
  payee: null,
  paid: null,
};

async function submit(
  { signer }: ActingChain,
  { account, encoded }: GrantedAccount,
  signedRun: {
    readonly run: AccountRun;
    readonly signed: SignedAnswer;
    readonly input: CommittedInput | null;
  },
): Promise<OnChain> {
  const { run, signed, input } = signedRun;
  if (isIdleRun(signed.answer.status, signed.output) && input === null)
    return { outcomeOnChain: "idle", ...NOTHING };
  if (answerStatusName(signed.answer.status) !== "ok") return { outcomeOnChain: "not ok", ...NOTHING };
  const submitted = toSubmittedRun(run, signed);
  const data =
    input === null
      ? encodeExecute(encoded, submitted, [])
      : encodeExecuteRequest(encoded, submitted, input, keccak(fromHex(input.input)));
  try {
    // What the account would refuse is seen here, and costs nothing.
    const gas = await signer.estimateGas({ to: account, data });
    const sent = await signer.sendTransaction({ to: account, data, gasLimit: gas + gas / 4n });
    const mined = await sent.wait();
    const acted = mined === null ? null : readActed(mined.logs);
    if (mined === null || acted === null) throw notDue("the transaction was mined, and nothing acted");
    const { payee, paid } = acted;
    return {
      outcomeOnChain: "acted",
      ...{ refusal: null, actTx: mined.hash, actGas: Number(mined.gasUsed), payee, paid: paid.toString() },
    };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return { outcomeOnChain: "refused", ...NOTHING, refusal };
  }
}

const Reverted = z.object({ data: z.string().regex(/^0x[0-9a-fA-F]{8,}$/) });

function refusalOf(error: unknown): string | null {
  const parsed = Reverted.safeParse(error);
  return parsed.success ? describeAccountError(parsed.data.data) : null;
}

function describe(result: ActResult): string {
  const { outcomeOnChain, refusal, actTx, actGas, payee, paid, requestId, receiptFile } = result;
  const said = {
    acted: [
      `on chain ${paint.good("acted")}`,
      `sent     ${actTx ?? ""}, ${actGas ?? 0} gas`,
      `paid     ${paid ?? "0"} wei to ${payee ?? "nobody"}`,
    ],
    idle: [`on chain ${paint.good("nothing to do: nothing was sent")}`],
    refused: [`on chain ${paint.bad(`refused by the account: ${refusal ?? ""}`)}`],
    "not ok": [`on chain ${paint.bad(`nothing: the run ended with ${result.status}`)}`],
  }[outcomeOnChain];
  const lines = [
    describeTrace(result).trimEnd(),
    ...said,
    `run      ${requestId}`,
    `receipt  ${receiptFile}`,
    "Run it again, offline:",
    `  ${commandLine("replay", receiptFile)}`,
  ];
  return `${lines.join("\n")}\n`;
}
