import { appendFileSync } from "node:fs";
import { type OracleProcess, startOracleProcess } from "../oracle/support/oracle-process.ts";

/** A step and how often a node may still reach it before it dies there. */
interface Target {
  readonly step: string;
  remaining: number;
  readonly hit: () => void;
}

export interface NodeHealth {
  readonly status: "ok" | "degraded";
  readonly store: { readonly writable: boolean };
}

const HEALTH_WITHIN_MS = 3_000;

/** How long a node is tried to be started: it ends by itself when its database is not there, as under systemd. */
const START_ATTEMPTS = 20;
const RESTART_MS = 1_000;

/** An oracle node that can be killed as it says that it has reached a step. */
export class Node {
  readonly #config: string;
  readonly #logFile: string;
  readonly #onEnd: (log: string) => void;
  #process: OracleProcess | undefined;
  #target: Target | undefined;
  #partialLine = "";
  #stopping = false;

  /** @param onEnd the process ended, and nobody had killed it */
  constructor(config: string, logFile: string, onEnd: (log: string) => void) {
    this.#config = config;
    this.#logFile = logFile;
    this.#onEnd = onEnd;
  }

  async start(): Promise<void> {
    const started = await this.#startPatiently();
    this.#process = started;
    void started.exited.then((code) => {
      if (!this.#stopping && code !== null) this.#onEnd(started.log());
    });
  }

  /** Resolves when it has been killed as it reached `step` for the `occurrence`-th time from now. */
  dieAt(step: string, occurrence: number): Promise<this> {
    return new Promise((resolve) => {
      const hit = (): void => {
        resolve(this);
      };
      this.#target = { step, remaining: occurrence, hit };
    });
  }

  spare(): void {
    this.#target = undefined;
  }

  async kill(): Promise<void> {
    await this.#process?.stop("SIGKILL");
  }

  /** Of its health, what it says of all, and whether its store takes rows; `undefined` while it is not there. */
  async health(): Promise<NodeHealth | undefined> {
    const { url } = this.#process ?? {};
    if (url === undefined) return undefined;
    const options = { signal: AbortSignal.timeout(HEALTH_WITHIN_MS) };
    const response = await fetch(`${url}/v1/health`, options).catch(() => undefined);
    return (await response?.json().catch(() => undefined)) as NodeHealth | undefined;
  }

  /** @returns the exit code */
  async stop(): Promise<number | null> {
    this.#stopping = true;
    return (await this.#process?.stop("SIGTERM")) ?? null;
  }

  async #startPatiently(): Promise<OracleProcess> {
    for (let attempt = 1; ; attempt += 1) {
      this.#partialLine = "";
      try {
        return await startOracleProcess(this.#config, (text) => {
          appendFileSync(this.#logFile, text);
          this.#read(text);
        });
      } catch (error) {
        if (attempt === START_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
      }
    }
  }

  #read(text: string): void {
    const lines = (this.#partialLine + text).split("\n");
    this.#partialLine = lines.pop() ?? "";
    for (const line of lines) {
      const target = this.#target;
      if (target !== undefined && line.includes(`"step.${target.step}"`)) {
        target.remaining -= 1;
        if (target.remaining === 0) {
          this.#target = undefined;
          void this.kill();
          target.hit();
        }
      }
    }
  }
}
