/**
 * What became of each payment, on disk before it is acted on: a crash leaves none of which it is not known whether a model was asked
 * for it, whether it has its answer, or whether it may have been settled.
 *
 *     asking → answered → settling → settled
 *        └→ released        └→ answered (the facilitator refused)
 *
 * A line for each step, flushed. A payment is kept until it can be settled no more, and then forgotten: it can then be used no more
 * either.
 */

import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import * as z from "zod";
import type { Hex } from "../../../protocol/bytes.ts";
import { ConfigError, InputError } from "../../../protocol/errors.ts";
import { bytes32 } from "../../../protocol/fields.ts";

/** Payments that are kept at once, each with its answer. */
const MAX_PAYMENTS = 1_000;

const PaidReply = z.strictObject({
  type: z.string(),
  body: z.string(),
  /** Path of the enclave's receipt. */
  receipt: z.string(),
});
export type PaidReply = z.output<typeof PaidReply>;

const Entry = z.strictObject({
  payment: bytes32,
  /** Of the call that it is for. */
  call: bytes32,
  /** Seconds: then no token takes it any more. */
  validBefore: z.int().nonnegative(),
  state: z.enum(["asking", "released", "answered", "settling", "settled"]),
  reply: PaidReply.nullable(),
  /** Of the settlement, as its header tells it. */
  settlement: z.string().nullable(),
});
export type Entry = z.output<typeof Entry>;

export class PaymentJournal {
  readonly #entries = new Map<Hex, Entry>();
  readonly #lock: string;
  readonly #file: number;

  /**
   * What was being asked when a front ended is released: its answer, if there was one, is lost, and the payment is not settled.
   *
   * @throws {ConfigError} CONFIG_INVALID for a journal that another front has, or that is none
   */
  constructor(path: string, nowSeconds: number) {
    this.#lock = `${path}.lock`;
    takeLock(this.#lock);
    try {
      for (const entry of existsSync(path) ? readEntries(path) : []) {
        const isLost = entry.state === "asking";
        this.#entries.set(entry.payment, isLost ? { ...entry, state: "released" } : entry);
      }
      this.#forgetExpired(nowSeconds);
      const next = `${path}.next`;
      this.#file = openSync(next, "w", 0o600);
      for (const entry of this.#entries.values()) writeSync(this.#file, `${JSON.stringify(entry)}\n`);
      fsyncSync(this.#file);
      renameSync(next, path);
    } catch (error) {
      rmSync(this.#lock, { force: true });
      throw error;
    }
  }

  find(payment: Hex): Entry | undefined {
    return this.#entries.get(payment);
  }

  /** @throws {InputError} INPUT_RATE_LIMITED while it is full */
  ask(entry: Pick<Entry, "payment" | "call" | "validBefore">, nowSeconds: number): void {
    this.#forgetExpired(nowSeconds);
    if (this.#entries.size >= MAX_PAYMENTS && !this.#entries.has(entry.payment))
      throw new InputError({ code: "INPUT_RATE_LIMITED", message: "too many paid calls at once: try again" });

    this.#write({ ...entry, state: "asking", reply: null, settlement: null });
  }

  move(payment: Hex, change: Partial<Entry> & Pick<Entry, "state">): Entry {
    const entry = this.#entries.get(payment);
    if (entry === undefined) throw new Error("the journal has no such payment");
    return this.#write({ ...entry, ...change });
  }

  close(): void {
    closeSync(this.#file);
    rmSync(this.#lock, { force: true });
  }

  #write(entry: Entry): Entry {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
    fsyncSync(this.#file);
    this.#entries.set(entry.payment, entry);
    return entry;
  }

  #forgetExpired(nowSeconds: number): void {
    for (const [payment, { validBefore }] of this.#entries)
      if (validBefore < nowSeconds) this.#entries.delete(payment);
  }
}

function readEntries(path: string): Entry[] {
  // What has no end of line was being written when the front ended, and was not acted on.
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  try {
    return lines.map((line) => Entry.parse(JSON.parse(line)));
  } catch (cause) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "the journal of payments cannot be read: what is in it must not be guessed",
      details: { path },
      cause,
    });
  }
}

function takeLock(path: string): void {
  const isTaken = (): boolean => {
    try {
      const file = openSync(path, "wx", 0o600);
      writeSync(file, String(process.pid));
      closeSync(file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  };
  if (isTaken()) return;
  const owner = Number(readFileSync(path, "utf8"));
  if (!isAlive(owner)) {
    // Left by a front that was killed.
    rmSync(path, { force: true });
    if (isTaken()) return;
  }
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: "another front has this journal of payments: give each its own",
    details: { path, pid: owner },
  });
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
