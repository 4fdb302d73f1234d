import type { z } from "zod";
import { ChainError } from "../../protocol/errors.ts";
import type { Logger } from "../log.ts";
import { toChainError } from "./revert.ts";
import type { RpcCall, RpcEndpoint, RpcReply } from "./rpc-endpoint.ts";

export interface RpcPoolOptions {
  readonly endpoints: readonly RpcEndpoint[];
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

interface EndpointHealth {
  readonly endpoint: RpcEndpoint;
  failures: number;
  /** Milliseconds: not asked first before this time. */
  restUntil: number;
}

const FIRST_REST_MS = 500;
const LONGEST_REST_MS = 30_000;

/** Several endpoints of one chain: the first healthy one serves; one that fails rests, longer each time. */
export class RpcPool {
  readonly #health: readonly EndpointHealth[];
  readonly #log: Logger;
  readonly #now: () => number;

  constructor({ endpoints, log, now }: RpcPoolOptions) {
    this.#health = endpoints.map((endpoint) => ({ endpoint, failures: 0, restUntil: 0 }));
    this.#log = log;
    this.#now = now;
  }

  get endpoints(): readonly RpcEndpoint[] {
    return this.#health.map(({ endpoint }) => endpoint);
  }

  healthy(): number {
    return this.#health.filter(({ restUntil }) => restUntil <= this.#now()).length;
  }

  /**
   * Runs `work` against one endpoint, so that what it reads is of one view of the chain; on CHAIN_RPC_UNAVAILABLE runs it
   * again against the next.
   *
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when no endpoint served; whatever else `work` throws
   */
  async use<T>(work: (endpoint: RpcEndpoint) => Promise<T>): Promise<T> {
    let last: unknown;
    for (const health of this.#inOrder()) {
      try {
        const value = await work(health.endpoint);
        health.failures = 0;
        health.restUntil = 0;
        return value;
      } catch (error) {
        if (!(error instanceof ChainError) || error.code !== "CHAIN_RPC_UNAVAILABLE") {
          throw error;
        }
        last = error;
        this.#rest(health, error);
      }
    }
    throw last instanceof ChainError
      ? last
      : new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message: "no RPC endpoint is configured" });
  }

  send(calls: readonly RpcCall[]): Promise<RpcReply[]> {
    return this.use((endpoint) => endpoint.send(calls));
  }

  /**
   * One call, its result checked by `schema`.
   *
   * @throws {ChainError} CHAIN_REVERTED with the contract's reason; CHAIN_RPC_UNAVAILABLE
   */
  call<Schema extends z.ZodType>(
    method: string,
    params: readonly unknown[],
    schema: Schema,
  ): Promise<z.output<Schema>> {
    return this.use((endpoint) => callEndpoint(endpoint, { method, params }, schema));
  }

  #inOrder(): EndpointHealth[] {
    const now = this.#now();
    const resting = (health: EndpointHealth): number => (health.restUntil > now ? health.restUntil : 0);
    return [...this.#health].sort((a, b) => resting(a) - resting(b));
  }

  #rest(health: EndpointHealth, error: ChainError): void {
    health.failures += 1;
    const rest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(health.failures - 1, 10));
    health.restUntil = this.#now() + rest;
    this.#log.warn("rpc.unavailable", {
      endpoint: health.endpoint.name,
      failures: health.failures,
      restMs: rest,
      error,
    });
  }
}

/** @throws {ChainError} CHAIN_REVERTED, CHAIN_UNDERPRICED or CHAIN_FUNDS_LOW by the node's word; CHAIN_RPC_UNAVAILABLE */
export async function callEndpoint<Schema extends z.ZodType>(
  endpoint: RpcEndpoint,
  call: RpcCall,
  schema: Schema,
): Promise<z.output<Schema>> {
  const [reply] = await endpoint.send([call]);
  return readReply(endpoint, call, reply, schema);
}

export function readReply<Schema extends z.ZodType>(
  endpoint: RpcEndpoint,
  call: RpcCall,
  reply: RpcReply | undefined,
  schema: Schema,
): z.output<Schema> {
  if (reply?.ok !== true) {
    throw toChainError(call.method, reply?.failure);
  }
  const parsed = schema.safeParse(reply.result);
  if (!parsed.success) {
    throw new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: `RPC endpoint ${endpoint.name}: unexpected result of ${call.method}`,
      details: { endpoint: endpoint.name, method: call.method },
      cause: parsed.error,
    });
  }
  return parsed.data;
}
