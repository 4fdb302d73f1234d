/** Threads that run views of contracts: whoever wrote one, it stops no answer. */

import {
  judgeCall,
  type CallWorld,
  type JudgedCall,
  type ShownAccount,
  type StateCall,
} from "../../runtime/evm/proven-call.ts";
import { createTaskThreads, isThreadFor, serveTasks } from "./task-threads.ts";

/** Milliseconds for one run: ten times what all of its gas takes. */
const VIEW_MS = 10_000;

const ROLE = "views";

export interface ViewTask {
  readonly world: CallWorld;
  readonly call: StateCall;
  readonly shown: readonly ShownAccount[];
}

/** A run was ended for what it took: a busy machine may have done that, and no view. */
export class ViewEnded extends Error {}

/** Whether this is such a thread. */
export function isViewThread(): boolean {
  return isThreadFor(ROLE);
}

/** The thread's tasks, one after another. */
export function serveViews(): void {
  serveTasks(runView);
}

export function runView({ world, call, shown }: ViewTask): JudgedCall {
  return judgeCall(world, call, shown);
}

/** @throws {ViewEnded} */
export type RunView = (task: ViewTask) => Promise<JudgedCall>;

export function createViewThreads(script: URL): RunView {
  const run = createTaskThreads<JudgedCall | { readonly ended: string }>({
    script,
    role: ROLE,
    taskMs: VIEW_MS,
    ended: (tookToo) => ({ ended: `the view takes too ${tookToo}` }),
  });
  return async (task) => {
    const result = await run(task);
    if ("ended" in result) throw new ViewEnded(result.ended);
    return result;
  };
}
