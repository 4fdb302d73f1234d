/** Asks through a contract of a network and waits for the answer, as a user of that contract would. */

import * as z from "zod";
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
import { explainRefusal } from "./explain-refusal.ts";
import { findFailedCallback, type FailedCallback } from "./failed-delivery.ts";

/** Wei offered for the model's work: many times what the local enclave's price list asks for a short question. */
export const DEFAULT_FEE = 10n ** 15n;
/** Gas that the value sent beside the fee can pay, at twice today's price; what is not used comes back. */
const SETTLEMENT_GAS = 1_500_000n;
/** Milliseconds between looks at the chain. */
const LOOK_MS = 100;

/** Milliseconds between looks at what the oracle says of the request. */
const INDEX_LOOK_MS = 1_000;

export type AskStep = "sent" | "requested" | "answered" | "failed";

export interface AskOptions {
  readonly provider: JsonRpcProvider;
  readonly signer: Signer;
  readonly coordinator: Hex;
  /** Whose index tells at once what the chain learns only shortly before the deadline. */
  readonly oracleUrl: string;
  /** Sends the question with this value and fee. */
  readonly send: (signer: Signer, fee: bigint, value: bigint) => Promise<ContractTransactionResponse>;
  readonly fee?: bigint;
  /** Told what will be sent with the question, in wei, before it is. Throws to refuse. */
  readonly approve?: (wei: bigint) => void;
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
  /**
   * `refunded`: the deadline passed without an answer. `notServed`: the oracle refuses the request, for `reason`. `waiting`:
   * nothing came in the time that we wait.
   */
  readonly status: AnswerStatusName | "refunded" | "notServed" | "waiting";
  /** Whether the consumer's callback succeeded. */
  readonly delivered: boolean;
  /** Why it did not, unless there was none. */
  readonly callback: FailedCallback | null;
  /** Why there is no answer, where the oracle says so before the chain does: the request is still open, and can be cancelled. */
  readonly reason: string | null;
  /** `null` while the request is open. */
  readonly fulfillTx: string | null;
  readonly fulfillGas: bigint;
  /** From the request's inclusion in a block to the fulfilment's, as this process saw them. */
  readonly msToAnswer: number;
}

/**
 * Asks, and returns when the request is settled, whichever way, when its oracle says why there will be no answer, or when nothing
 * came in time.
 *
 * @throws {ChainError} CHAIN_REVERTED when the question cannot be asked
 */
export async function askContract(options: AskOptions): Promise<Answered> {
  const { provider, coordinator, monotonicMs, onStep } = options;
  const contract = OracleCoordinator__factory.connect(coordinator, provider);
  const { asked, blockNumber, terms } = await sendQuestion(options);
  onStep("requested", `request ${shorten(asked.requestId)}`);
  const started = monotonicMs();
  const outcome = await awaitOutcome(options, contract, { requestId: asked.requestId, blockNumber });
  const msToAnswer = Math.round(monotonicMs() - started);
  const { status, delivered, reason, transactionHash } = outcome;
  if (transactionHash === null) {
    if (reason !== null) onStep("failed", reason);
    const nothing = { callback: null, fulfillTx: null, fulfillGas: 0n };
    return { ...asked, status, delivered, reason, ...nothing, msToAnswer };
  }
  const fulfilment = await provider.getTransactionReceipt(transactionHash);
  onStep("answered", `status ${status}, transaction ${shorten(transactionHash)}`);
  const fulfillGas = fulfilment?.gasUsed ?? 0n;
  const hasFailed = !delivered && status !== "refunded";
  const callback = hasFailed ? await findFailedCallback(provider, transactionHash, terms) : null;
  return {
    ...asked,
    status,
    delivered,
    callback,
    reason,
    fulfillTx: transactionHash,
    fulfillGas,
    msToAnswer,
  };
}

export interface Sent {
  readonly asked: Asked;
  readonly blockNumber: number;
  readonly terms: Pick<FailedCallback, "consumer" | "gasLimit">;
}

type SendOptions = Pick<
  AskOptions,
  "provider" | "signer" | "coordinator" | "send" | "fee" | "approve" | "onStep"
>;

/**
 * Sends, and waits for the block that has the request.
 *
 * @throws {ChainError} CHAIN_REVERTED when the question cannot be asked
 */
export async function sendQuestion(options: SendOptions): Promise<Sent> {
  const { provider, signer, coordinator, send, fee = DEFAULT_FEE, approve, onStep } = options;
  const contract = OracleCoordinator__factory.connect(coordinator, provider);
  const { maxFeePerGas, gasPrice } = await provider.getFeeData();
  const price = maxFeePerGas ?? gasPrice ?? 0n;
  const value = fee + 2n * price * SETTLEMENT_GAS;
  approve?.(value);
  let receipt: ContractTransactionReceipt | null;
  try {
    const transaction = await send(signer, fee, value);
    onStep("sent", `transaction ${shorten(transaction.hash)}`);
    receipt = await transaction.wait();
  } catch (cause) {
    const reason = explainRefusal(cause, contract.interface);
    throw new ChainError({
      code: "CHAIN_REVERTED",
      message: `the question could not be asked: ${reason}`,
      cause,
    });
  }
  const requested = receipt?.logs
    .map((log) => contract.interface.parseLog(log))
    .find((log) => log?.name.startsWith("Requested") === true);
  if (receipt == null || requested == null)
    throw new ChainError({ code: "CHAIN_REVERTED", message: "the transaction made no request" });
  const requestId = String(requested.args["requestId"]) as Hex;
  // The word ends in it: refundTo 160 bits ‖ gasPriceCap 64 ‖ callbackGasLimit 32.
  const gasLimit = Number(BigInt.asUintN(32, requested.args["refundAndGas"] as bigint));
  return {
    terms: { consumer: String(requested.args["consumer"]), gasLimit },
    asked: { requestId, requestTx: receipt.hash, requestGas: receipt.gasUsed },
    blockNumber: receipt.blockNumber,
  };
}

interface Outcome {
  readonly status: Answered["status"];
  readonly delivered: boolean;
  readonly reason: string | null;
  readonly transactionHash: string | null;
}

interface Place {
  readonly requestId: Hex;
  readonly blockNumber: number;
}

async function awaitOutcome(
  options: AskOptions,
  contract: OracleCoordinator,
  place: Place,
): Promise<Outcome> {
  const { monotonicMs, timeoutMs, oracleUrl } = options;
  const giveUpAt = monotonicMs() + timeoutMs;
  let nextIndexLook = monotonicMs() + INDEX_LOOK_MS;
  while (monotonicMs() < giveUpAt) {
    const settled = await readSettlement(contract, place);
    if (settled !== undefined) return settled;
    if (monotonicMs() >= nextIndexLook) {
      const failure = await readFailure(oracleUrl, place.requestId);
      if (failure !== undefined) return failure;
      nextIndexLook = monotonicMs() + INDEX_LOOK_MS;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return { status: "waiting", delivered: false, reason: null, transactionHash: null };
}

async function readSettlement(
  contract: OracleCoordinator,
  { requestId, blockNumber }: Place,
): Promise<Outcome | undefined> {
  const [fulfilled] = await contract.queryFilter(contract.filters.Fulfilled(requestId), blockNumber);
  if (fulfilled !== undefined) {
    const { status, delivered } = fulfilled.args;
    const name = answerStatusName(Number(status)) ?? "unset";
    return { status: name, delivered, reason: null, transactionHash: fulfilled.transactionHash };
  }
  const [refunded] = await contract.queryFilter(contract.filters.Refunded(requestId), blockNumber);
  return refunded === undefined
    ? undefined
    : { status: "refunded", delivered: false, reason: null, transactionHash: refunded.transactionHash };
}

const IndexView = z.object({
  phase: z.string(),
  refusal: z.string().nullable(),
  answer: z.object({ status: z.number(), settlesFrom: z.number(), because: z.string().nullish() }).nullable(),
});

/** The reason why the request stays open; `undefined` while the oracle names none, or does not reply. */
async function readFailure(oracleUrl: string, requestId: Hex): Promise<Outcome | undefined> {
  const view = await fetch(`${oracleUrl}/v1/requests/${requestId}`, {
    signal: AbortSignal.timeout(INDEX_LOOK_MS),
  })
    .then(async (reply) => IndexView.parse(await reply.json()))
    .catch(() => undefined);
  if (view === undefined || view.phase === "settled") return undefined;
  const open = { delivered: false, transactionHash: null };
  if (view.answer !== null && view.answer.settlesFrom > 0) {
    const status = answerStatusName(view.answer.status) ?? "unset";
    const from = new Date(view.answer.settlesFrom * 1_000).toISOString();
    const because = view.answer.because ?? status;
    return { ...open, status, reason: `${because}: settles from ${from} on, unless the requester cancels` };
  }
  if (view.answer !== null || view.refusal === null) return undefined;
  return { ...open, status: "notServed", reason: `${view.refusal}: refunded after the deadline` };
}
