/**
 * Settles ledgers: reads what was asked, records the chain's end when it is time, has entries answered and epochs signed, and plans the
 * transactions. Nothing is stored: a restart, an empty store or another node finds all of it in the ledger's logs, and enclaves say again what
 * they said.
 */

import type { LedgerName, LedgerTerms } from "../../../coprocessor/ledger/entry.ts";
import { Ledger } from "../../../coprocessor/ledger/ledger.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { AdytonError, UpstreamError } from "../../../protocol/errors.ts";
import type { ChainContext } from "../../chain-context.ts";
import type { ChainHead } from "../../chain/chain-source.ts";
import {
  encodeCheckpoint,
  estimateLedgerGas,
  isCheckpointed,
  readBlockHash,
  readLedgerLogs,
  readLedgerProgress,
  readLedgerTerms,
} from "../../chain/contracts/snapshot-ledger.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import { isSessionFailure } from "../../enclaves/enclave-set.ts";
import type { PlannedTransaction } from "../../transmitter/planned-transaction.ts";
import { settleEpoch, type AnswerCache } from "./settle-epoch.ts";

export interface LedgerSection {
  readonly address: Hex;
  readonly fromBlock: number;
  readonly checkpointSeconds: number;
  readonly checkpointEntries: number;
}

export interface LedgerPlannerOptions extends Omit<ChainContext, "store"> {
  readonly ledgers: readonly LedgerSection[];
  /** Whose account is named as the sender when estimating. */
  readonly from: Hex;
  /** Wei per gas: the ledger's price pays for it, or nobody. */
  readonly feeCap: bigint;
  /** Blocks in one `eth_getLogs`. */
  readonly maxRange: number;
  /** Enclaves of this node that are admitted under a policy now. */
  readonly admitted: (policyId: Hex) => readonly EnclaveSession[];
  readonly drop: (session: EnclaveSession, error: unknown) => void;
  /** Whether a transaction to the ledger waits to be mined. */
  readonly hasOpen: (ledger: Hex) => Promise<boolean>;
  /** Something can be sent that could not before. */
  readonly onReady: () => void;
}

interface Watched extends LedgerSection {
  terms: LedgerTerms | undefined;
  ledger: Ledger;
  readTo: number;
  /** Blocks in one `eth_getLogs`: fewer where the server refused more. */
  range: number;
  /** Milliseconds: when entries were first seen to wait without a checkpoint. */
  waitingSince: number | undefined;
  readonly answers: AnswerCache;
  work: Promise<void> | undefined;
  ready: Hex | undefined;
  /** Milliseconds: nothing is tried before this time. */
  restUntil: number;
  failures: number;
  bug: unknown;
}

const FIRST_REST_MS = 2_000;
const LONGEST_REST_MS = 300_000;

export class LedgerPlanner {
  readonly #options: LedgerPlannerOptions;
  readonly #ledgers: readonly Watched[];
  readonly #stopping = new AbortController();

  constructor(options: LedgerPlannerOptions) {
    this.#options = options;
    this.#ledgers = options.ledgers.map((section) => ({
      ...section,
      terms: undefined,
      ledger: Ledger.fromLogs([]),
      readTo: section.fromBlock - 1,
      range: options.maxRange,
      waitingSince: undefined,
      answers: new Map(),
      work: undefined,
      ready: undefined,
      restUntil: 0,
      failures: 0,
      bug: undefined,
    }));
  }

  /** What can be sent now. Models are asked beside it: nothing else waits for them. */
  async plan(head: ChainHead): Promise<PlannedTransaction[]> {
    const planned: PlannedTransaction[] = [];
    for (const ledger of this.#ledgers) {
      if (ledger.bug !== undefined) throw new Error("a ledger's relay failed", { cause: ledger.bug });
      if (this.#options.now() < ledger.restUntil || ledger.work !== undefined) continue;
      if (ledger.ready === undefined) this.#start(ledger, head);
      else planned.push(...(await this.#take(ledger, ledger.ready, head)));
    }
    return planned;
  }

  /** Resolves when what is under way has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#ledgers.map(({ work }) => work ?? Promise.resolve()));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.idle();
  }

  #start(ledger: Watched, head: ChainHead): void {
    ledger.work = this.#advance(ledger, head)
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        if (error instanceof AdytonError) this.#rest(ledger, error as AdytonError);
        else ledger.bug = error;
      })
      .finally(() => {
        ledger.work = undefined;
        if (ledger.ready !== undefined || ledger.readTo < head.settledNumber) this.#options.onReady();
      });
  }

  async #advance(ledger: Watched, head: ChainHead): Promise<void> {
    const { rpc } = this.#options;
    ledger.terms ??= await readLedgerTerms(rpc, ledger.address);
    await this.#follow(ledger, head.settledNumber);
    if (ledger.readTo < head.settledNumber) return;
    const { position, epochs } = await readLedgerProgress(rpc, ledger.address);
    // What was sent is mined, and not yet settled: it would be sent again.
    if (epochs !== ledger.ledger.epochs) return;
    const next = ledger.ledger.nextCheckpoint();
    if (next !== null) ledger.ready = await this.#settle(ledger, ledger.terms, next);
    else if (this.#isCheckpointDue(ledger) && !(await isCheckpointed(rpc, ledger.address, position)))
      ledger.ready = encodeCheckpoint();
  }

  /** Of settled blocks alone: an entry that a reorg could take back is not asked of any model. */
  async #follow(ledger: Watched, settledNumber: number): Promise<void> {
    const { rpc, maxRange } = this.#options;
    const from = ledger.readTo + 1;
    if (from > settledNumber) return;
    const to = Math.min(settledNumber, from + ledger.range - 1);
    let logs;
    try {
      logs = await readLedgerLogs(rpc, ledger.address, { from, to });
    } catch (error) {
      // Servers cap the blocks of one reply, each in words of its own.
      ledger.range = Math.max(1, Math.floor((to - from + 1) / 2));
      throw error;
    }
    ledger.range = Math.min(maxRange, ledger.range * 2);
    const { epochs } = ledger.ledger;
    try {
      ledger.ledger.follow(logs);
    } catch (error) {
      // A reorg beyond the confirmations, or a server that left something out: read again from the start.
      ledger.ledger = Ledger.fromLogs([]);
      ledger.readTo = ledger.fromBlock - 1;
      throw error;
    }
    ledger.readTo = to;
    if (ledger.ledger.epochs !== epochs) ledger.answers.clear();
  }

  #isCheckpointDue(ledger: Watched): boolean {
    const { now } = this.#options;
    const waiting = ledger.ledger.waiting().length;
    if (waiting === 0) {
      ledger.waitingSince = undefined;
      return false;
    }
    ledger.waitingSince ??= now();
    const waited = now() - ledger.waitingSince;
    return waiting >= ledger.checkpointEntries || waited >= ledger.checkpointSeconds * 1_000;
  }

  async #settle(
    ledger: Watched,
    terms: LedgerTerms,
    closing: NonNullable<ReturnType<Ledger["nextCheckpoint"]>>,
  ): Promise<Hex> {
    const { chainId, rpc, admitted, drop, log } = this.#options;
    ledger.waitingSince = undefined;
    const name: LedgerName = { chainId: BigInt(chainId), ledger: ledger.address, terms };
    const members = admitted(terms.policyId).slice(0, terms.threshold);
    if (members.length < terms.threshold) {
      throw new UpstreamError({
        code: "ENCLAVE_UNAVAILABLE",
        message: "the ledger wants answers of more enclaves than this node has admitted under its policy",
        details: { ledger: ledger.address, threshold: terms.threshold, admitted: members.length },
      });
    }
    const data = await settleEpoch({
      name,
      ledger: ledger.ledger,
      closing,
      stateBlockHash: await readBlockHash(rpc, closing.checkpoint.blockNumber),
      members,
      kept: ledger.answers,
      onFailure: (session, error) => {
        if (isSessionFailure(error)) drop(session, error);
      },
      signal: this.#stopping.signal,
    });
    log.info("ledger.epoch-signed", {
      ledger: ledger.address,
      epoch: ledger.ledger.epochs,
      rows: Number(closing.position - ledger.ledger.settled),
    });
    return data;
  }

  async #take(ledger: Watched, data: Hex, head: ChainHead): Promise<PlannedTransaction[]> {
    const { rpc, from, feeCap, hasOpen } = this.#options;
    if (feeCap < (head.latest.baseFeePerGas ?? 0n) || (await hasOpen(ledger.address))) return [];
    try {
      const gas = await estimateLedgerGas(rpc, { from, to: ledger.address, data });
      ledger.failures = 0;
      ledger.ready = undefined;
      // A quarter more: state may change until it is mined.
      const gasLimit = gas + Math.ceil(gas / 4);
      return [{ kind: "ledger", to: ledger.address, data, gasLimit, feeCap, requestIds: [] }];
    } catch (error) {
      if (!(error instanceof AdytonError)) throw error;
      // Another settled first, or it is another settler's turn: what is due is found out anew.
      if (error.code === "CHAIN_REVERTED") ledger.ready = undefined;
      this.#rest(ledger, error as AdytonError);
      return [];
    }
  }

  #rest(ledger: Watched, error: AdytonError): void {
    const { log, now } = this.#options;
    const rest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(ledger.failures, 10));
    ledger.failures += 1;
    ledger.restUntil = now() + rest;
    log.warn("ledger.failed", { ledger: ledger.address, restMs: rest, error });
  }
}
