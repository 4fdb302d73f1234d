/** What a process that only reads a store can know of it: whether it is read, and what the nodes that write it left there. */

import { AdytonError, ConfigError, UpstreamError } from "../../protocol/errors.ts";
import type { Logger } from "../log.ts";
import { checkSchema, readSchema } from "../store/open-for-reading.ts";
import { readSignsOfNodes, type SignsOfNodes } from "../store/signs-of-nodes.ts";
import { StoreLook } from "../store/store-look.ts";
import type { ReadableStore } from "../store/store.ts";

/** What only a node knows: its own `/v1/health` says it. */
const KNOWN_TO_NODES = ["enclaves", "keys", "rpc", "heads", "clock", "disk"] as const;

export interface IndexHealth {
  /** "ok": the index is served as the nodes write it, and on every chain one of them does. */
  readonly status: "ok" | "degraded";
  /** That this is no node: it asks no enclave, and sends nothing. */
  readonly serves: "index";
  readonly store: {
    /** Whether it was read when it was last looked at, in time. */
    readonly readable: boolean;
    /** Milliseconds that it took; `null` before the first time. */
    readonly readMs: number | null;
    readonly readSecondsAgo: number | null;
    /** Looks that failed since the process started. */
    readonly failures: number;
    /** Whether its tables are of this version: those of another one are not read. */
    readonly schema: "same" | "older" | "newer" | "empty" | "unknown";
    readonly isReplica: boolean | null;
    /** Seconds that a replica is behind. */
    readonly lagSeconds: number | null;
  };
  /** Processes that gave a sign of life within the lease of a chain; `null` while the store is not read. */
  readonly nodes: number | null;
  readonly chains: readonly {
    readonly chainId: number;
    readonly block: number | null;
    /** "another": a node follows the chain and sends to it, as far as its lease in the store says. */
    readonly follower: "another" | "nobody" | "unknown";
  }[];
  /** What this process cannot know, and says nothing of. */
  readonly unknown: typeof KNOWN_TO_NODES;
}

export interface IndexWatchOptions {
  readonly store: ReadableStore;
  readonly chainIds: readonly number[];
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

const SAYS = {
  away: "store.not-readable",
  back: "store.readable",
  action: "look at the database, and at the version of its nodes",
} as const;

/** Looks at the store every few seconds; what it says is of the last look, and is nothing where that failed. */
export class IndexWatch {
  readonly #options: IndexWatchOptions;
  readonly #look: StoreLook;
  #signs: SignsOfNodes | undefined;
  #schema: IndexHealth["store"]["schema"] = "unknown";

  constructor(options: IndexWatchOptions) {
    this.#options = options;
    const { log, now } = options;
    this.#look = new StoreLook({ look: () => this.#read(), log, now, says: SAYS });
  }

  get health(): IndexHealth {
    const { chainIds } = this.#options;
    const { isWell, tookMs, secondsAgo, failures } = this.#look.state;
    const signs = isWell ? this.#signs : undefined;
    const chains = chainIds.map((chainId) => {
      const chain = signs?.chains.find((one) => one.chainId === chainId);
      if (chain === undefined) return { chainId, block: null, follower: "unknown" as const };
      return {
        chainId,
        block: chain.block,
        follower: chain.isFollowed ? ("another" as const) : ("nobody" as const),
      };
    });
    return {
      status: chains.every(({ follower }) => follower === "another") ? "ok" : "degraded",
      serves: "index",
      store: {
        readable: signs !== undefined,
        readMs: tookMs,
        readSecondsAgo: secondsAgo,
        failures,
        schema: this.#schema,
        isReplica: signs?.isReplica ?? null,
        lagSeconds: signs?.lagSeconds ?? null,
      },
      nodes: signs?.nodes ?? null,
      chains,
      unknown: KNOWN_TO_NODES,
    };
  }

  /** @throws {AdytonError} what the last look found: the store is away, or its tables are of another version */
  checkReads(): void {
    const { failure } = this.#look.state;
    if (failure !== undefined) throw failure instanceof AdytonError ? failure : foreseen(failure);
  }

  /** `log` without a line for each call that fails because the store is away. */
  quieten(log: Logger): Logger {
    return this.#look.quieten(log);
  }

  stop(): Promise<void> {
    return this.#look.stop();
  }

  look(): Promise<void> {
    return this.#look.look();
  }

  async #read(): Promise<void> {
    const { store, chainIds } = this.#options;
    this.#schema = "unknown";
    try {
      const schema = await readSchema(store.db);
      this.#schema = schema.age;
      checkSchema(schema);
      this.#signs = await readSignsOfNodes(store, chainIds);
    } catch (cause) {
      throw foreseen(cause);
    }
  }
}

/** For whoever asks, it is this server that cannot tell now: nothing is wrong with the call. */
function foreseen(cause: unknown): AdytonError {
  const why = cause instanceof ConfigError ? cause.message : "it cannot be read now";
  return new UpstreamError({
    code: "STORE_UNAVAILABLE",
    message: `the store of the index: ${why}`,
    cause,
  });
}
