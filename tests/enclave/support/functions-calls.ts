import { deflateRawSync } from "node:zlib";
import * as z from "zod";
import { encodeFunctionsCall, type FunctionsRequest } from "../../../protocol/functions-request.ts";
import { encodePayload, PayloadType, payloadHash } from "../../../protocol/payload.ts";
import type { Prompt } from "../../../protocol/prompt.ts";
import { StateBlock } from "../../../protocol/state-block.ts";
import { DEADLINE, prompt, requestedAtFor, STATE_BLOCK } from "./calls.ts";
import { CHAIN_ID } from "./configuration.ts";

let nonce = 0;

/** A request for `payload` that nobody made before. */
export function functionsRequestFor(
  payload: Uint8Array,
  change: Partial<FunctionsRequest> = {},
): FunctionsRequest {
  nonce += 1;
  return {
    chainId: CHAIN_ID,
    consumer: "0x00000000000000000000000000000000000000aa",
    requestedAt: requestedAtFor(change.deadline),
    requestBlock: STATE_BLOCK.number,
    nonce,
    context: `0x${"c0".repeat(32)}`,
    payloadHash: payloadHash(payload),
    policyId: `0x${"11".repeat(32)}`,
    maxOutputBytes: 4_096,
    deadline: DEADLINE,
    ...change,
  };
}

export interface FunctionsQuestion {
  readonly request: FunctionsRequest;
  /** What the script posts, and the front's block. */
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

export function toBody(call: Uint8Array, stateBlock = STATE_BLOCK): string {
  return JSON.stringify({
    call: deflateRawSync(call).toString("base64"),
    stateBlock: z.encode(StateBlock, stateBlock),
  });
}
