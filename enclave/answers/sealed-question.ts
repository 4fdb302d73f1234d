/** Questions that only listed keysets can read, and answers that only their askers can. */

import { AnswerStatus } from "../../protocol/answer.ts";
import { toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { decodeKeyedPayload, isKeyedPayload } from "../../protocol/keyed-payload.ts";
import {
  NO_REPLY_KEY,
  openPayload,
  SEALED_OUTPUT_OVERHEAD,
  sealReply,
  type OpenedPayload,
} from "../../protocol/sealed-payload.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { transcriptLeafHash, type Transcript } from "../../protocol/transcript.ts";
import { checkOwnKey, createOwnAccount } from "../accounts/own-keys.ts";
import type { SpendingLedger } from "../accounts/spending-ledger.ts";
import type { Agents } from "../agents/answer-agent.ts";
import type { CheckedCall } from "./check-call.ts";
import { answerPayload } from "./answer-payload.ts";
import type { FeeProbes } from "./fee-probes.ts";
import type { Inference } from "./infer.ts";
import type { Reading } from "../clock/trusted-clock.ts";
import { without, type Outcome } from "../../runtime/output/panel.ts";
import { makeAnswer, type MadeAnswer, type Signatory } from "./sign-answer.ts";
import type { TranscriptRecorder } from "./transcript-recorder.ts";

export interface SealedAnswer {
  /** Without bodies, and with the exchanges withheld: a body's hash lets a short prompt be guessed. */
  readonly made: MadeAnswer;
  /** The whole transcript and the bodies, for the holder of the reply key; null where the question named none. */
  readonly record: Uint8Array | null;
}

export interface SealedInference extends Inference {
  readonly spending: SpendingLedger;
  readonly feeProbes: FeeProbes;
}

/** As for a question in clear; what cannot be opened is an invalid request, and signed as one. */
export async function makeSealedAnswer(
  signatory: Signatory,
  { inference, agents }: { readonly inference: SealedInference; readonly agents: Agents | null },
  { checked, onAsked }: { readonly checked: CheckedCall; readonly onAsked: () => void },
): Promise<SealedAnswer> {
  let replyKey: Hex = NO_REPLY_KEY;
  const work = async (recorder: TranscriptRecorder, { now }: Reading): Promise<Outcome> => {
    if (now === null) return without(AnswerStatus.clockUnknown);
    const opened = await open(signatory, checked);
    if (opened === null) return without(AnswerStatus.invalidRequest);
    // Before anyone is asked: an answer to a key that takes none could be signed for nobody.
    if (!(await takesReplies(opened.replyKey, checked.requestId)))
      return without(AnswerStatus.invalidRequest);
    replyKey = opened.replyKey;
    const overhead = replyKey === NO_REPLY_KEY ? 0 : SEALED_OUTPUT_OVERHEAD;
    const maxOutputBytes = Math.max(0, checked.maxOutputBytes - overhead);
    const question = keccak(opened.inner);
    const asked = takeKeys(inference, opened.inner, checked, now);
    if (asked === null) return without(AnswerStatus.invalidRequest);
    const terms = {
      ...checked,
      payload: asked.payload,
      maxOutputBytes,
      now,
      trigger: "request",
      event: null,
    } as const;
    const leave = inference.feeProbes.enter(question, now);
    let outcome: Outcome | null = null;
    try {
      outcome = await answerPayload({ inference: asked.inference, agents }, terms, recorder);
    } finally {
      leave(outcome?.status !== AnswerStatus.outOfBudget, now);
    }
    // The last event is shown to everybody, and a reason may quote the question or the answer.
    if (outcome.status !== AnswerStatus.ok) return without(outcome.status);
    if (replyKey === NO_REPLY_KEY) return outcome;
    return { ...outcome, output: await sealReply(replyKey, checked.requestId, outcome.output) };
  };
  const made = await makeAnswer(signatory, checked, work, onAsked);
  const { transcript, bodies } = made;
  const whole = toUtf8(JSON.stringify({ transcript, bodies }));
  const record = replyKey === NO_REPLY_KEY ? null : await sealReply(replyKey, checked.requestId, whole);
  return { made: { ...made, transcript: withholdExchanges(transcript), bodies: {} }, record };
}

/** Whether anything can be sealed to a reply key: a point of low order is none (RFC 9180 §7.1.4). */
async function takesReplies(replyKey: Hex, requestId: Hex): Promise<boolean> {
  if (replyKey === NO_REPLY_KEY) return true;
  try {
    await sealReply(replyKey, requestId, new Uint8Array());
    return true;
  } catch {
    return false;
  }
}

async function open(
  { identity }: Signatory,
  { payload, sealedContext }: CheckedCall,
): Promise<OpenedPayload | null> {
  if (sealedContext === null) return null;
  const { keysetId, keys } = identity;
  try {
    return await openPayload(payload, sealedContext, { keysetId, privateKey: keys.sealing.privateKey });
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

interface Asked {
  readonly inference: Inference;
  readonly payload: Uint8Array;
}

/** The question, and an account of the keys that it brings where it does; null for keys that this request may not use. */
function takeKeys(
  inference: SealedInference,
  inner: Uint8Array<ArrayBuffer>,
  { payer }: CheckedCall,
  now: number,
): Asked | null {
  if (!isKeyedPayload(inner) || payer === null) return { inference, payload: inner };
  try {
    const { keys, payload } = decodeKeyedPayload(inner);
    for (const key of keys) checkOwnKey(key, { payer }, now);
    const terms = { keys, ledger: inference.spending, now, otherwise: inference.account };
    return { inference: { ...inference, account: createOwnAccount(terms) }, payload };
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  } finally {
    inner.fill(0);
  }
}

/** The first event and the last say nothing of what was asked. */
function withholdExchanges(transcript: Transcript): Transcript {
  return transcript.map((leaf, index) =>
    index === 0 || index === transcript.length - 1 ? leaf : { leafHash: toHex(transcriptLeafHash(leaf)) },
  );
}
