import type { Hex } from "../../../protocol/bytes.ts";
import { ChainError } from "../../../protocol/errors.ts";
import { Wakeable } from "../../engine/wakeable.ts";
import type { Logger } from "../../log.ts";
import { BlockHeader, quantity, toQuantity } from "./block.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { type AsideReason, readReply, type RpcPool } from "./rpc-pool.ts";

export interface EndpointWatchOptions {
  readonly chainId: number;
  readonly rpc: RpcPool;
  readonly log: Logger;
  /** Height at which the endpoints must agree: a block that this node counts as settled; `undefined` while there is none. */
  readonly reference: () => number | undefined;
  /** Blocks behind the others at which an endpoint lags. */
  readonly maxLag: number;
  /** Milliseconds between two looks. */
  readonly periodMs: number;
}

interface Sighting {
  readonly endpoint: RpcEndpoint;
  readonly chainId: number;
  readonly head: number;
  /** At the reference height; `null` where the endpoint has no such block, and abstains. */
  readonly hash: Hex | null;
}

/**
 * Compares what several endpoints of one chain say (docs/adr/0018-several-rpc-endpoints.md). One that is of another chain, or
 * contradicts the majority about a settled block, is put aside; without a majority the operator's order decides what is read,
 * and `disputed` is true: then no model is called.
 */
export class EndpointWatch {
  readonly #options: EndpointWatchOptions;
  readonly #loop: Wakeable | undefined;
  #disputed = false;

  constructor(options: EndpointWatchOptions) {
    this.#options = options;
    this.#loop =
      options.rpc.endpoints.length < 2
        ? undefined
        : new Wakeable(options.periodMs, async () => {
            await this.look();
            return false;
          });
  }

  /** Whether the endpoints contradict each other and no majority tells who is right. */
  get disputed(): boolean {
    return this.#disputed;
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
  }

  async look(): Promise<void> {
    const { rpc, chainId, reference } = this.#options;
    const height = reference();
    const found = await Promise.all(rpc.endpoints.map((endpoint) => this.#see(endpoint, height)));
    const sightings = found.flatMap((sighting) => sighting ?? []);
    const ours = sightings.filter((sighting) => sighting.chainId === chainId);
    const judged = judge(ours);
    const leading = medianHead(ours);
    for (const sighting of sightings)
      rpc.setAside(sighting.endpoint, this.#reasonFor(sighting, judged.accepted, leading));
    this.#note(judged.disputed, height);
  }

  #reasonFor(
    { endpoint, chainId, head, hash }: Sighting,
    accepted: Hex | undefined,
    leading: number,
  ): AsideReason | undefined {
    if (chainId !== this.#options.chainId) return "other-chain";
    if (hash !== null && hash !== accepted) return "disagrees";
    // Having put it aside for a contradiction, a moment of silence about that block does not bring it back.
    if (hash === null && this.#options.rpc.aside.get(endpoint) === "disagrees") return "disagrees";
    return head < leading - this.#options.maxLag ? "lags" : undefined;
  }

  #note(disputed: boolean, height: number | undefined): void {
    if (disputed === this.#disputed) return;
    this.#disputed = disputed;
    const { log, chainId } = this.#options;
    if (disputed)
      log.error("rpc.disputed", { chainId, block: height, action: "no model is called until they agree" });
    else log.info("rpc.agreed", { chainId });
  }

  /** `undefined` for an endpoint that gives no proper answer: the pool lets it rest by itself. */
  async #see(endpoint: RpcEndpoint, height: number | undefined): Promise<Sighting | undefined> {
    if (this.#options.rpc.isBarred(endpoint)) return undefined;
    const calls = [
      { method: "eth_chainId", params: [] },
      { method: "eth_blockNumber", params: [] },
      ...(height === undefined
        ? []
        : [{ method: "eth_getBlockByNumber", params: [toQuantity(height), false] }]),
    ];
    try {
      const replies = await endpoint.send(calls);
      const [id, number, block] = calls;
      if (id === undefined || number === undefined) return undefined;
      return {
        endpoint,
        chainId: readReply(endpoint, id, replies[0], quantity),
        head: readReply(endpoint, number, replies[1], quantity),
        hash:
          block === undefined
            ? null
            : (readReply(endpoint, block, replies[2], BlockHeader.nullable())?.hash ?? null),
      };
    } catch (error) {
      if (error instanceof ChainError) return undefined;
      throw error;
    }
  }
}

/** The hash that more than half of those with an opinion share; without one, that of the first in the operator's order. */
function judge(sightings: readonly Sighting[]): {
  readonly accepted: Hex | undefined;
  readonly disputed: boolean;
} {
  const opinions = sightings.flatMap(({ hash }) => hash ?? []);
  const votes = Map.groupBy(opinions, (hash) => hash);
  for (const [hash, group] of votes)
    if (group.length * 2 > opinions.length) return { accepted: hash, disputed: false };
  return { accepted: opinions[0], disputed: opinions.length > 0 };
}

/** The upper middle: one endpoint of three that claims a height that is not there makes nobody else lag. */
function medianHead(sightings: readonly Sighting[]): number {
  const heads = sightings.map(({ head }) => head).sort((a, b) => a - b);
  return heads[Math.floor(heads.length / 2)] ?? 0;
}
