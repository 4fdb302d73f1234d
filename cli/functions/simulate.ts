/** Runs the script as a node of Functions would, on this machine and without a chain, against the real enclave. */

import { randomBytes } from "node:crypto";
import { FUNCTIONS_SCRIPT } from "../../oracle/functions/script-source.ts";
import type { FunctionsToolkit } from "../../oracle/functions/toolkit.ts";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import { verifyFunctionsAnswer } from "../../protocol/functions-answer.ts";
import { encodeFunctionsCall, type FunctionsRequest } from "../../protocol/functions-request.ts";
import { encodePayload, payloadHash, PayloadType } from "../../protocol/payload.ts";
import { OutputKind, PROVIDER_DEFAULT_SAMPLING, Role, type Prompt } from "../../protocol/prompt.ts";
import type { FunctionsFile } from "./functions-file.ts";
import { describeFunctionsAnswer, fetchOutput, type DescribedAnswer } from "./question.ts";

const MAX_OUTPUT_BYTES = 1_024;
const MAX_OUTPUT_TOKENS = 1_024;
const LIFETIME_SECONDS = 600;

export interface SimulateOptions {
  readonly file: FunctionsFile;
  readonly toolkit: FunctionsToolkit;
  readonly question: string;
  readonly model: string;
  /** null: text. */
  readonly outputType: string | null;
  /** Seconds of the wall clock. */
  readonly now: number;
}

export interface Simulated extends DescribedAnswer {
  readonly requestId: Hex;
  /** What the nodes would bring to the consumer. */
  readonly response: Hex;
}

/** @throws {UpstreamError} ENCLAVE_UNAVAILABLE when the script ends in an error, with what it said */
export async function simulateFunctions(options: SimulateOptions): Promise<Simulated> {
  const { file, toolkit, outputType } = options;
  const payload = encodePayload({ type: PayloadType.inference, prompt: createPrompt(options) });
  const request: FunctionsRequest = {
    chainId: file.chainId,
    consumer: file.consumer,
    // No consumer counts this far: a simulation never takes a real question's place in the enclave's ledger.
    nonce: BigInt(toHex(randomBytes(32))),
    payloadHash: payloadHash(payload),
    policyId: file.policyId,
    policyVersion: 1,
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
  const verified = verifyFunctionsAnswer(request, fromHex(response));
  const output = verified.output ?? (await fetchOutput(file, verified.answer));
  const described = describeFunctionsAnswer(verified, output, outputType);
  return { ...described, requestId: verified.answer.requestId, response };
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
  };
}
