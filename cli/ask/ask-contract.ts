/** Asks through a contract of a network and waits for the answer, as a user of that contract would. */

import type {
  ContractTransactionReceipt,
  ContractTransactionResponse,
  JsonRpcProvider,
  Signer,
} from "ethers";
import { OracleCoordinator__factory } from "../../contracts/bindings/factories/index.ts";
import type { OracleCoordinator } from "../../contracts/bindings/index.ts";
import { answerStatusName, type AnswerStatusName } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { ChainError } from "../../protocol/errors.ts";
import { shorten } from "../terminal.ts";
import { findFailedCallback, type FailedCallback } from "./failed-delivery.ts";

/** Wei offered for the model's work: many times what the local enclave's price list asks for a short question. */
export const DEFAULT_FEE = 10n ** 15n;
/** Gas that the value sent beside the fee can pay, at twice today's price; what is not used comes back. */
const SETTLEMENT_GAS = 1_500_000n;
/** Milliseconds between looks at the chain. */
const LOOK_MS = 100;

export type AskStep = "sent" | "requested" | "answered";

export interface AskOptions {
  readonly provider: JsonRpcProvider;
  readonly signer: Signer;
  readonly coordinator: Hex;
  /** Sends the question with this value and fee. */
  readonly send: (signer: Signer, fee: bigint, value: bigint) => Promise<ContractTransactionResponse>;
  readonly fee?: bigint;
  /** Milliseconds of a clock that only runs forward. */
  readonly monotonicMs: () => number;
  readonly timeoutMs: number;
  readonly onStep: (step: AskStep, detail: string) => void;
}

export interface Asked {
  readonly requestId: Hex;
  readonly requestTx: string;
  readonly requestGas: bigint;
}

export interface Answered extends Asked {
  /** `refunded`: the deadline passed without an answer. `waiting`: nothing came in the time that we wait. */
  readonly status: AnswerStatusName | "disagreed" | "refunded" | "waiting";
  /** Whether the consumer's callback succeeded. */
  readonly delivered: boolean;
  /** Why it did not, unless there was none. */
  readonly callback: FailedCallback | null;
  /** `null` while it waits. */
  readonly fulfillTx: string | null;
  readonly fulfillGas: bigint;
  /** From the request's inclusion in a block to the fulfilment's, as this process saw them. */
  readonly msToAnswer: number;
}

/**
 * Asks, and returns when the request is settled, whichever way, or when nothing came in time.
 *
 * @throws {ChainError} CHAIN_REVERTED when the question cannot be asked
 */
export async function askContract(options: AskOptions): Promise<Answered> {
  const { provider, coordinator, monotonicMs, onStep } = options;
  const contract = OracleCoordinator__factory.connect(coordinator, provider);
  const { asked, blockNumber, terms } = await sendQuestion(options, contract);
  onStep("requested", `request ${shorten(asked.requestId)}`);
  const started = monotonicMs();
  const settlement = await awaitSettlement(options, contract, { requestId: asked.requestId, blockNumber });
  const msToAnswer = Math.round(monotonicMs() - started);
  if (settlement === null) {
    const nothing = { delivered: false, callback: null, fulfillTx: null, fulfillGas: 0n };
    return { ...asked, status: "waiting", ...nothing, msToAnswer };
  }
  const { status, delivered, transactionHash } = settlement;
  const fulfilment = await provider.getTransactionReceipt(transactionHash);
  onStep("answered", `status ${status}, transaction ${shorten(transactionHash)}`);
  const fulfillGas = fulfilment?.gasUsed ?? 0n;
  const hasFailed = !delivered && status !== "refunded";
  const callback = hasFailed ? await findFailedCallback(provider, transactionHash, terms) : null;
  return { ...asked, status, delivered, callback, fulfillTx: transactionHash, fulfillGas, msToAnswer };
}

interface Sent {
  readonly asked: Asked;
  readonly blockNumber: number;
  readonly terms: Pick<FailedCallback, "consumer" | "gasLimit">;
}

async function sendQuestion(
  { provider, signer, send, fee = DEFAULT_FEE, onStep }: AskOptions,
  contract: OracleCoordinator,
): Promise<Sent> {
  const { maxFeePerGas, gasPrice } = await provider.getFeeData();
  const price = maxFeePerGas ?? gasPrice ?? 0n;
  let receipt: ContractTransactionReceipt | null;
  try {
    const transaction = await send(signer, fee, fee + 2n * price * SETTLEMENT_GAS);
    onStep("sent", `transaction ${shorten(transaction.hash)}`);
    receipt = await transaction.wait();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ChainError({
      code: "CHAIN_REVERTED",
      message: `the question could not be asked: ${reason}`,
      cause,
    });
  }
  const requested = receipt?.logs
    .map((log) => contract.interface.parseLog(log))
    .find((log) => log?.name === "Requested");
  if (receipt == null || requested == null) {
    throw new ChainError({ code: "CHAIN_REVERTED", message: "the transaction made no request" });
  }
  const requestId = String(requested.args["requestId"]) as Hex;
  const { consumer, callbackGasLimit } = requested.args["request"] as {
    readonly consumer: string;
    readonly callbackGasLimit: bigint;
  };
  return {
    terms: { consumer, gasLimit: Number(callbackGasLimit) },
    asked: { requestId, requestTx: receipt.hash, requestGas: receipt.gasUsed },
    blockNumber: receipt.blockNumber,
  };
}

interface Settlement {
  readonly status: Answered["status"];
  readonly delivered: boolean;
  readonly transactionHash: string;
}

async function awaitSettlement(
  { monotonicMs, timeoutMs }: AskOptions,
  contract: OracleCoordinator,
  { requestId, blockNumber }: { readonly requestId: Hex; readonly blockNumber: number },
): Promise<Settlement | null> {
  const giveUpAt = monotonicMs() + timeoutMs;
  while (monotonicMs() < giveUpAt) {
    const [fulfilled] = await contract.queryFilter(contract.filters.Fulfilled(requestId), blockNumber);
    if (fulfilled !== undefined) {
      const { status, delivered } = fulfilled.args;
      const name = answerStatusName(Number(status)) ?? "disagreed";
      return { status: name, delivered, transactionHash: fulfilled.transactionHash };
    }
    const [refunded] = await contract.queryFilter(contract.filters.Refunded(requestId), blockNumber);
    if (refunded !== undefined) {
      return { status: "refunded", delivered: false, transactionHash: refunded.transactionHash };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return null;
}
