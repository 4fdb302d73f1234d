/** Runs the script as a node of Functions would, on this machine and without a chain, against the real enclave. */

import { randomBytes, randomInt } from "node:crypto";
import type { JsonRpcProvider } from "ethers";
import { FUNCTIONS_SCRIPT } from "../../oracle/functions/script-source.ts";
import type { FunctionsToolkit } from "../../oracle/functions/toolkit.ts";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import { verifyFunctionsAnswer } from "../../protocol/functions-answer.ts";
import {
  encodeFunctionsCall,
  functionsRequestId,
  type FunctionsRequest,
} from "../../protocol/functions-request.ts";
import { encodePayload, payloadHash, PayloadType } from "../../protocol/payload.ts";
import { OutputKind, PROVIDER_DEFAULT_SAMPLING, Role, type Prompt } from "../../protocol/prompt.ts";
import type { FunctionsFile } from "./functions-file.ts";
import { describeFunctionsAnswer, fetchOutput, readStateBlock, type DescribedAnswer } from "./question.ts";

const MAX_OUTPUT_BYTES = 1_024;
const MAX_OUTPUT_TOKENS = 1_024;
const LIFETIME_SECONDS = 600;
/** Of 32 bits the upper half. */
const FIRST_SIMULATED_NONCE = 2 ** 31;
const LAST_NONCE = 2 ** 32 - 1;

export interface SimulateOptions {
  readonly file: FunctionsFile;
  readonly toolkit: FunctionsToolkit;
  readonly provider: JsonRpcProvider;
  readonly question: string;
  readonly model: string;
  /** null: text. */
  readonly outputType: string | null;
  /** Seconds of the wall clock. */
  readonly now: number;
}

export interface Simulated extends DescribedAnswer {
  readonly requestId: Hex;
  /** The bytes that the nodes would bring to the consumer. */
  readonly response: Hex;
}

/** @throws {UpstreamError} ENCLAVE_UNAVAILABLE when the script ends in an error, with what it said */
export async function simulateFunctions(options: SimulateOptions): Promise<Simulated> {
  const { file, toolkit, outputType } = options;
  const payload = encodePayload({ type: PayloadType.inference, prompt: createPrompt(options) });
  const block = await options.provider.getBlock("latest");
  const request: FunctionsRequest = {
    chainId: file.chainId,
    consumer: file.consumer,
    requestedAt: BigInt(options.now),
    requestBlock: BigInt(block?.number ?? 0),
    // No consumer counts this far: a simulation never takes a real question's place in the enclave's ledger.
    nonce: randomInt(FIRST_SIMULATED_NONCE, LAST_NONCE),
    context: toHex(randomBytes(32)),
    payloadHash: payloadHash(payload),
    policyId: file.policyId,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    deadline: BigInt(options.now + LIFETIME_SECONDS),
  };
  const { responseBytesHexstring, errorString } = await toolkit.simulateScript({
    source: FUNCTIONS_SCRIPT,
    secrets: { enclaveUrl: file.enclaveUrl, enclaveCredential: file.enclaveCredential },
    bytesArgs: [toHex(encodeFunctionsCall({ request, payload }))],
  });
  if (responseBytesHexstring === undefined) {
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: `the script ended in an error: ${errorString ?? "none given"}`,
      details: { error: errorString ?? "" },
    });
  }
  const response = responseBytesHexstring as Hex;
  const requestId = functionsRequestId(request);
  const stateBlock = await readStateBlock(options.provider, requestId, fromHex(response));
  const verified = verifyFunctionsAnswer(request, fromHex(response), stateBlock);
  const output = verified.output ?? (await fetchOutput(file, verified.answer));
  const described = describeFunctionsAnswer(verified, output, outputType);
  return { ...described, requestId, response };
}

function createPrompt({ model, question, outputType }: SimulateOptions): Prompt {
  return {
    models: [model],
    panelRule: 0,
    panelQuorum: 0,
    messages: [{ role: Role.user, content: question }],
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    sampling: PROVIDER_DEFAULT_SAMPLING,
    format:
      outputType === null
        ? { kind: OutputKind.text, schema: "", choices: [] }
        : { kind: OutputKind.abi, schema: outputType, choices: [] },
    parts: [],
  };
}
