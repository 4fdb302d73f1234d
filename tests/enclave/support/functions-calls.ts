import { deflateRawSync } from "node:zlib";
import { encodeFunctionsCall, type FunctionsRequest } from "../../../protocol/functions-request.ts";
import { encodePayload, PayloadType, payloadHash } from "../../../protocol/payload.ts";
import type { Prompt } from "../../../protocol/prompt.ts";
import { DEADLINE, prompt } from "./calls.ts";
import { CHAIN_ID } from "./configuration.ts";

let nonce = 0n;

/** A request for `payload` that nobody made before. */
export function functionsRequestFor(
  payload: Uint8Array,
  change: Partial<FunctionsRequest> = {},
): FunctionsRequest {
  nonce += 1n;
  return {
    chainId: CHAIN_ID,
    consumer: "0x00000000000000000000000000000000000000aa",
    nonce,
    payloadHash: payloadHash(payload),
    policyId: `0x${"11".repeat(32)}`,
    policyVersion: 1,
    maxOutputBytes: 4_096,
    deadline: DEADLINE,
    ...change,
  };
}

export interface FunctionsQuestion {
  readonly request: FunctionsRequest;
  /** What the script posts. */
  readonly body: string;
}

export function functionsQuestion(
  change: Partial<Prompt> = {},
  requestChange: Partial<FunctionsRequest> = {},
): FunctionsQuestion {
  const payload = encodePayload({ type: PayloadType.inference, prompt: prompt(change) });
  const request = functionsRequestFor(payload, requestChange);
  return { request, body: toBody(encodeFunctionsCall({ request, payload })) };
}

export function toBody(call: Uint8Array): string {
  return JSON.stringify({ call: deflateRawSync(call).toString("base64") });
}
