/**
 * Has a program run for each log that it waits for: once the log's block is settled, once for each block hash and place in it. The
 * receipts' files are what remembers it over a restart, and the enclave gives the same answer to whoever asks again.
 */

import { access, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { programHash } from "../../protocol/agent-program.ts";
import { answerStatusName } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError, ChainError, InputError } from "../../protocol/errors.ts";
import { eventRunId } from "../../protocol/event-run.ts";
import { CLOCK_TOLERANCE_SECONDS } from "../../protocol/limits.ts";
import { EventRunCall, proveEvent, type ProvenEvent } from "../../runtime/agents/event-run.ts";
import { ShownReceipt } from "../../runtime/evm/receipts.ts";
import type { ChainContext } from "../chain-context.ts";
import type { ChainHead } from "../chain/chain-source.ts";
import type { ChainCall } from "../chain/contracts/agent-account.ts";
import { askedLogs } from "../chain/rpc/asked-logs.ts";
import { Log, toQuantity } from "../chain/rpc/block.ts";
import type { EnclaveClient } from "../enclaves/enclave-client.ts";
import type { EnclaveSession } from "../enclaves/enclave-session.ts";
import { isSessionFailure } from "../enclaves/enclave-set.ts";
import { checkSignedEvent, toEventReceipt } from "./signed-run.ts";
import { readBlock } from "./slot-blocks.ts";

export interface ServedEvent {
  readonly address: Hex;
  /** In their places; null: any. */
  readonly topics: readonly (Hex | null)[];
  /** File of the program. */
  readonly program: string;
  /** Folder for receipts. */
  readonly receipts: string;
  /** Blocks before the settled one that are looked through after a start. */
  readonly lookbackBlocks: number;
}

export interface EventSession extends Pick<EnclaveSession, "url" | "keysetId" | "attestation"> {
  readonly client: Pick<EnclaveClient, "putProgram" | "runForEvent">;
}

export interface EventWatchOptions extends Pick<ChainContext, "chainId" | "log" | "now"> {
  readonly rpc: { readonly call: ChainCall };
  readonly events: readonly ServedEvent[];
  /** Blocks in one question for logs. */
  readonly maxRange: number;
  readonly sessions: () => readonly EventSession[];
  readonly drop: (session: EventSession, error: unknown) => void;
}

interface Watched {
  readonly event: ServedEvent;
  /** The first block that was not looked through. */
  nextBlock: number | undefined;
  /** Oldest first. */
  waiting: Log[];
  isRunning: boolean;
  /** Milliseconds: nothing is tried before this time. */
  restUntil: number;
  failures: number;
}

const FIRST_REST_MS = 2_000;
const LONGEST_REST_MS = 60_000;

export class EventWatch {
  readonly #options: EventWatchOptions;
  readonly #watched: readonly Watched[];
  readonly #running = new Set<Promise<void>>();

  constructor(options: EventWatchOptions) {
    this.#options = options;
    this.#watched = options.events.map((event) => ({
      event,
      nextBlock: undefined,
      waiting: [],
      isRunning: false,
      restUntil: 0,
      failures: 0,
    }));
  }

  /** Looks for logs, and begins the oldest one's run beside everything else. What fails rests, longer each time, and holds up no other. */
  async look({ settledNumber }: Pick<ChainHead, "settledNumber">): Promise<void> {
    for (const watched of this.#watched) {
      if (this.#options.now() < watched.restUntil) continue;
      try {
        await this.#find(watched, settledNumber);
      } catch (error) {
        if (!(error instanceof AdytonError)) throw error;
        this.#rest(watched, error as AdytonError);
      }
      this.#begin(watched);
    }
  }

  /** Resolves once what was begun has ended. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #find(watched: Watched, settled: number): Promise<void> {
    const { address, topics, lookbackBlocks } = watched.event;
    const from = watched.nextBlock ?? Math.max(0, settled - lookbackBlocks + 1);
    const to = Math.min(settled, from + this.#options.maxRange - 1);
    if (from > to) return;
    const filter = { address, topics, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
    const found = await this.#options.rpc.call("eth_getLogs", [filter], z.array(Log));
    watched.waiting.push(...askedLogs(found, filter));
    watched.nextBlock = to + 1;
  }

  #begin(watched: Watched): void {
    const [found] = watched.waiting;
    if (watched.isRunning || found === undefined) return;
    const [session] = this.#options.sessions();
    if (session === undefined) return;
    watched.isRunning = true;
    const { log, drop } = this.#options;
    const running = this.#run(watched.event, session, found)
      .then(() => {
        watched.waiting.shift();
        watched.failures = 0;
      })
      .catch((error: unknown) => {
        if (isSessionFailure(error)) drop(session, error);
        // What is refused for good would be refused again.
        if (error instanceof InputError) {
          watched.waiting.shift();
          log.warn("event.refused", { ...placeOf(found), error });
        } else {
          this.#rest(watched, error);
        }
      })
      .finally(() => {
        watched.isRunning = false;
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  async #run(event: ServedEvent, session: EventSession, found: Log): Promise<void> {
    const { log, chainId, now } = this.#options;
    const file = await readFile(event.program);
    const { blockHash, logIndex } = found;
    const run = { chainId: BigInt(chainId), blockHash, logIndex, programHash: programHash(file) };
    const receiptFile = join(event.receipts, `${eventRunId(run)}.json`);
    if (await exists(receiptFile)) return;
    const { call, proven } = await this.#prove(event, run, found);
    if (Number(proven.deadline) + CLOCK_TOLERANCE_SECONDS < now() / 1_000) {
      log.warn("event.expired", placeOf(found));
      return;
    }
    const { client, attestation } = session;
    // Before anything is paid for: a receipt that cannot be kept would be asked for anew at every look.
    createFolder(event.receipts);
    // An enclave that restarted has no programs.
    await client.putProgram(file);
    const signed = await client.runForEvent(JSON.stringify(z.encode(EventRunCall, call)));
    checkSignedEvent(proven, signed, attestation.keyset);
    // Whole or not at all: that it is there says that the log was run for.
    await writeFile(`${receiptFile}.part`, toEventReceipt(proven, signed, attestation.keyset));
    await rename(`${receiptFile}.part`, receiptFile);
    const { status } = signed.answer;
    log.info("event.ran", {
      ...placeOf(found),
      requestId: proven.requestId,
      status: answerStatusName(status) ?? status,
    });
  }

  /** @throws {InputError} for a log whose block the chain has no more; {ChainError} for a server that proves nothing */
  async #prove(
    { address, topics }: ServedEvent,
    run: Pick<EventRunCall, "chainId" | "programHash" | "logIndex"> & { readonly blockHash: Hex },
    { blockNumber }: Log,
  ): Promise<{ readonly call: EventRunCall; readonly proven: ProvenEvent }> {
    const { rpc } = this.#options;
    const ask: ChainCall = rpc.call.bind(rpc);
    const block = await readBlock(ask, blockNumber);
    if (block.hash !== run.blockHash)
      throw new InputError({ code: "INPUT_INVALID", message: "a reorg took the log's block back" });
    const receipts = await ask("eth_getBlockReceipts", [toQuantity(blockNumber)], z.array(ShownReceipt));
    const { chainId, programHash: program, logIndex } = run;
    const call: EventRunCall = { chainId, programHash: program, logIndex, block, receipts };
    try {
      const proven = proveEvent(call);
      const isTheOne =
        proven.log.address === address &&
        topics.every((topic, at) => topic === null || proven.log.topics[at] === topic);
      if (isTheOne) return { call, proven };
    } catch (error) {
      if (!(error instanceof InputError) || error.code === "INPUT_TOO_LARGE") throw error;
    }
    throw new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: "the server shows a log that its block's receipts do not have",
      details: { blockNumber, logIndex },
    });
  }

  #rest(watched: Watched, error: unknown): void {
    const { log, now } = this.#options;
    const rest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(watched.failures, 10));
    watched.failures += 1;
    watched.restUntil = now() + rest;
    log.warn("event.failed", { address: watched.event.address, restMs: rest, error });
  }
}

function placeOf({ address, blockHash, logIndex }: Log): Readonly<Record<string, string | number>> {
  return { address, blockHash, logIndex };
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
