/** Threads that run views of contracts: whoever wrote one, it stops no answer. */

import { ProofRefused } from "../../runtime/evm/proof-refused.ts";
import {
  provenCall,
  type CallOutcome,
  type ShownAccount,
  type StateCall,
} from "../../runtime/evm/proven-call.ts";
import type { BlockHeader } from "../../runtime/evm/block-header.ts";
import { createTaskThreads, isThreadFor, serveTasks } from "./task-threads.ts";

/** Milliseconds for one run: ten times what all of its gas takes. */
const VIEW_MS = 10_000;

const ROLE = "views";

export interface ViewTask {
  readonly world: { readonly header: BlockHeader; readonly chainId: bigint };
  readonly call: StateCall;
  readonly shown: readonly ShownAccount[];
}

export type ViewResult =
  | { readonly outcome: CallOutcome }
  /** What was shown proves nothing: an error does not cross from a thread as what it is. */
  | { readonly refused: { readonly part: ProofRefused["part"]; readonly reason: string } };

/** Whether this is such a thread. */
export function isViewThread(): boolean {
  return isThreadFor(ROLE);
}

/** The thread's tasks, one after another. */
export function serveViews(): void {
  serveTasks(runView);
}

export function runView({ world, call, shown }: ViewTask): ViewResult {
  try {
    return { outcome: provenCall(world, call, shown) };
  } catch (error) {
    if (!(error instanceof ProofRefused)) throw error;
    return { refused: { part: error.part, reason: error.reason } };
  }
}

/** @throws {ProofRefused} as `provenCall` */
export type RunView = (task: ViewTask) => Promise<CallOutcome>;

export function createViewThreads(script: URL): RunView {
  const run = createTaskThreads<ViewResult>({
    script,
    role: ROLE,
    taskMs: VIEW_MS,
    ended: (tookToo) => ({ outcome: { kind: "unsupported", reason: `it takes too ${tookToo}` } }),
  });
  return async (task) => {
    const result = await run(task);
    if ("outcome" in result) return result.outcome;
    throw new ProofRefused(result.refused.part, result.refused.reason);
  };
}
