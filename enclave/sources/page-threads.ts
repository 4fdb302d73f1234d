/** Threads that read pages: one page at a time each, ended with whatever takes too long or too much, so that no page stops an answer. */

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { readPage, type PageTask, type PageText } from "./page-text.ts";

/** Milliseconds for one page: hundreds of times what an honest one takes. */
const PAGE_MS = 5_000;
/** Milliseconds for a thread to load: the page's own begin when it has, or a busy machine would refuse honest ones. */
const START_MS = 30_000;
/** Threads at most, of which each has a heap of its own. */
const THREADS = 2;
const HEAP_MB = 128;

/** What a thread of the enclave's one file is told, to know what it is for. */
const ROLE = "pages";
/** A thread's first message. */
const READY = "ready";

/** Whether this is such a thread. */
export function isPageThread(): boolean {
  return !isMainThread && workerData === ROLE;
}

/** The thread's tasks, one after another. */
export function servePages(): void {
  parentPort?.on("message", (task: PageTask) => {
    parentPort?.postMessage(readPage(task));
  });
  parentPort?.postMessage(READY);
}

export type ReadPage = (task: PageTask) => Promise<PageText>;

export interface PageThreadsOptions {
  /** Calls `servePages` where `isPageThread` holds; loaded when the first page comes. */
  readonly script: URL;
  readonly pageMs?: number;
  readonly threads?: number;
}

interface Waiting {
  readonly task: PageTask;
  readonly resolve: (text: PageText) => void;
}

export function createPageThreads(options: PageThreadsOptions): ReadPage {
  const { script, pageMs = PAGE_MS, threads = THREADS } = options;
  const queue: Waiting[] = [];
  const idle: Worker[] = [];
  let running = 0;
  const next = (): void => {
    if (running >= threads) return;
    const waiting = queue.shift();
    if (waiting === undefined) return;
    running += 1;
    const started = idle.pop();
    const worker = started ?? startThread(script);
    void runTask(worker, waiting.task, { pageMs, isFresh: started === undefined }).then(
      ({ text, isUsable }) => {
        running -= 1;
        if (isUsable) idle.push(worker);
        else void worker.terminate();
        waiting.resolve(text);
        next();
      },
    );
  };
  return (task) =>
    new Promise((resolve) => {
      queue.push({ task, resolve });
      next();
    });
}

function startThread(script: URL): Worker {
  // Nothing of this process's surroundings: the thread reads its messages alone.
  return new Worker(script, {
    workerData: ROLE,
    env: {},
    argv: [],
    stdin: false,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 16 },
  });
}

interface Ran {
  readonly text: PageText;
  readonly isUsable: boolean;
}

function runTask(
  worker: Worker,
  task: PageTask,
  { pageMs, isFresh }: { readonly pageMs: number; readonly isFresh: boolean },
): Promise<Ran> {
  return new Promise((resolve) => {
    const end = (ran: Ran): void => {
      clearTimeout(timer);
      worker.removeAllListeners("message");
      worker.unref();
      resolve(ran);
    };
    const tooLong = (): void => {
      end({ text: { problem: "it takes too long to read" }, isUsable: false });
    };
    let timer = setTimeout(tooLong, isFresh ? START_MS : pageMs);
    const lost = (): void => {
      end({ text: { problem: "it takes too much memory to read" }, isUsable: false });
    };
    worker.ref();
    worker.removeAllListeners("error").removeAllListeners("exit");
    worker.once("error", lost).once("exit", lost);
    worker.on("message", (said: PageText | typeof READY) => {
      if (said !== READY) {
        end({ text: said, isUsable: true });
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(tooLong, pageMs);
    });
    worker.postMessage(task);
  });
}
