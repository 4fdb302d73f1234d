/** From a payload to a status and an output: the part of answering that knows models. */

import { AnswerStatus } from "../../protocol/answer.ts";
import { InputError, UpstreamError } from "../../protocol/errors.ts";
import { decodePayload, PayloadType } from "../../protocol/payload.ts";
import type { Prompt } from "../../protocol/prompt.ts";
import type { CatalogModel, ModelCatalog } from "../models/model-catalog.ts";
import type { ModelQuestion, ModelReply } from "../models/model-format.ts";
import { OutputProblem } from "../output/abi-schema.ts";
import { createOutputContract, type OutputContract } from "../output/output-contract.ts";
import { askModel } from "./ask-model.ts";
import { toQuestion, toRepairQuestion } from "./question.ts";
import type { TranscriptRecorder } from "./transcript-recorder.ts";
import { worstCasePrice } from "./worst-case.ts";

export interface Inference {
  readonly catalog: ModelCatalog;
  /** The provider key of this name; null when it was not given. */
  readonly secret: (name: string) => string | null;
  readonly retries: number;
  readonly pause: (ms: number) => Promise<void>;
}

/** What the requester pays at most and takes at most. */
export interface Bounds {
  readonly fee: bigint;
  readonly maxOutputBytes: number;
}

export interface Outcome {
  readonly status: AnswerStatus;
  /** Empty unless the status is ok. */
  readonly output: Uint8Array;
}

const NOTHING = new Uint8Array();
const without = (status: AnswerStatus): Outcome => ({ status, output: NOTHING });

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
    if (error instanceof InputError) return without(AnswerStatus.invalidRequest);
    throw error;
  }
  const price = worstCasePrice(plan.target.model, plan.question);
  if (price > bounds.fee) return without(AnswerStatus.outOfBudget);
  return await runPlan(inference, plan, { ...bounds, fee: bounds.fee - price }, recorder);
}

interface Plan {
  readonly target: CatalogModel;
  readonly question: ModelQuestion;
  readonly contract: OutputContract;
}

function planInference({ catalog }: Inference, payload: Uint8Array): Plan {
  const decoded = decodePayload(payload);
  if (decoded.type !== PayloadType.inference) throw invalid("this payload type is for off-chain callers");
  const prompt: Prompt = decoded.prompt;
  const [name] = prompt.models;
  const target = name === undefined ? undefined : catalog.get(name);
  if (target === undefined || prompt.models.length !== 1) throw invalid("unknown model");
  const contract = createOutputContract(prompt.format);
  return { target, contract, question: toQuestion(prompt, target, contract) };
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}

/** @param left `fee` is what the first exchange's worst case leaves: a repair is made only if it fits */
async function runPlan(
  inference: Inference,
  { target, question, contract }: Plan,
  left: Bounds,
  recorder: TranscriptRecorder,
): Promise<Outcome> {
  const { secret } = target.provider;
  const credential = secret === null ? null : inference.secret(secret);
  const options = { recorder, retries: inference.retries, pause: inference.pause, credential };
  try {
    const reply = await askModel(target, question, options);
    const first = judgeReply(reply, contract, left.maxOutputBytes);
    if (!("problem" in first)) return first;
    const repair = toRepairQuestion(question, reply.text, first.problem);
    if (contract.schema === null || worstCasePrice(target.model, repair) > left.fee) {
      return without(AnswerStatus.invalidOutput);
    }
    const second = judgeReply(await askModel(target, repair, options), contract, left.maxOutputBytes);
    return "problem" in second ? without(AnswerStatus.invalidOutput) : second;
  } catch (error) {
    if (error instanceof UpstreamError) return without(AnswerStatus.upstreamFailed);
    throw error;
  }
}

/** A status that is final, or a problem that asking again may cure. */
function judgeReply(
  reply: ModelReply,
  contract: OutputContract,
  maxOutputBytes: number,
): Outcome | { readonly problem: string } {
  if (reply.stop === "refused") return without(AnswerStatus.refused);
  // Cut off by a limit, or stopped for a reason unknown to us: not the whole of what the model had to say.
  if (reply.stop !== "complete") return without(AnswerStatus.invalidOutput);
  try {
    const output = contract.toOutput(reply.text);
    if (output.length <= maxOutputBytes) return { status: AnswerStatus.ok, output };
    return { problem: `it is longer than ${maxOutputBytes} bytes` };
  } catch (error) {
    if (error instanceof OutputProblem) return { problem: error.message };
    if (error instanceof InputError) return { problem: "it cannot be encoded" };
    throw error;
  }
}
