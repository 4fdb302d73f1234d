/**
 * Judges epochs in a thread: a thousand signatures and paths take seconds, in which answers would wait. The key stays outside; what
 * comes back is signed here as it was judged.
 */

import { parentPort, Worker } from "node:worker_threads";
import type { EpochStatement } from "../../coprocessor/epochs/epoch-statement.ts";
import { judgeProvenEpoch } from "../../coprocessor/epochs/judge-proven-epoch.ts";
import type { EpochWitnessCall } from "../../coprocessor/epochs/witness-call.ts";
import { judgeEpoch, type JudgedEpoch } from "../../coprocessor/snapshots/judge-epoch.ts";
import type { SnapshotCall } from "../../coprocessor/snapshots/snapshot-call.ts";
import { AdytonError, InputError } from "../../protocol/errors.ts";

/** By the name of what is judged: what an enclave is given, and what it comes to. */
interface Judgements {
  readonly snapshot: { readonly call: SnapshotCall; readonly judged: JudgedEpoch };
  readonly epoch: { readonly call: EpochWitnessCall; readonly judged: EpochStatement };
}
type Kind = keyof Judgements;

type Task = {
  readonly [K in Kind]: { readonly id: number; readonly kind: K; readonly call: Judgements[K]["call"] };
}[Kind];
type Judged = Judgements[Kind]["judged"];

type Outcome =
  | { readonly id: number; readonly judged: Judged }
  | {
      readonly id: number;
      readonly refusal: { readonly message: string; readonly details: AdytonError["details"] };
    }
  | { readonly id: number; readonly bug: unknown };

interface Waiting {
  readonly resolve: (judged: Judged) => void;
  readonly reject: (error: Error) => void;
}

/** The thread's tasks, one after another, in their order. */
export function serveJudgements(): void {
  parentPort?.on("message", (task: Task) => {
    parentPort?.postMessage(judge(task));
  });
}

function judge({ id, kind, call }: Task): Outcome {
  try {
    return { id, judged: kind === "snapshot" ? judgeEpoch(call) : judgeProvenEpoch(call) };
  } catch (error) {
    if (!(error instanceof AdytonError)) return { id, bug: error };
    return { id, refusal: { message: error.message, details: error.details } };
  }
}

export type JudgeThread = <K extends Kind>(
  kind: K,
  call: Judgements[K]["call"],
) => Promise<Judgements[K]["judged"]>;

/**
 * @param script that calls `serveJudgements` in a thread; loaded when the first epoch comes
 * @throws {InputError} INPUT_INVALID whatever of an epoch was refused
 */
export function createJudgeThread(script: URL): JudgeThread {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let lastId = 0;
  const start = (): Worker => {
    // Nothing of this process's surroundings: the thread reads its messages alone.
    const started = new Worker(script, { env: {}, argv: [], stdin: false });
    started.unref();
    started.on("message", (outcome: Outcome) => {
      const { resolve, reject } = waiting.get(outcome.id) ?? {};
      waiting.delete(outcome.id);
      if ("judged" in outcome) resolve?.(outcome.judged);
      else if ("refusal" in outcome) reject?.(new InputError({ code: "INPUT_INVALID", ...outcome.refusal }));
      else reject?.(new Error("a judgement failed", { cause: outcome.bug }));
    });
    started.on("error", (cause) => {
      worker = null;
      for (const { reject } of waiting.values()) reject(new Error("the judging thread ended", { cause }));
      waiting.clear();
    });
    return started;
  };
  return async <K extends Kind>(kind: K, call: Judgements[K]["call"]) => {
    worker ??= start();
    const running = worker;
    running.ref();
    lastId += 1;
    const id = lastId;
    try {
      const judged = await new Promise<Judged>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        running.postMessage({ id, kind, call });
      });
      return judged;
    } finally {
      if (waiting.size === 0) running.unref();
    }
  };
}
