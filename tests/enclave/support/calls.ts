import * as z from "zod";
import { toHex } from "../../../protocol/bytes.ts";
import { AnswerCall } from "../../../protocol/enclave-api.ts";
import { encodePayload, PayloadType, payloadHash } from "../../../protocol/payload.ts";
import { PROVIDER_DEFAULT_SAMPLING, type OutputFormat, type Prompt } from "../../../protocol/prompt.ts";
import type { Request } from "../../../protocol/request.ts";
import type { StateBlock } from "../../../protocol/state-block.ts";
import { CHAIN_ID, COORDINATOR } from "./configuration.ts";

export const MODERATION: OutputFormat = {
  kind: 4,
  schema: '(bool flagged, uint8 severity 0..10 "0 harmless", string reason)',
  choices: [],
};
export const TEXT: OutputFormat = { kind: 1, schema: "", choices: [] };

export function prompt(change: Partial<Prompt> = {}): Prompt {
  return {
    models: ["stand-in/stand-in-1"],
    panelRule: 0,
    panelQuorum: 0,
    messages: [{ role: 2, content: "You are an idiot and I hate you" }],
    maxOutputTokens: 256,
    sampling: PROVIDER_DEFAULT_SAMPLING,
    format: MODERATION,
    parts: [],
    ...change,
  };
}

let nonce = 0;

/** The block that calls name unless they name another. */
export const STATE_BLOCK: StateBlock = { number: 1_234n, hash: `0x${"b1".repeat(32)}` };

/** A request for `payload` that nobody made before. */
export function requestFor(payload: Uint8Array, change: Partial<Request> = {}): Request {
  nonce += 1;
  return {
    chainId: CHAIN_ID,
    coordinator: COORDINATOR,
    consumer: "0x00000000000000000000000000000000000000aa",
    requestedAt: requestedAtFor(change.deadline),
    nonce,
    context: `0x${"c0".repeat(32)}`,
    payer: "0x00000000000000000000000000000000000000bb",
    refundTo: "0x00000000000000000000000000000000000000bb",
    subscriptionId: 0n,
    payloadHash: payloadHash(payload),
    payloadUriHash: `0x${"00".repeat(32)}`,
    policyId: `0x${"11".repeat(32)}`,
    threshold: 1,
    aggregation: 0,
    delivery: 0,
    callbackGasLimit: 200_000,
    maxOutputBytes: 4_096,
    fee: 10n ** 15n,
    gasPriceCap: 10n ** 10n,
    deadline: DEADLINE,
    ...change,
  };
}

/** Two days after the build: ahead of the clocks that tests pass in; process tests pass their own. */
export const DEADLINE = 1_795_305_600n + 172_800n;

/** With the build; for a test that names a deadline, ten minutes before it. */
export function requestedAtFor(deadline: bigint | undefined): bigint {
  return deadline === undefined ? DEADLINE - 172_800n : deadline - 600n;
}

export function answerCall(change: Partial<Prompt> = {}, request: Partial<Request> = {}): AnswerCall {
  return callFor(encodePayload({ type: PayloadType.inference, prompt: prompt(change) }), request);
}

export function callFor(payload: Uint8Array, request: Partial<Request> = {}): AnswerCall {
  return { request: requestFor(payload, request), payload: toHex(payload), stateBlock: STATE_BLOCK };
}

export function toWire(call: AnswerCall): string {
  return JSON.stringify(z.encode(AnswerCall, call));
}
