/** Threads for work that somebody else chose: one task at a time each, ended with whatever takes too long or too much. */

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/** Milliseconds for a thread to load: a task's own begin when it has, or a busy machine would refuse honest ones. */
const START_MS = 30_000;
/** Threads at most, of which each has a heap of its own. */
const THREADS = 2;
const HEAP_MB = 128;
/** Above what the deepest nesting of a task takes. */
const STACK_MB = 16;

/** A thread's first message. */
const READY = "ready";

/** Whether this is a thread for such tasks. */
export function isThreadFor(role: string): boolean {
  return !isMainThread && workerData === role;
}

/** The thread's tasks, one after another. */
export function serveTasks(perform: (task: never) => unknown): void {
  parentPort?.on("message", (task: unknown) => {
    parentPort?.postMessage(perform(task as never));
  });
  parentPort?.postMessage(READY);
}

export interface TaskThreadsOptions<Result> {
  /** Calls `serveTasks` where `isThreadFor(role)` holds; loaded when the first task comes. */
  readonly script: URL;
  /** What a thread of the enclave's one file is told, to know what it is for. */
  readonly role: string;
  /** Milliseconds for one task: far above what an honest one takes. */
  readonly taskMs: number;
  readonly threads?: number;
  /** The result of a task that was ended for what it took. */
  readonly ended: (tookToo: "long" | "much memory") => Result;
}

interface Waiting<Result> {
  readonly task: unknown;
  readonly resolve: (result: Result) => void;
}

export function createTaskThreads<Result>(
  options: TaskThreadsOptions<Result>,
): (task: unknown) => Promise<Result> {
  const { script, role, threads = THREADS } = options;
  const queue: Waiting<Result>[] = [];
  const idle: Worker[] = [];
  let running = 0;
  const next = (): void => {
    if (running >= threads) return;
    const waiting = queue.shift();
    if (waiting === undefined) return;
    running += 1;
    const started = idle.pop();
    const worker = started ?? startThread(script, role);
    void runTask(worker, waiting.task, { ...options, isFresh: started === undefined }).then(
      ({ result, isUsable }) => {
        running -= 1;
        if (isUsable) idle.push(worker);
        else void worker.terminate();
        waiting.resolve(result);
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

function startThread(script: URL, role: string): Worker {
  // Nothing of this process's surroundings: the thread reads its messages alone.
  return new Worker(script, {
    workerData: role,
    env: {},
    argv: [],
    stdin: false,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 16, stackSizeMb: STACK_MB },
  });
}

interface Ran<Result> {
  readonly result: Result;
  readonly isUsable: boolean;
}

function runTask<Result>(
  worker: Worker,
  task: unknown,
  { taskMs, ended, isFresh }: TaskThreadsOptions<Result> & { readonly isFresh: boolean },
): Promise<Ran<Result>> {
  return new Promise((resolve) => {
    const end = (ran: Ran<Result>): void => {
      clearTimeout(timer);
      worker.removeAllListeners("message");
      worker.unref();
      resolve(ran);
    };
    const tooLong = (): void => {
      end({ result: ended("long"), isUsable: false });
    };
    let timer = setTimeout(tooLong, isFresh ? START_MS : taskMs);
    const lost = (): void => {
      end({ result: ended("much memory"), isUsable: false });
    };
    worker.ref();
    worker.removeAllListeners("error").removeAllListeners("exit");
    worker.once("error", lost).once("exit", lost);
    worker.on("message", (said: Result | typeof READY) => {
      if (said !== READY) {
        end({ result: said, isUsable: true });
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(tooLong, taskMs);
    });
    worker.postMessage(task);
  });
}
