import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError, ChainError } from "../../protocol/errors.ts";
import { Wakeable } from "../engine/wakeable.ts";
import type { Logger } from "../log.ts";
import { type BlockHeader, quantity } from "./rpc/block.ts";
import { BusyContracts } from "./busy-contracts.ts";
import {
  type BlockId,
  type ChainRange,
  CHECKED_RANGE,
  type RangeToRead,
  readFinalized,
  readHead,
  readHeader,
  readRange,
} from "./chain-reader.ts";
import type { RpcEndpoint } from "./rpc/rpc-endpoint.ts";
import { callEndpoint, type RpcPool, stepFailureLevel } from "./rpc/rpc-pool.ts";

/** The stored past of the chain, and what to do with its news. Each method commits or throws as one. */
export interface ChainJournal {
  /** Whether this process is the one that writes it. */
  isOurs(): boolean;
  /** Stored blocks from the newest down, at most `limit`, below `below`. */
  storedBlocks(limit: number, below?: number): Promise<BlockId[]>;
  /** Forgets every block above `ancestor` (all when undefined) and what was read from them. */
  rollback(ancestor: BlockId | undefined): Promise<void>;
  append(range: ChainRange, head: ChainHead): Promise<void>;
}

export interface ChainHead {
  readonly latest: BlockHeader;
  /** The newest block that counts as settled: enough confirmations, or finalized. */
  readonly settledNumber: number;
}

export interface ChainSourceOptions {
  readonly chainId: number;
  readonly rpc: RpcPool;
  readonly journal: ChainJournal;
  readonly log: Logger;
  readonly addresses: readonly Hex[];
  /** The first block worth reading: that of the coordinator's deployment. */
  readonly fromBlock: number;
  /** Blocks on top of a block before it counts; "finalized" asks the node. */
  readonly confirmations: number | "finalized";
  readonly pollMs: number;
  /** Blocks in one `eth_getLogs`, at most: a server that refuses so many is asked for fewer. */
  readonly maxRange: number;
  readonly onHead: (head: ChainHead) => void;
  /** Blocks below the newest one read that a reorg may reach; 64 by default, and never below what counts as settled by more. */
  readonly maxReorgBlocks?: number;
  /** Milliseconds. */
  readonly now: () => number;
}

/** A chain that took back what must not be taken back, or shows another history: nothing is done until a person has looked. */
export interface FinalityViolation {
  /** Newest block that was read. */
  readonly from: number;
  /** Newest block that both histories share; -1 for none. */
  readonly to: number;
  /** Newest block that counted as settled, where it is known. */
  readonly settled: number | undefined;
}

/** Two epochs of Ethereum: what is older is final there, and no chain's ordinary reorg is so deep. */
const MAX_REORG_BLOCKS = 64;

/** Some seconds are an ordinary outage; and where the head is seldom asked for, one lost answer is. */
const STALLED_AFTER_MS = 30_000;
const STALLED_AFTER_POLLS = 5;

/**
 * Follows one chain: every block once, in order, with walk-back to the common ancestor when the chain was reorganised.
 * The cursor is the newest stored block; it moves in the same transaction as what was read from the block.
 */
export class ChainSource {
  readonly #options: ChainSourceOptions;
  readonly #loop: Wakeable;
  readonly #busy = new BusyContracts();
  #cursor: BlockId | undefined;
  #loaded = false;
  /** Whether what was last read did not descend from the cursor. */
  #isDoubtful = false;
  #head: ChainHead | undefined;
  #range: number;
  /** Milliseconds. */
  #followedAt: number | undefined;
  #violation: FinalityViolation | undefined;
  #isReorgAccepted = false;
  /** Deepest reorg that was followed, in blocks. */
  #deepestReorg = 0;
  #knowsFinality = true;

  constructor(options: ChainSourceOptions) {
    this.#options = options;
    this.#range = options.maxRange;
    this.#loop = new Wakeable(options.pollMs, () => this.#step());
  }

  get head(): ChainHead | undefined {
    return this.#head;
  }

  get cursor(): BlockId | undefined {
    return this.#cursor;
  }

  /** Whether for long no step has got as far as the chain, or further than before. */
  get isStalled(): boolean {
    const { now, pollMs } = this.#options;
    const longest = Math.max(STALLED_AFTER_MS, STALLED_AFTER_POLLS * pollMs);
    return this.#followedAt === undefined || now() - this.#followedAt > longest;
  }

  /** Milliseconds: when the chain was last followed, and its news committed. */
  get followedAt(): number | undefined {
    return this.#followedAt;
  }

  /** While there is one, the chain is neither followed nor sent to. */
  get violation(): FinalityViolation | undefined {
    return this.#violation;
  }

  get deepestReorg(): number {
    return this.#deepestReorg;
  }

  /** Whether the servers know a finalized block, where one is asked for: without, no request is ever taken up. */
  get knowsFinality(): boolean {
    return this.#knowsFinality;
  }

  /** A person has looked: the history that the servers show now is followed, however much of the past it drops. */
  acceptReorg(): void {
    this.#isReorgAccepted = true;
    this.wake();
  }

  wake(): void {
    this.#loop.wake();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** @returns whether there is more to read at once */
  async #step(): Promise<boolean> {
    const { rpc, log } = this.#options;
    try {
      const ours = this.#options.journal.isOurs();
      if (!this.#loaded || !ours) {
        [this.#cursor] = await this.#options.journal.storedBlocks(1);
        this.#loaded = ours;
      }
      return await rpc.use((endpoint) => (ours ? this.#advance(endpoint) : this.#follow(endpoint)));
    } catch (error) {
      // Whatever was not committed is read again; the cursor in memory may be ahead of a failed commit.
      this.#loaded = false;
      if (error instanceof ChainError && error.code === "CHAIN_REORGED") {
        log.info("chain.reorged-while-reading", { ...error.details });
        this.#isDoubtful = true;
        return true;
      }
      log[stepFailureLevel(error)]("chain.step-failed", { error, expected: error instanceof AdytonError });
      return false;
    }
  }

  /** Another process reads the blocks: this one needs the head, and counts nothing settled that the journal has not got. */
  async #follow(endpoint: RpcEndpoint): Promise<boolean> {
    const latest = await readHead(endpoint);
    if (this.#cursor !== undefined && latest.hash !== this.#head?.latest.hash) {
      const settled = await this.#settledNumber(endpoint, latest);
      const behind = Math.max(0, latest.number - this.#cursor.number);
      this.#announce({ latest, settledNumber: Math.max(0, settled - behind) });
    }
    this.#followedAt = this.#options.now();
    return false;
  }

  async #advance(endpoint: RpcEndpoint): Promise<boolean> {
    const latest = await readHead(endpoint);
    for (const known of this.#options.rpc.endpoints) known.noticeHead(latest.number);
    if (latest.hash === this.#cursor?.hash) {
      // After a restart on a chain that makes no block: what was read before may still be due.
      if (this.#head === undefined)
        this.#announce({ latest, settledNumber: await this.#settledNumber(endpoint, latest) });
      this.#followedAt = this.#options.now();
      return false;
    }
    const ancestor = await this.#commonAncestor(endpoint, latest);
    if (ancestor === "behind") return false;
    if (ancestor?.hash !== this.#cursor?.hash) {
      await this.#checkChainId(endpoint);
      if (!this.#mayFollow(ancestor)) return false;
      this.#options.log.info("chain.reorg", { from: this.#cursor?.number, to: ancestor?.number });
      await this.#options.journal.rollback(ancestor);
      this.#cursor = ancestor;
    }
    const from = (this.#cursor?.number ?? this.#options.fromBlock - 1) + 1;
    if (from > latest.number) return false;
    return this.#read(endpoint, latest, from);
  }

  /** Refuses what drops more than a chain may take back: it is another history, or the servers lie. */
  #mayFollow(ancestor: BlockId | undefined): boolean {
    const { confirmations, maxReorgBlocks = MAX_REORG_BLOCKS, log, chainId } = this.#options;
    const from = this.#cursor?.number ?? -1;
    const to = ancestor?.number ?? -1;
    const settled = this.#head?.settledNumber;
    const isFinal = confirmations === "finalized" && settled !== undefined && to < settled;
    const longest = Math.max(maxReorgBlocks, confirmations === "finalized" ? 0 : confirmations);
    if (!this.#isReorgAccepted && (isFinal || from - to > longest)) {
      if (this.#violation === undefined) {
        log.error("chain.finality-violated", {
          chainId,
          from,
          to,
          settled,
          action:
            "compare the servers with a block explorer; then change them, or run adyton oracle accept-reorg",
        });
      }
      this.#violation = { from, to, settled };
      return false;
    }
    this.#isReorgAccepted = false;
    this.#violation = undefined;
    this.#deepestReorg = Math.max(this.#deepestReorg, from - to);
    return true;
  }

  async #read(endpoint: RpcEndpoint, latest: BlockHeader, from: number): Promise<boolean> {
    const { journal } = this.#options;
    const to = this.#endOfRange(from, latest.number);
    const range = await this.#readRange(endpoint, { from, to, latest });
    const head = { latest, settledNumber: await this.#settledNumber(endpoint, latest) };
    await journal.append(range, head);
    this.#violation = undefined;
    this.#isDoubtful = false;
    this.#cursor = { number: range.last.number, hash: range.last.hash };
    this.#announce(head);
    this.#followedAt = this.#options.now();
    return to < latest.number;
  }

  /** A long range is read without its bloom filters: it ends where no server still has to index the logs. */
  #endOfRange(from: number, head: number): number {
    const to = Math.min(head, from + this.#range - 1);
    return to - from < CHECKED_RANGE ? to : Math.min(to, head - CHECKED_RANGE);
  }

  /** Servers cap the blocks, the logs or the bytes of one reply, each in words of its own: what fails is halved. */
  async #readRange(
    endpoint: RpcEndpoint,
    { from, to, latest }: Pick<RangeToRead, "from" | "to" | "latest">,
  ): Promise<ChainRange> {
    const { addresses, maxRange } = this.#options;
    try {
      const range = await readRange(endpoint, this.#cursor, {
        from,
        to,
        addresses,
        latest,
        busy: this.#busy,
      });
      this.#range = Math.min(maxRange, this.#range * 2);
      return range;
    } catch (error) {
      if (error instanceof ChainError && isRangeRefused(error))
        this.#range = Math.max(1, Math.floor((to - from + 1) / 2));
      throw error;
    }
  }

  /**
   * A server that is suddenly of another chain looks like a reorg to the beginning, and would cost all that was read.
   *
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE: another endpoint may serve
   */
  async #checkChainId(endpoint: RpcEndpoint): Promise<void> {
    const { chainId } = this.#options;
    const actual = await callEndpoint(endpoint, { method: "eth_chainId", params: [] }, quantity);
    if (actual !== chainId) {
      throw new ChainError({
        code: "CHAIN_RPC_UNAVAILABLE",
        message: `RPC endpoint ${endpoint.name} is of another chain`,
        details: { endpoint: endpoint.name, expected: chainId, actual },
      });
    }
  }

  #announce(head: ChainHead): void {
    this.#head = head;
    this.#options.onHead(head);
  }

  async #settledNumber(endpoint: RpcEndpoint, latest: BlockHeader): Promise<number> {
    const { confirmations } = this.#options;
    if (confirmations === "finalized") {
      const finalized = await readFinalized(endpoint);
      this.#noteFinality(finalized !== undefined, endpoint);
      // A server behind a balancer may name one that the last has not got.
      return Math.min(finalized?.number ?? 0, latest.number);
    }
    return latest.number - confirmations;
  }

  #noteFinality(isKnown: boolean, endpoint: RpcEndpoint): void {
    if (isKnown === this.#knowsFinality) return;
    this.#knowsFinality = isKnown;
    const { log, chainId } = this.#options;
    if (isKnown) {
      log.info("chain.finality-known", { chainId });
    } else {
      log.error("chain.no-finality", {
        chainId,
        endpoint: endpoint.name,
        action:
          'set "confirmations" to a number: this server knows no finalized block, and no request is taken up',
      });
    }
  }

  /**
   * The newest stored block that is still canonical. "behind" when this node simply has not got as far as we have:
   * another endpoint may be ahead of it, and a shorter chain proves no reorg.
   */
  async #commonAncestor(endpoint: RpcEndpoint, latest: BlockHeader): Promise<BlockId | undefined | "behind"> {
    const cursor = this.#cursor;
    if (cursor === undefined || this.#isLikelyAhead(cursor, latest)) return cursor;
    let contradicted = false;
    let stored = await this.#options.journal.storedBlocks(16);
    while (stored.length > 0) {
      for (const block of stored) {
        const canonical = await canonicalHash(endpoint, block, latest);
        if (canonical === block.hash)
          return contradicted || block.number === cursor.number ? block : "behind";
        contradicted ||= canonical !== undefined;
      }
      stored = await this.#options.journal.storedBlocks(16, stored[stored.length - 1]?.number);
    }
    return contradicted ? undefined : "behind";
  }

  /** A short range is read with its headers, and refused when they do not descend from the cursor: then is time to search. */
  #isLikelyAhead(cursor: BlockId, latest: BlockHeader): boolean {
    const ahead = latest.number - cursor.number;
    return ahead === 1
      ? latest.parentHash === cursor.hash
      : ahead > 1 && ahead <= CHECKED_RANGE && !this.#isDoubtful;
  }
}

/** `undefined` above the node's head. */
async function canonicalHash(
  endpoint: RpcEndpoint,
  block: BlockId,
  latest: BlockHeader,
): Promise<Hex | undefined> {
  if (block.number > latest.number) return undefined;
  return block.number === latest.number ? latest.hash : (await readHeader(endpoint, block.number))?.hash;
}

/** Servers say in many ways that a range is too long. */
function isRangeRefused({ code }: ChainError): boolean {
  return code === "CHAIN_RPC_UNAVAILABLE" || code === "CHAIN_RPC_REFUSED";
}
