/** Threads that read pages: no page stops an answer. */

import { readPage, type PageTask, type PageText } from "./page-text.ts";
import { createTaskThreads, isThreadFor, serveTasks } from "./task-threads.ts";

/** Milliseconds for one page: hundreds of times what an honest one takes. */
const PAGE_MS = 5_000;

const ROLE = "pages";

/** Whether this is such a thread. */
export function isPageThread(): boolean {
  return isThreadFor(ROLE);
}

/** The thread's tasks, one after another. */
export function servePages(): void {
  serveTasks(readPage);
}

export type ReadPage = (task: PageTask) => Promise<PageText>;

export interface PageThreadsOptions {
  /** Calls `servePages` where `isPageThread` holds; loaded when the first page comes. */
  readonly script: URL;
  readonly pageMs?: number;
  readonly threads?: number;
}

export function createPageThreads({ pageMs = PAGE_MS, ...options }: PageThreadsOptions): ReadPage {
  return createTaskThreads<PageText>({
    ...options,
    role: ROLE,
    taskMs: pageMs,
    ended: (tookToo) => ({ problem: `it takes too ${tookToo} to read` }),
  });
}
