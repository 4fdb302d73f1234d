/** Answers contracts, by either road: check, ask, sign. The order of the steps is the whole of this file. */

import { sha256 } from "@noble/hashes/sha2.js";
import { z } from "zod";
import { answerDigest, AnswerStatus, signDigest, type Answer } from "../../protocol/answer.ts";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { SignedAnswer, type AnswerCall } from "../../protocol/enclave-api.ts";
import { InputError } from "../../protocol/errors.ts";
import type { FunctionsCall } from "../../protocol/functions-request.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { Reading, TrustedClock } from "../clock/trusted-clock.ts";
import type { Operator } from "../configuration/operator.ts";
import type { AttestedIdentity, Identity } from "../identity/identity.ts";
import { AnswerLedger, MAX_DEADLINE_AHEAD_SECONDS } from "./answer-ledger.ts";
import { checkCall, checkDeadline, checkFunctionsCall, type CheckedCall } from "./check-call.ts";
import { infer, type Inference } from "./infer.ts";
import { without, type Outcome } from "./panel.ts";
import { TranscriptRecorder } from "./transcript-recorder.ts";

const NO_STATE: Hex = `0x${"00".repeat(32)}`;

export interface AnswererOptions {
  readonly identity: Identity;
  /** Evidence made once, at the start: the transcript names it and the receipt carries it. */
  readonly attested: AttestedIdentity;
  readonly operator: Operator["public"];
  readonly clock: TrustedClock;
  readonly inference: Inference;
  readonly ledger?: AnswerLedger;
}

/** JSON of a `SignedAnswer`. @throws {InputError} for a call that nobody signs anything for */
export interface Answerer {
  readonly answer: (call: AnswerCall) => Promise<string>;
  readonly answerFunctions: (call: FunctionsCall) => Promise<string>;
  /** What was signed to a request, or is about to be. @throws {InputError} INPUT_NOT_FOUND */
  readonly find: (requestId: Hex) => Promise<string>;
}

export function createAnswerer(options: AnswererOptions): Answerer {
  const ledger = options.ledger ?? new AnswerLedger();
  const answerOnce = async (checked: CheckedCall): Promise<string> => {
    const known = ledger.find(checked.requestId);
    if (known !== undefined) return await known;
    const reading = options.clock.read();
    const now = reading.now ?? reading.lowerBound;
    checkDeadline(checked, now);
    checkHorizon(checked, now);
    return await ledger.add(checked.requestId, checked.deadline, now, () => make(options, checked, reading));
  };
  return {
    answer: async (call) => await answerOnce(checkCall(call, options.operator)),
    answerFunctions: async (call) => await answerOnce(checkFunctionsCall(call)),
    find: async (requestId) => {
      const known = ledger.find(requestId);
      if (known !== undefined) return await known;
      throw new InputError({ code: "INPUT_NOT_FOUND", message: "no such request was answered here" });
    },
  };
}

/** @throws {InputError} INPUT_INVALID for a deadline so far ahead that its answer could not be remembered until then */
function checkHorizon({ deadline }: CheckedCall, now: number): void {
  if (deadline <= BigInt(now + MAX_DEADLINE_AHEAD_SECONDS)) return;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `a deadline is at most ${MAX_DEADLINE_AHEAD_SECONDS} seconds ahead`,
  });
}

async function make(options: AnswererOptions, checked: CheckedCall, reading: Reading): Promise<string> {
  const recorder = new TranscriptRecorder({
    domain: checked.domain.name,
    requestId: checked.requestId,
    payloadHash: checked.payloadHash,
    evidenceHash: toHex(sha256(fromHex(options.attested.evidence.bytes))),
    time: reading.now ?? reading.lowerBound,
    clock: { source: reading.source, lowerBound: reading.lowerBound },
  });
  const outcome: Outcome =
    reading.now === null
      ? without(AnswerStatus.clockUnknown)
      : await infer(options.inference, checked.payload, checked, recorder);
  const { transcript, root, bodies } = recorder.finish(outcome.status, outcome.output);
  const end = options.clock.read();
  const answer: Answer = {
    requestId: checked.requestId,
    status: outcome.status,
    outputHash: keccak(outcome.output),
    transcriptRoot: root,
    stateBlockHash: NO_STATE,
    keysetId: options.identity.keysetId,
    answeredAt: BigInt(end.now ?? end.lowerBound),
  };
  const digest = answerDigest(checked.domain, answer);
  const signature = signDigest(digest, options.identity.keys.answer.privateKey);
  const signed = {
    answer,
    signature,
    output: toHex(outcome.output),
    transcript,
    bodies,
    ...options.attested,
  };
  return JSON.stringify(z.encode(SignedAnswer, signed));
}
