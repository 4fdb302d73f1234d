/** Threads for programs: a guest cannot be interrupted, so that it is kept away from the thread that answers everybody. */

import { Worker } from "node:worker_threads";
import { InputError } from "../../protocol/errors.ts";
import type { Call, CallDelivery, RunEnd, RunTerms } from "../../runtime/agents/run-loop.ts";
import type { SandboxFiles } from "../../runtime/agents/sandbox.ts";
import { WORKER } from "./sandbox-files.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** Above what the deepest nesting takes by far: a stack that ends before the engine does would be a bug. */
const STACK_MB = 16;

/** A thread was lost, and its runs with it. */
export class WorkerLost extends Error {}

interface Running {
  readonly perform: (call: Call) => Promise<CallDelivery>;
  readonly resolve: (end: RunEnd) => void;
  readonly reject: (error: Error) => void;
}

export interface WorkerPoolOptions {
  readonly files: SandboxFiles;
  readonly threads: number;
  readonly concurrentRuns: number;
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #threads: Thread[] = [];
  #runs = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** @throws {InputError} INPUT_RATE_LIMITED when too many programs run; {WorkerLost} for what is no program's fault */
  async run(terms: RunTerms, perform: Running["perform"]): Promise<RunEnd> {
    if (this.#runs >= this.#options.concurrentRuns) {
      throw new InputError({
        code: "INPUT_RATE_LIMITED",
        message: "too many programs run already: ask again",
      });
    }
    this.#runs += 1;
    try {
      return await this.#thread().run(terms, perform);
    } finally {
      this.#runs -= 1;
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.stop()));
  }

  /** The one with the fewest programs, among as many as there may be. */
  #thread(): Thread {
    const free = this.#threads.find(({ size }) => size === 0);
    if (free !== undefined) return free;
    if (this.#threads.length < this.#options.threads) {
      const thread = new Thread(this.#options.files, () => {
        this.#threads.splice(this.#threads.indexOf(thread), 1);
      });
      this.#threads.push(thread);
      return thread;
    }
    return this.#threads.reduce((least, thread) => (thread.size < least.size ? thread : least));
  }
}

class Thread {
  readonly #worker: Worker;
  readonly #running = new Map<number, Running>();
  #next = 0;

  constructor(files: SandboxFiles, onLost: () => void) {
    this.#worker = new Worker(WORKER, {
      eval: typeof WORKER === "string",
      workerData: files,
      resourceLimits: { stackSizeMb: STACK_MB },
      env: {},
      stdin: false,
    });
    this.#worker.on("message", (message: FromWorker) => {
      this.#onMessage(message);
    });
    let failure: unknown = null;
    this.#worker.on("error", (error: unknown) => {
      failure = error;
    });
    this.#worker.on("exit", () => {
      onLost();
      for (const { reject } of this.#running.values())
        reject(new WorkerLost("a thread was lost", { cause: failure }));
      this.#running.clear();
    });
    this.#worker.unref();
  }

  get size(): number {
    return this.#running.size;
  }

  run(terms: RunTerms, perform: Running["perform"]): Promise<RunEnd> {
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      this.#running.set(id, { perform, resolve, reject });
      this.#say({ kind: "run", run: id, terms });
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #say(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #onMessage(message: FromWorker): void {
    const running = this.#running.get(message.run);
    if (running === undefined) return;
    if (message.kind === "call") {
      const { run, call } = message;
      running.perform(call).then(
        (delivery) => {
          this.#say({ kind: "result", run, call: call.number, delivery });
        },
        (error: unknown) => {
          this.#running.delete(run);
          running.reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
      return;
    }
    this.#running.delete(message.run);
    if (message.kind === "end") running.resolve(message.end);
    else running.reject(new WorkerLost(message.reason));
  }
}
