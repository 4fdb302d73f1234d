/** From a payload to a status and an output: the part of answering that knows models. */

import { AnswerStatus } from "../../protocol/answer.ts";
import { InputError, UpstreamError } from "../../protocol/errors.ts";
import { decodePayload, PayloadType } from "../../protocol/payload.ts";
import { PanelRule, type Prompt } from "../../protocol/prompt.ts";
import type { CatalogModel, ModelCatalog } from "../models/model-catalog.ts";
import type { ModelQuestion, ModelReply } from "../../runtime/models/model-format.ts";
import { createOutputContract, type OutputContract } from "../../runtime/output/output-contract.ts";
import { OutputProblem } from "../../runtime/output/output-problem.ts";
import type { Account } from "../accounts/account.ts";
import { askOnAccount } from "../accounts/ask-on-account.ts";
import { aggregatePanel, checkPanelRule, without, type Outcome } from "../../runtime/output/panel.ts";
import { placeholderOf, planSources, type PlannedSource } from "../sources/planned-source.ts";
import { readSources, type Bound, type Sources } from "../sources/read-sources.ts";
import { toQuestion, toRepairQuestion } from "./question.ts";
import type { ExchangeRecorder, TranscriptRecorder } from "./transcript-recorder.ts";
import { outcomeOfFailure } from "./upstream-outcome.ts";
import { worstCasePrice } from "./worst-case.ts";

export interface Inference {
  readonly catalog: ModelCatalog;
  /** Pays for whoever brings no key. */
  readonly account: Account;
  /** null where the behaviour file has none. */
  readonly sources: Sources | null;
  readonly retries: number;
  readonly pause: (ms: number) => Promise<void>;
}

/** The most that the requester pays, and takes. */
export interface Bounds {
  readonly fee: bigint;
  readonly maxOutputBytes: number;
  /** The chain and the block that contracts are read at; absent for an answer that is bound to none. */
  readonly bound?: Bound | null;
}

/** Ends in a status for whatever a requester, a model or a network does; throws for nothing but a bug. */
export async function infer(
  inference: Inference,
  payload: Uint8Array,
  bounds: Bounds,
  recorder: TranscriptRecorder,
): Promise<Outcome> {
  let plan: Plan;
  try {
    plan = planInference(inference, payload);
  } catch (error) {
    if (error instanceof InputError) return without(AnswerStatus.invalidRequest, error.message);
    throw error;
  }
  const budget = new Budget(bounds.fee);
  if (!budget.reserve(worstCaseOf(plan, inference.account.price)))
    return without(AnswerStatus.outOfBudget, "the fee does not cover the worst case of what is asked");
  const sourced = await readPlanned(inference, plan, { recorder, bound: bounds.bound ?? null });
  if (!("members" in sourced)) return sourced;
  const run = { inference, contract: plan.contract, maxOutputBytes: bounds.maxOutputBytes };
  const outcomes = await askMembers(run, sourced.members, { budget, recorder });
  const [only] = outcomes;
  return plan.prompt.panelRule === PanelRule.none && only !== undefined
    ? only
    : aggregatePanel(plan.prompt, outcomes);
}

/**
 * Wei: the smallest fee for which `infer` asks anyone about `payload`.
 *
 * @throws {InputError} for what cannot be asked as it stands
 */
export function quotePrice(inference: Pick<Inference, "catalog" | "sources">, payload: Uint8Array): bigint {
  return worstCaseOf(planInference(inference, payload), ({ model }, question) =>
    worstCasePrice(model, question),
  );
}

function worstCaseOf({ members }: Plan, price: Account["price"]): bigint {
  return members.reduce((sum, { target, question }) => sum + price(target, question), 0n);
}

/** Wei that are left for repairs once every first exchange's worst case is set aside. */
class Budget {
  #left: bigint;

  constructor(fee: bigint) {
    this.#left = fee;
  }

  reserve(price: bigint): boolean {
    if (price > this.#left) return false;
    this.#left -= price;
    return true;
  }
}

interface Member {
  readonly target: CatalogModel;
  readonly question: ModelQuestion;
}

interface Plan {
  readonly prompt: Prompt;
  /** With what the prompt names as large as it can be. */
  readonly members: readonly Member[];
  readonly contract: OutputContract;
  readonly planned: readonly PlannedSource[];
}

/** @throws {InputError} for what cannot be asked as it stands */
function planInference(
  { catalog, sources }: Pick<Inference, "catalog" | "sources">,
  payload: Uint8Array,
): Plan {
  const decoded = decodePayload(payload);
  if (decoded.type !== PayloadType.inference) throw invalid("this payload type is for off-chain callers");
  const { prompt } = decoded;
  checkPanelRule(prompt);
  const contract = createOutputContract(prompt.format);
  const planned = planSources(prompt.parts, sources?.settings ?? null);
  const contents = planned.map(placeholderOf);
  const members = prompt.models.map((name) => {
    const target = catalog.get(name);
    if (target === undefined) throw invalid("unknown model");
    const question = toQuestion({ prompt, contract, contents }, target);
    // Refuses questions that its format cannot carry now, before anyone is asked.
    target.format.encodeQuestion(question);
    return { target, question };
  });
  return { prompt, contract, members, planned };
}

/** The members with what the prompt names in their questions; or how the request ends without one of them being asked. */
async function readPlanned(
  { sources }: Inference,
  { prompt, contract, members, planned }: Plan,
  { recorder, bound }: { readonly recorder: TranscriptRecorder; readonly bound: Bound | null },
): Promise<Pick<Plan, "members"> | Outcome> {
  if (planned.length === 0 || sources === null) return { members };
  const reading = { recorder: recorder.branch(), models: members.length, bound };
  const read = await readSources(sources, planned, reading);
  if (read.kind === "ended") return read.outcome;
  const { contents } = read;
  return {
    members: members.map(({ target }) => ({
      target,
      question: toQuestion({ prompt, contract, contents }, target),
    })),
  };
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}

interface Run {
  readonly inference: Inference;
  readonly contract: OutputContract;
  readonly maxOutputBytes: number;
}

interface Seat extends Member {
  readonly recorder: ExchangeRecorder;
}

/**
 * Asks all at the same time, and then once more those whose answer does not fit, as long as the fee covers it. Repairs
 * wait for every first answer: who gets what is left of the fee is then decided by the order of the request, and not by
 * whose packets a host lets through first.
 */
async function askMembers(
  run: Run,
  members: readonly Member[],
  { budget, recorder }: { readonly budget: Budget; readonly recorder: TranscriptRecorder },
): Promise<readonly Outcome[]> {
  const seats = members.map((member): Seat => ({
    ...member,
    recorder: recorder.branch(),
  }));
  const firsts = await Promise.all(seats.map((seat) => ask(run, seat)));
  const repairs = seats.map((seat, index): Promise<Judgement> => {
    const first = firsts[index];
    if (first === undefined) throw new Error("a member has no outcome");
    if (!("problem" in first)) return Promise.resolve(first);
    const question = toRepairQuestion(seat.question, first.answer, first.problem);
    const price = run.inference.account.price(seat.target, question);
    const mayRepair = run.contract.schema !== null && budget.reserve(price);
    return mayRepair ? ask(run, { ...seat, question }) : Promise.resolve(first);
  });
  const judgements = await Promise.all(repairs);
  return judgements.map((last) =>
    "problem" in last ? without(AnswerStatus.invalidOutput, last.problem) : last,
  );
}

/** A status that is final, or a problem that asking again may cure. */
type Judgement = Outcome | { readonly problem: string; readonly answer: string };

async function ask(run: Run, { target, question, recorder }: Seat): Promise<Judgement> {
  const { account, retries, pause } = run.inference;
  try {
    const charge = account.charge(target, question);
    return judgeReply(await askOnAccount(charge, target, question, { recorder, retries, pause }), run);
  } catch (error) {
    if (error instanceof UpstreamError) return outcomeOfFailure(target.id, error);
    // A key of the requester's own whose cap is reached. A host can reach it by asking elsewhere, so that it earns nothing.
    if (error instanceof InputError) return without(AnswerStatus.upstreamFailed, error.message);
    throw error;
  }
}

function judgeReply(reply: ModelReply, { contract, maxOutputBytes }: Run): Judgement {
  if (reply.stop === "refused") return without(AnswerStatus.refused, "the model refused to answer");
  // Cut off by a limit, or stopped for a reason unknown to us: not the whole of what the model had to say.
  if (reply.stop === "length")
    return without(AnswerStatus.invalidOutput, "the answer was cut off by maxOutputTokens");
  if (reply.stop !== "complete")
    return without(AnswerStatus.invalidOutput, "the model stopped before its answer was whole");
  const wrong = (problem: string): Judgement => ({ problem, answer: reply.text });
  try {
    return { status: AnswerStatus.ok, output: contract.toOutput(reply.text, maxOutputBytes), reason: null };
  } catch (error) {
    if (error instanceof OutputProblem) return wrong(error.message);
    if (error instanceof InputError) return wrong("it cannot be encoded");
    throw error;
  }
}
