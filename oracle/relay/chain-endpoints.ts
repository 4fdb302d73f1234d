import { ConfigError } from "../../protocol/errors.ts";
import { BatchedReads } from "../chain/rpc/batched-reads.ts";
import { quantity } from "../chain/rpc/block.ts";
import type { ChainHead } from "../chain/chain-source.ts";
import { EndpointWatch } from "../chain/rpc/endpoint-watch.ts";
import { RpcEndpoint } from "../chain/rpc/rpc-endpoint.ts";
import { type AsideReason, callEndpoint, RpcPool } from "../chain/rpc/rpc-pool.ts";
import type { ChainSection } from "../config.ts";
import type { Logger } from "../log.ts";

export interface ChainEndpointsOptions {
  readonly config: ChainSection;
  readonly log: Logger;
  readonly head: () => ChainHead | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

/** A subscription is silent when it owes a block for so long, and for so many polls. */
const SILENT_AFTER_MS = 5_000;
const SILENT_AFTER_POLLS = 3;
/** Endpoints differ at the head every day, without a lie: they are compared no higher than this below it. */
const COMPARED_DEPTH = 2;

/** The RPC endpoints of one chain: the pool that picks one, the watch that compares them, and reads that go together. */
export class ChainEndpoints {
  readonly rpc: RpcPool;
  readonly reads: BatchedReads;
  readonly #chainId: number;
  readonly #head: () => ChainHead | undefined;
  readonly #watch: EndpointWatch;

  constructor({ config, log, head, now }: ChainEndpointsOptions) {
    this.#chainId = config.chainId;
    this.#head = head;
    this.rpc = new RpcPool({
      endpoints: config.rpcUrls.map(
        (url) =>
          new RpcEndpoint({
            url,
            timeoutMs: config.rpcTimeoutMs,
            silentAfterMs: Math.max(SILENT_AFTER_MS, SILENT_AFTER_POLLS * config.pollMs),
            log,
            now,
          }),
      ),
      log,
      now,
    });
    this.reads = new BatchedReads(this.rpc);
    this.#watch = new EndpointWatch({
      chainId: config.chainId,
      rpc: this.rpc,
      log,
      reference: () => this.#comparedBlock(),
      maxLag: config.rpcMaxLagBlocks,
      periodMs: config.rpcCompareMs,
    });
  }

  /** How many serve now, and how many there are. */
  get count(): { readonly healthy: number; readonly total: number } {
    return { healthy: this.rpc.healthy(), total: this.rpc.endpoints.length };
  }

  /** Whether they contradict each other, and no majority tells which is right. */
  get disputed(): boolean {
    return this.#watch.disputed;
  }

  /** Those that are not asked, by name, and why. */
  get aside(): Readonly<Record<string, AsideReason>> {
    return Object.fromEntries([...this.rpc.aside].map(([{ name }, reason]) => [name, reason]));
  }

  /**
   * An endpoint of another chain would look like a reorg to the beginning.
   *
   * @throws {ConfigError} CONFIG_INVALID when the one that serves is of another chain
   */
  async checkChainId(): Promise<void> {
    await this.rpc.use(async (endpoint) => {
      const actual = await callEndpoint(endpoint, { method: "eth_chainId", params: [] }, quantity);
      if (actual !== this.#chainId) {
        throw new ConfigError({
          code: "CONFIG_INVALID",
          message: "an RPC endpoint is of another chain",
          details: { endpoint: endpoint.name, expected: this.#chainId, actual },
        });
      }
    });
  }

  /** `onHead` is called when one that is subscribed to tells of a new block. */
  subscribe(onHead: () => void): void {
    for (const endpoint of this.rpc.endpoints) endpoint.subscribe(onHead);
  }

  async stopWatch(): Promise<void> {
    await this.#watch.stop();
  }

  close(): void {
    this.rpc.close();
  }

  #comparedBlock(): number | undefined {
    const head = this.#head();
    const number =
      head === undefined ? -1 : Math.min(head.settledNumber, head.latest.number - COMPARED_DEPTH);
    return number < 0 ? undefined : number;
  }
}
