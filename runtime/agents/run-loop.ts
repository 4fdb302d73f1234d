/**
 * Runs a program: the guest goes on until it waits for the host; then the calls that it made start, all at once, and the result of
 * the lowest of those still open is delivered; and so on. Which result comes first in time decides nothing, so that whoever has
 * the results gets the same run.
 */

import { toUtf8 } from "../../protocol/bytes.ts";
import type { RunOutcome } from "../../protocol/agent-events.ts";
import { ProgramNotLoaded, Sandbox, SandboxTrap, type SandboxImage } from "./sandbox.ts";

export interface RunTerms {
  readonly source: string;
  /** JSON. */
  readonly input: string;
  /** JSON of what the prelude needs to know of the run. */
  readonly terms: string;
  /** Seconds. */
  readonly now: number;
  readonly gas: bigint;
  readonly memoryBytes: number;
  readonly calls: number;
  readonly openCalls: number;
  readonly endsOnHostFailure: boolean;
}

export interface Call {
  readonly number: number;
  readonly op: string;
  /** JSON, as it crossed. */
  readonly args: string;
}

export interface CallDelivery {
  /** JSON, as it crosses. */
  readonly text: string;
  /** The call failed as whoever runs the machine could have made it fail. */
  readonly isHostFailure: boolean;
}

export interface RunEnd {
  readonly outcome: RunOutcome;
  /** The returned value as JSON, or the thrown one in words; null where there is neither. */
  readonly result: string | null;
  readonly gas: bigint;
  readonly calls: number;
  readonly logs: readonly string[];
  /** Whether a call that was delivered had failed as the host could have made it fail. */
  readonly sawHostFailure: boolean;
}

/** Bytes of a call's arguments, and of all lines that a run logs. */
export const MAX_ARGS_BYTES = 512 * 1024;
export const MAX_LOG_BYTES = 16 * 1024;
/** Each is an event of the transcript, also one that says nothing. */
export const MAX_LOG_LINES = 512;

const REFUSED_CALL = -1;
const REFUSED_SIZE = -2;

interface Open extends Call {
  readonly settled: Promise<CallDelivery>;
}

/** @param perform brings a call's result; whatever it throws ends the run and is thrown on */
export async function runProgram(
  image: SandboxImage,
  terms: RunTerms,
  perform: (call: Call) => Promise<CallDelivery>,
): Promise<RunEnd> {
  const run = new Run(image, terms, perform);
  return await run.go();
}

class Run {
  readonly #terms: RunTerms;
  readonly #perform: (call: Call) => Promise<CallDelivery>;
  readonly #sandbox: Sandbox;
  readonly #logs: string[] = [];
  /** Calls made in this turn of the guest's: they start when it has ended well. */
  #made: Call[] = [];
  #open: Open[] = [];
  #calls = 0;
  #logBytes = 0;
  #end: { readonly outcome: RunOutcome; readonly result: string | null } | null = null;
  #sawHostFailure = false;

  constructor(image: SandboxImage, terms: RunTerms, perform: (call: Call) => Promise<CallDelivery>) {
    this.#terms = terms;
    this.#perform = perform;
    this.#sandbox = new Sandbox(image, {
      gas: terms.gas,
      memoryBytes: terms.memoryBytes,
      now: terms.now,
      onCall: (op, args) => this.#onCall(op, args),
    });
  }

  async go(): Promise<RunEnd> {
    const { source, input, terms } = this.#terms;
    this.#turn(() => {
      this.#sandbox.start(source, input, terms);
    });
    while (this.#end === null) {
      const [next] = this.#open;
      if (next === undefined) {
        this.#end = { outcome: "stuck", result: null };
        break;
      }
      const delivery = await next.settled;
      this.#open.shift();
      this.#sawHostFailure ||= delivery.isHostFailure;
      if (delivery.isHostFailure && this.#terms.endsOnHostFailure) {
        this.#end = { outcome: "hostFailure", result: null };
        break;
      }
      this.#turn(() => {
        this.#sandbox.settle(next.number, delivery.text);
      });
    }
    // They were sent: they are recorded, and nobody waits for what they bring.
    await Promise.all(this.#open.map(({ settled }) => settled));
    const left = this.#sandbox.gasLeft;
    return {
      ...this.#end,
      gas: this.#terms.gas - (left < 0n ? 0n : left),
      calls: this.#calls,
      logs: this.#logs,
      sawHostFailure: this.#sawHostFailure,
    };
  }

  #turn(step: () => void): void {
    this.#made = [];
    const before = this.#calls;
    try {
      step();
    } catch (error) {
      const outcome = outcomeOf(error);
      if (outcome === null) throw error;
      // A guest that traps has sent nothing in that turn.
      this.#calls = before;
      this.#end = { outcome, result: null };
      return;
    }
    for (const call of this.#made) {
      const settled = this.#perform(call);
      // Awaited in its turn; until then a failure is no unhandled rejection.
      settled.catch(() => undefined);
      this.#open.push({ ...call, settled });
    }
  }

  #onCall(op: string, args: string): number {
    switch (op) {
      case "gas":
        return Number(this.#sandbox.gasLeft);
      case "log":
        return this.#log(args);
      case "return":
      case "throw":
        this.#end ??= { outcome: op === "return" ? "returned" : "threw", result: args };
        return 0;
      default:
        return this.#makeCall(op, args);
    }
  }

  /** What is beyond the limit is not written, and nobody is told. */
  #log(text: string): number {
    this.#logBytes += bytesOf(text, MAX_LOG_BYTES);
    if (this.#logBytes <= MAX_LOG_BYTES && this.#logs.length < MAX_LOG_LINES) this.#logs.push(text);
    return 0;
  }

  #makeCall(op: string, args: string): number {
    const { calls, openCalls } = this.#terms;
    const open = this.#open.length + this.#made.length;
    if (this.#end !== null || this.#calls >= calls || open >= openCalls) return REFUSED_CALL;
    if (op.length > 32 || bytesOf(args, MAX_ARGS_BYTES) > MAX_ARGS_BYTES) return REFUSED_SIZE;
    const number = this.#calls;
    this.#calls += 1;
    this.#made.push({ number, op, args });
    return number;
  }
}

/** Of UTF-8; of a text that has more than `most` without that, its characters. */
function bytesOf(text: string, most: number): number {
  return text.length > most ? text.length : toUtf8(text).length;
}

function outcomeOf(error: unknown): RunOutcome | null {
  if (error instanceof SandboxTrap) return error.trap;
  return error instanceof ProgramNotLoaded ? "notLoaded" : null;
}
