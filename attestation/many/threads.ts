/** Threads, where the runtime has Node's. Nothing is imported for them: the same file loads in a browser, which has none of these. */

export interface Thread {
  postMessage(message: unknown): void;
  on(event: "message", listener: (message: never) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "exit", listener: (code: number) => void): void;
  ref(): void;
  unref(): void;
  terminate(): Promise<number>;
}

export interface Threads {
  readonly Worker: new (file: URL) => Thread;
  readonly parentPort: Pick<Thread, "postMessage" | "on"> | null;
  /** Cores that this process may use. */
  readonly cores: number;
}

interface Runtime {
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
}

/** Null in a browser, and in Node before 20.16. */
export function threadsOf(runtime: Runtime): Threads | null {
  const load = runtime.process?.getBuiltinModule;
  if (load === undefined) return null;
  const threads = load("node:worker_threads") as Pick<Threads, "Worker" | "parentPort">;
  const { availableParallelism } = load("node:os") as { readonly availableParallelism: () => number };
  return { Worker: threads.Worker, parentPort: threads.parentPort, cores: availableParallelism() };
}
