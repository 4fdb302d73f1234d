/** Answers contracts, by either road: check, ask, sign. The order of the steps is the whole of this file. */

import * as z from "zod";
import type { LedgerAnswerCall } from "../../coprocessor/snapshots/ledger-answer-call.ts";
import { AnswerStatus, answerStructHash, Answer } from "../../protocol/answer.ts";
import { batchLeaf } from "../../protocol/batch.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { ON_CHAIN_DOMAIN_NAME } from "../../protocol/domain.ts";
import type { AnswerCall, BatchReply, SignedAnswerWire } from "../../protocol/enclave-api.ts";
import { InputError } from "../../protocol/errors.ts";
import type { FunctionsCall } from "../../protocol/functions-request.ts";
import { CLOCK_TOLERANCE_SECONDS } from "../../protocol/limits.ts";
import { isSealedPayload } from "../../protocol/sealed-payload.ts";
import { toStateBlockText, type StateBlock } from "../../protocol/state-block.ts";
import type { AccountRunCall } from "../../runtime/agents/account-run.ts";
import type { EventRunCall } from "../../runtime/agents/event-run.ts";
import type { Operator } from "../configuration/operator.ts";
import type { AttestedIdentity } from "../identity/identity.ts";
import type { Agents } from "../agents/answer-agent.ts";
import type { ReceiptStore } from "../openai/receipt-store.ts";
import type { AnswerLedger, BatchMember, LedgerAnswer } from "./answer-ledger.ts";
import { checkEventRun } from "./check-event-run.ts";
import { checkAccountRun } from "./check-account-run.ts";
import { checkLedgerCall } from "./check-ledger-call.ts";
import { checkCall, checkFunctionsCall, checkRecipient, checkTime, type CheckedCall } from "./check-call.ts";
import { answerPayload } from "./answer-payload.ts";
import { without } from "../../runtime/output/panel.ts";
import { makeSealedAnswer, type SealedInference } from "./sealed-question.ts";
import { signBatch } from "./sign-batch.ts";
import { signLeaf } from "./sign-leaf.ts";
import { signTwin } from "./sign-twin.ts";
import { makeAnswer, type MadeAnswer, type Signatory } from "./sign-answer.ts";

export interface AnswererOptions extends Signatory {
  readonly operator: Operator["public"];
  readonly inference: SealedInference;
  readonly agents: Agents | null;
  readonly ledger: AnswerLedger;
  /** Transcripts and bodies of sealed questions, encrypted to their askers. */
  readonly sealedRecords: ReceiptStore;
}

/** A record is sealed: whoever carries it learns nothing from it. */
export const ANY_CALLER = "";

/** JSON of a `SignedAnswer`. @throws {InputError} for a call that nobody signs anything for */
export interface Answerer {
  readonly answer: (call: AnswerCall) => Promise<string>;
  readonly answerFunctions: (call: FunctionsCall, stateBlock: StateBlock) => Promise<string>;
  readonly answerEntry: (call: LedgerAnswerCall) => Promise<string>;
  /** Also throws for a program that is not here, which the caller can bring. */
  readonly answerAccountRun: (call: AccountRunCall) => Promise<string>;
  /** As `answerAccountRun`, for a log: also throws for one that is not proven. */
  readonly answerEventRun: (call: EventRunCall) => Promise<string>;
  /** One signature over answers that were given. @throws {InputError} as `signBatch` */
  readonly batch: (requestIds: readonly Hex[]) => BatchReply;
  /** The answer that was signed to a request, or is about to be. @throws {InputError} INPUT_NOT_FOUND */
  readonly find: (requestId: Hex) => Promise<string>;
  /** The COSE twin of what was signed for a coordinator. @throws {InputError} as `find` */
  readonly findTwin: (requestId: Hex) => Promise<Uint8Array>;
}

export function createAnswerer(options: AnswererOptions): Answerer {
  const { ledger } = options;
  const answerOnce = async (checked: CheckedCall): Promise<string> => {
    const known = ledger.find(checked.requestId);
    if (known !== undefined) return await known;
    checkRecipient(checked, options.identity.keysetId);
    const reading = options.clock.read();
    checkTime(checked, reading);
    // Until nothing is signed for it any more.
    const until = checked.deadline + BigInt(CLOCK_TOLERANCE_SECONDS);
    const now = reading.now ?? reading.lowerBound;
    return await ledger.add(checked.requestId, until, now, (onAsked) => make(options, checked, onAsked));
  };
  const find = async (requestId: Hex): Promise<string> => {
    const known = ledger.find(requestId);
    if (known !== undefined) return await known;
    throw new InputError({ code: "INPUT_NOT_FOUND", message: "no such request was answered here" });
  };
  return {
    answer: async (call) => await answerOnce(checkCall(call, options.operator)),
    answerFunctions: async (call, stateBlock) => await answerOnce(checkFunctionsCall(call, stateBlock)),
    answerEntry: async (call) => await answerOnce(checkLedgerCall(call, options.operator)),
    answerAccountRun: async (call) => await answerOnce(checkAccountRun(call, options.agents)),
    answerEventRun: async (call) => await answerOnce(checkEventRun(call, options.agents)),
    batch: (requestIds) => signBatch(options, ledger, requestIds),
    find,
    findTwin: async (requestId) => {
      const { answer } = JSON.parse(await find(requestId)) as Pick<SignedAnswerWire, "answer">;
      const domain = ledger.batchMember(requestId)?.domain;
      if (domain !== undefined) return signTwin(options, { domain, answer: z.decode(Answer, answer) });
      throw new InputError({
        code: "INPUT_NOT_FOUND",
        message: "an answer through Functions or to an account has no twin",
      });
    },
  };
}

async function make(
  options: AnswererOptions,
  checked: CheckedCall,
  onAsked: () => void,
): Promise<LedgerAnswer> {
  const made = isSealedPayload(checked.payload)
    ? await answerSealed(options, checked, onAsked)
    : await makeAnswer(
        options,
        checked,
        async (recorder, { now }) =>
          now === null
            ? without(AnswerStatus.clockUnknown)
            : await answerPayload(options, { ...checked, now }, recorder),
        onAsked,
      );
  const { answer } = made;
  // Written out, not encoded by its schema: everything in it was made here, and a tenth of an answer's time is saved.
  const wire: Omit<SignedAnswerWire, keyof AttestedIdentity> = {
    ...made,
    answer: { ...answer, answeredAt: answer.answeredAt.toString() },
    stateBlock: toStateBlockText(checked.stateBlock),
    quorumLeaf: checked.quorum === null ? null : signLeaf(options, checked.quorum, answer),
  };
  const text = `${JSON.stringify(wire).slice(0, -1)},${attestedMembers(options.attested)}`;
  return { text, batchMember: toBatchMember(checked, answer) };
}

/** The end of every answer's JSON, made once: evidence is half of it. */
const membersOf = new WeakMap<AttestedIdentity, string>();

function attestedMembers(attested: AttestedIdentity): string {
  const known = membersOf.get(attested);
  if (known !== undefined) return known;
  const { evidence, endorsements } = attested;
  const members = JSON.stringify({ evidence, endorsements }).slice(1);
  membersOf.set(attested, members);
  return members;
}

function toBatchMember({ domain }: CheckedCall, answer: Answer): BatchMember | null {
  return domain.name === ON_CHAIN_DOMAIN_NAME ? { domain, leaf: batchLeaf(answerStructHash(answer)) } : null;
}

async function answerSealed(
  options: AnswererOptions,
  checked: CheckedCall,
  onAsked: () => void,
): Promise<MadeAnswer> {
  const { made, record } = await makeSealedAnswer(options, options, { checked, onAsked });
  if (record !== null) options.sealedRecords.add(checked.requestId, ANY_CALLER, record);
  return made;
}
