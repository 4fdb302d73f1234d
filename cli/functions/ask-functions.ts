/** Asks through a `FunctionsConcierge`, as its owner would, and waits for what Chainlink Functions brings. */

import type { JsonRpcProvider, Signer } from "ethers";
import {
  EnclaveRegistry__factory,
  FunctionsConcierge__factory,
} from "../../contracts/bindings/factories/index.ts";
import type { FunctionsClient, FunctionsFulfillment } from "../../oracle/functions/client.ts";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { ChainError } from "../../protocol/errors.ts";
import { verifyFunctionsAnswer } from "../../protocol/functions-answer.ts";
import { decodeFunctionsCall, type FunctionsRequest } from "../../protocol/functions-request.ts";
import { LOCAL_CHAIN_ID } from "../../devnet/local-chain.ts";
import type { FunctionsFile } from "./functions-file.ts";
import { describeFunctionsAnswer, fetchOutput, readStateBlock, type DescribedAnswer } from "./question.ts";

/**
 * Wei. The router sets aside what the nodes' transaction costs at the request's gas price; the toolkit's coordinator adds nothing
 * for a dearer one, as those of public networks do. Base fee and tip of its nodes are below 4 gwei.
 */
const LOCAL_GAS_PRICE = 5_000_000_000n;

export interface AskFunctionsOptions {
  readonly file: FunctionsFile;
  readonly client: FunctionsClient;
  readonly provider: JsonRpcProvider;
  readonly signer: Signer;
  readonly question: string;
  readonly model: string;
  /** null: text. */
  readonly outputType: string | null;
  readonly timeoutMs: number;
  /** Milliseconds of a clock that only runs forward. */
  readonly monotonicMs: () => number;
  readonly onStep: (step: string, detail: string) => void;
}

export interface FunctionsAnswered extends DescribedAnswer {
  readonly requestId: Hex;
  readonly functionsRequestId: Hex;
  readonly requestTx: Hex;
  readonly requestGas: bigint;
  readonly fulfillTx: Hex;
  readonly fulfillGas: bigint;
  /** Of the transaction that brought the output; null when it was inline. */
  readonly deliverTx: Hex | null;
  readonly costJuels: bigint;
  readonly msToAnswer: number;
}

/**
 * Returns when the consumer has its answer, the output included.
 *
 * @throws {ChainError} CHAIN_REVERTED when the question cannot be asked, the nodes brought an error, or the consumer refused the
 *   response; CHAIN_RPC_UNAVAILABLE when nothing came in time
 */
export async function askFunctions(options: AskFunctionsOptions): Promise<FunctionsAnswered> {
  const { file, client, provider, outputType, monotonicMs, onStep } = options;
  const sent = await sendQuestion(options);
  onStep("requested", `request ${sent.requestId}, ${sent.requestGas} gas`);
  const started = monotonicMs();
  const signal = AbortSignal.timeout(options.timeoutMs);
  const fulfillment = await client.awaitFulfillment(sent.functionsRequestId, sent.blockNumber, signal);
  const msToAnswer = Math.round(monotonicMs() - started);
  onStep("fulfilled", `${fulfillment.result}, transaction ${fulfillment.transactionHash}`);
  checkFulfilled(fulfillment);
  const response = fromHex(fulfillment.response);
  const verified = verifyFunctionsAnswer(
    sent.request,
    response,
    await readStateBlock(provider, sent.requestId, response),
  );
  const output = verified.output ?? (await fetchOutput(file, verified.answer));
  const deliverTx =
    verified.output === null ? await deliver(options, sent.requestId, response, output) : null;
  const receipt = await provider.getTransactionReceipt(fulfillment.transactionHash);
  const { requestId, functionsRequestId, requestTx, requestGas } = sent;
  return {
    ...describeFunctionsAnswer(verified, output, outputType),
    requestId,
    functionsRequestId,
    requestTx,
    requestGas,
    fulfillTx: fulfillment.transactionHash,
    fulfillGas: receipt?.gasUsed ?? 0n,
    deliverTx,
    costJuels: fulfillment.costJuels,
    msToAnswer,
  };
}

interface SentQuestion {
  readonly request: FunctionsRequest;
  readonly requestId: Hex;
  readonly functionsRequestId: Hex;
  readonly requestTx: Hex;
  readonly requestGas: bigint;
  readonly blockNumber: number;
}

async function sendQuestion(options: AskFunctionsOptions): Promise<SentQuestion> {
  const { file, signer, model, question, outputType } = options;
  const consumer = FunctionsConcierge__factory.connect(file.consumer, signer);
  const overrides = file.chainId === LOCAL_CHAIN_ID ? { gasPrice: LOCAL_GAS_PRICE } : {};
  const transaction = await reverting("the question could not be asked", () =>
    consumer.ask(model, question, outputType ?? "", overrides),
  );
  options.onStep("sent", `transaction ${transaction.hash}`);
  const receipt = await reverting("the question could not be asked", () => transaction.wait());
  const asked = receipt?.logs
    .map((log) => consumer.interface.parseLog(log))
    .find((log) => log?.name === "QuestionAsked");
  if (receipt == null || asked == null)
    throw new ChainError({ code: "CHAIN_REVERTED", message: "the transaction asked no question" });
  return {
    request: decodeFunctionsCall(fromHex(String(asked.args["call"]))).request,
    requestId: String(asked.args["requestId"]) as Hex,
    functionsRequestId: String(asked.args["functionsRequestId"]) as Hex,
    requestTx: receipt.hash as Hex,
    requestGas: receipt.gasUsed,
    blockNumber: receipt.blockNumber,
  };
}

/** @throws {ChainError} CHAIN_REVERTED, with what the nodes or the consumer said */
function checkFulfilled({ result, error, callbackReturnData }: FunctionsFulfillment): void {
  if (error !== "") {
    throw new ChainError({
      code: "CHAIN_REVERTED",
      message: `the nodes brought an error: ${error}; the question stays open until its deadline`,
      details: { result, error },
    });
  }
  if (result === "fulfilled") return;
  // The consumer's own errors, and those of the registry that it asks.
  const reason = [FunctionsConcierge__factory, EnclaveRegistry__factory]
    .map((contract) => contract.createInterface().parseError(callbackReturnData)?.name)
    .find((name) => name !== undefined);
  throw new ChainError({
    code: "CHAIN_REVERTED",
    message: `the consumer did not take the response: ${result} ${reason ?? ""}`.trimEnd(),
    details: { result, reason: reason ?? callbackReturnData },
  });
}

async function deliver(
  { file, signer, onStep }: AskFunctionsOptions,
  requestId: Hex,
  response: Uint8Array,
  output: Uint8Array,
): Promise<Hex> {
  const consumer = FunctionsConcierge__factory.connect(file.consumer, signer);
  const receipt = await reverting("the output could not be delivered", async () => {
    const transaction = await consumer.deliver(requestId, response, output);
    return await transaction.wait();
  });
  const hash = (receipt?.hash ?? "0x") as Hex;
  onStep("delivered", `${output.length} bytes of output, transaction ${hash}`);
  return hash;
}

async function reverting<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ChainError({ code: "CHAIN_REVERTED", message: `${what}: ${reason}`, cause });
  }
}
