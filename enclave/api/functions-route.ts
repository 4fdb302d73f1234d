/**
 * The route that the script on Chainlink Functions calls: the answer in the 256 bytes that Functions carries. Each node of the network asks
 * by itself; all are given the same bytes, of one model call.
 */

import type { RequestHandler } from "express";
import { inflateRawSync } from "node:zlib";
import * as z from "zod";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import {
  FunctionsAnswerCall,
  SignedAnswer,
  type FunctionsAnswerReply,
  type SignedAnswerWire,
} from "../../protocol/enclave-api.ts";
import { InputError } from "../../protocol/errors.ts";
import { encodeFunctionsAnswer } from "../../protocol/functions-answer.ts";
import {
  decodeFunctionsCall,
  MAX_FUNCTIONS_CALL_BYTES,
  type FunctionsCall,
} from "../../protocol/functions-request.ts";
import type { Answerer } from "../answers/answerer.ts";
import { parseInput } from "./parse-input.ts";

/** Milliseconds that a call is held while the model answers: five calls of a script, and its ten seconds, leave no more. */
const HOLD_MS = 1_700;
/** Seconds that a caller may ask to be held for (RFC 7240 §4.3): a workflow of CRE has a minute for a call. */
const MAX_WAIT_SECONDS = 50;

export interface FunctionsRouteOptions {
  readonly answerer: Answerer;
  readonly pause: (ms: number) => Promise<void>;
}

export function functionsRoute({ answerer, pause }: FunctionsRouteOptions): RequestHandler {
  return async (request, response) => {
    const { call, stateBlock, maxResponseBytes } = parseInput(FunctionsAnswerCall, request.body);
    const answering = answerer.answerFunctions(readCall(call), stateBlock);
    const answer = await Promise.race([answering, pause(holdMs(request.headers["prefer"]))]);
    if (answer === undefined) response.status(202).json({});
    else response.json(toReply(answer, maxResponseBytes));
  };
}

/** @throws {InputError} INPUT_INVALID for what is no deflated call, INPUT_TOO_LARGE */
function readCall(text: string): FunctionsCall {
  return decodeFunctionsCall(inflate(Buffer.from(text, "base64")));
}

function inflate(deflated: Uint8Array): Uint8Array {
  try {
    return inflateRawSync(deflated, { maxOutputLength: MAX_FUNCTIONS_CALL_BYTES });
  } catch (cause) {
    const tooLarge = cause instanceof RangeError;
    throw new InputError({
      code: tooLarge ? "INPUT_TOO_LARGE" : "INPUT_INVALID",
      message: tooLarge
        ? `a call has at most ${MAX_FUNCTIONS_CALL_BYTES} bytes`
        : "the call is not deflated (RFC 1951)",
      cause,
    });
  }
}

/** A preference that is not understood is ignored, as RFC 7240 has it. */
function holdMs(prefer: string | readonly string[] | undefined): number {
  const [, seconds] = /(?:^|,)\s*wait\s*=\s*(\d{1,6})\s*(?:[,;]|$)/iu.exec(String(prefer ?? "")) ?? [];
  return seconds === undefined ? HOLD_MS : 1_000 * Math.min(Number(seconds), MAX_WAIT_SECONDS);
}

function toReply(text: string, maxResponseBytes?: number): FunctionsAnswerReply {
  const signed = z.decode(SignedAnswer, JSON.parse(text) as SignedAnswerWire);
  const { answer, signature, stateBlock } = signed;
  const parts = { answer, signature, stateBlockNumber: stateBlock.number, output: fromHex(signed.output) };
  return { response: toHex(encodeFunctionsAnswer(parts, maxResponseBytes)) };
}
