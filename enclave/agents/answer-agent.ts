/** From an agent's payload to a status and an output: the part of answering that knows programs. */

import { createHash, randomBytes } from "node:crypto";
import type { AgentCall } from "../../protocol/agent-call.ts";
import type { ProgramStarted } from "../../protocol/agent-events.ts";
import { AnswerStatus } from "../../protocol/answer.ts";
import { toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import type { StateBlock } from "../../protocol/state-block.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { ProvenEvent } from "../../runtime/agents/event-run.ts";
import type { RunEnd, RunTerms } from "../../runtime/agents/run-loop.ts";
import { toAnswer } from "../../runtime/agents/run-output.ts";
import { toRunTerms } from "../../runtime/agents/run-terms.ts";
import { without, type Outcome } from "../../runtime/output/panel.ts";
import type { Inference } from "../answers/infer.ts";
import type { TranscriptRecorder } from "../answers/transcript-recorder.ts";
import { AgentRun, type AgentWorld } from "./agent-run.ts";
import type { ProgramStore, StoredProgram } from "./program-store.ts";
import { ReceiptRoom } from "./receipt-room.ts";
import { RunBudget } from "./run-budget.ts";
import { WorkerLost, type WorkerPool } from "./worker-pool.ts";

export interface Agents {
  readonly world: AgentWorld;
  readonly programs: ProgramStore;
  readonly pool: WorkerPool;
  /** SHA-256 of what programs run in. */
  readonly engine: Hex;
  readonly prelude: Hex;
}

export interface AgentQuestion {
  readonly requestId: Hex;
  readonly call: AgentCall;
  readonly trigger: ProgramStarted["trigger"];
  /** Seconds. */
  readonly now: number;
  /** Wei. */
  readonly fee: bigint;
  readonly maxOutputBytes: number;
  /** That the answer is bound to; null off chain. */
  readonly stateBlock: StateBlock | null;
  /** The log that it runs for, proven; null for what no log began. */
  readonly event: ProvenEvent | null;
}

/** For whoever watches: no argument and no result. */
export interface RunProgress {
  readonly call: number;
  readonly op: string;
  readonly state: "made" | "settled";
}

/**
 * Ends in a status for whatever a program, a server, a model or a network does.
 *
 * @throws {InputError} before anyone was asked: INPUT_RATE_LIMITED when too many programs run; {WorkerLost} as early, for a thread
 *   that was lost
 */
export async function answerAgent(
  { agents, inference }: { readonly agents: Agents; readonly inference: Inference },
  question: AgentQuestion,
  recorder: TranscriptRecorder,
  onProgress: (progress: RunProgress) => void = () => undefined,
): Promise<Outcome> {
  let prepared: Prepared;
  try {
    prepared = prepare(agents, inference, question);
  } catch (error) {
    if (error instanceof InputError) return without(AnswerStatus.invalidRequest, error.message);
    throw error;
  }
  const { stored, started, terms } = prepared;
  const isCarried = question.call.program.length > 0;
  if (question.event !== null) {
    const { run, proof } = question.event;
    recorder.note({
      type: "event.proven",
      chainId: run.chainId.toString(),
      blockHash: run.blockHash,
      logIndex: run.logIndex,
      proofHash: recorder.keep(proof),
      proofBytes: proof.length,
    });
  }
  recorder.note({ ...started, programBody: isCarried ? null : recorder.keep(stored.file) });
  const budget = new RunBudget(question.fee);
  const over = new AbortController();
  const timer = setTimeout(() => {
    over.abort();
  }, stored.program.manifest.limits.seconds * 1000);
  const run = new AgentRun(agents.world, {
    inference,
    program: stored.program,
    startedAt: question.now,
    budget,
    recorder,
    room: new ReceiptRoom(stored.program.manifest.limits.calls, keptBytes(question, stored)),
    signal: over.signal,
  });
  try {
    const end = await agents.pool.run(terms, async (call) => {
      onProgress({ call: call.number, op: call.op, state: "made" });
      const delivery = await run.perform(call);
      onProgress({ call: call.number, op: call.op, state: "settled" });
      return delivery;
    });
    writeDown(end, budget, recorder);
    const maxOutputBytes = Math.min(question.maxOutputBytes, question.call.maxOutputBytes);
    return toAnswer(end, stored.program.manifest, maxOutputBytes);
  } catch (error) {
    // After somebody was asked, something is signed.
    if (!(error instanceof WorkerLost) || !recorder.hasAsked) throw error;
    return without(AnswerStatus.upstreamFailed, "the enclave lost the thread of this run");
  } finally {
    clearTimeout(timer);
  }
}

/** Bytes that are in the receipt before any call. */
function keptBytes({ call, event }: AgentQuestion, { file }: StoredProgram): number {
  return file.length + call.input.length + (event === null ? 0 : event.proof.length);
}

interface Prepared {
  readonly stored: StoredProgram;
  readonly started: Omit<ProgramStarted, "programBody">;
  readonly terms: RunTerms;
}

/** @throws {InputError} for a program that is unknown or none, models that are not served, and an input of another type */
function prepare(
  { programs, engine, prelude }: Agents,
  { catalog }: Inference,
  question: AgentQuestion,
): Prepared {
  const { call, requestId, now, trigger, fee, stateBlock } = question;
  const carried = call.program.length > 0 ? programs.add(call.program) : null;
  const stored = carried === null ? programs.get(call.programHash) : { program: carried, file: call.program };
  const { program } = stored;
  for (const model of program.manifest.models) {
    if (!catalog.has(model)) {
      throw new InputError({
        code: "INPUT_INVALID",
        message: `the manifest names a model that is not served: ${model}`,
      });
    }
  }
  const started = {
    type: "program.started",
    programHash: program.hash,
    programBytes: stored.file.length,
    inputHash: keccak(call.input),
    seed: toHex(randomBytes(32)),
    now,
    engine,
    prelude,
    trigger,
    feeWei: fee.toString(),
  } as const;
  return {
    stored,
    started,
    terms: toRunTerms({ requestId, program, input: call.input, stateBlock, started }),
  };
}

/** After the calls, in the order in which a replay finds it. */
function writeDown(end: RunEnd, budget: RunBudget, recorder: TranscriptRecorder): void {
  const last = recorder.branch();
  for (const line of end.logs) {
    const bytes = toUtf8(line);
    last.note({ type: "log.written", hash: last.keep(bytes), bytes: bytes.length });
  }
  const result = end.result === null ? null : toUtf8(end.result);
  last.note({
    type: "program.ended",
    outcome: end.outcome,
    resultHash: result === null ? null : sha256(result),
    resultBytes: result?.length ?? 0,
    gas: end.gas.toString(),
    calls: end.calls,
    feeWei: budget.spent.toString(),
  });
}

function sha256(bytes: Uint8Array): Hex {
  return toHex(createHash("sha256").update(bytes).digest());
}
