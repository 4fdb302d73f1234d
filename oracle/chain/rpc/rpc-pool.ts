import { setTimeout as wait } from "node:timers/promises";
import type * as z from "zod";
import { ChainError } from "../../../protocol/errors.ts";
import type { Logger } from "../../log.ts";
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
  /** Milliseconds: not asked at all before this time, since the server said so. */
  barredUntil: number;
  aside: AsideReason | undefined;
}

/** Why an endpoint is not asked, though it answers. One that lags is asked when no other is left. */
export type AsideReason = "other-chain" | "disagrees" | "lags";

/** Another endpoint may answer what this one did not. */
const FAILS_OVER: ReadonlySet<string> = new Set(["CHAIN_RPC_UNAVAILABLE", "CHAIN_RPC_REFUSED"]);
/** Milliseconds that a broadcast waits for the other endpoints once one has taken everything: a frozen one holds up nobody. */
const OTHERS_MS = 250;
const FIRST_REST_MS = 500;
const LONGEST_REST_MS = 30_000;

/** Failures that a pool has logged: whoever catches one has nothing to add. */
const SAID = new WeakSet<object>();

/** The level at which a loop logs what ended its step: at each failure of a server one line is enough. */
export function stepFailureLevel(error: unknown): "warn" | "debug" {
  return typeof error === "object" && error !== null && SAID.has(error) ? "debug" : "warn";
}

/** Several endpoints of one chain: the first healthy one serves; one that fails rests, longer each time. */
export class RpcPool {
  readonly #health: readonly EndpointHealth[];
  readonly #log: Logger;
  readonly #now: () => number;

  constructor({ endpoints, log, now }: RpcPoolOptions) {
    this.#health = endpoints.map((endpoint) => ({
      endpoint,
      failures: 0,
      restUntil: 0,
      barredUntil: 0,
      aside: undefined,
    }));
    this.#log = log;
    this.#now = now;
  }

  get endpoints(): readonly RpcEndpoint[] {
    return this.#health.map(({ endpoint }) => endpoint);
  }

  /** How many would serve now. */
  healthy(): number {
    return this.#health.filter((health) => isAsked(health) && health.restUntil <= this.#now()).length;
  }

  /** Those that serve now, in the order in which they are asked; all that may be asked when none does. */
  serving(): readonly RpcEndpoint[] {
    const ordered = this.#inOrder();
    const fit = ordered.filter(({ restUntil }) => restUntil <= this.#now());
    return (fit.length === 0 ? ordered : fit).map(({ endpoint }) => endpoint);
  }

  /** Whether it asked to be left alone, and is. */
  isBarred(endpoint: RpcEndpoint): boolean {
    return this.#health.some((health) => health.endpoint === endpoint && health.barredUntil > this.#now());
  }

  /** Those that are not put aside, and what is wrong with the others. */
  get aside(): ReadonlyMap<RpcEndpoint, AsideReason> {
    return new Map(
      this.#health.flatMap(({ endpoint, aside }) => (aside === undefined ? [] : [[endpoint, aside]])),
    );
  }

  /** Puts an endpoint aside, or takes it back. */
  setAside(endpoint: RpcEndpoint, reason: AsideReason | undefined): void {
    const health = this.#health.find((known) => known.endpoint === endpoint);
    if (health === undefined || health.aside === reason) return;
    health.aside = reason;
    if (reason === undefined) this.#log.info("rpc.restored", { endpoint: endpoint.name });
    else this.#log.warn("rpc.set-aside", { endpoint: endpoint.name, reason });
  }

  close(): void {
    for (const { endpoint } of this.#health) endpoint.close();
  }

  /**
   * Runs `work` against one endpoint, so that what it reads is of one view of the chain; on CHAIN_RPC_UNAVAILABLE runs it
   * again against the next.
   *
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when no endpoint served; CHAIN_RPC_DISAGREEMENT when all are put aside; whatever else `work` throws
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
        if (!(error instanceof ChainError) || !FAILS_OVER.has(error.code)) throw error;
        last = error;
        // A server that answers is there: another is asked, and this one again next time.
        if (error.code === "CHAIN_RPC_UNAVAILABLE") this.#rest(health, error);
      }
    }
    throw last instanceof ChainError ? last : this.#nobody();
  }

  #nobody(): ChainError {
    if (!this.#health.some(isAsked)) {
      return new ChainError({
        code: "CHAIN_RPC_DISAGREEMENT",
        message: "every RPC endpoint is put aside: they are of another chain, or contradict the others",
      });
    }
    const error = new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: "every RPC endpoint limits our calls at present: they are tried again later",
    });
    // Each was logged when it said so.
    SAID.add(error);
    return error;
  }

  /**
   * Sends the same calls to every endpoint that serves now, or to all when none does; to the first alone where `reach` is
   * "one". Waits for the first that took them all, and shortly for the others.
   *
   * @returns what each said of each call, by call; an endpoint that could not be reached said nothing
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when none could be reached; CHAIN_RPC_DISAGREEMENT when all are put aside
   */
  async broadcast(calls: readonly RpcCall[], reach: "all" | "one" = "all"): Promise<RpcReply[][]> {
    const ordered = this.#inOrder();
    const fit = ordered.filter(({ restUntil }) => restUntil <= this.#now());
    const chosen = fit.length === 0 ? ordered : fit;
    if (chosen.length === 0) throw this.#nobody();
    if (reach === "one" || chosen.length < 2) return (await this.send(calls)).map((reply) => [reply]);
    const received: RpcReply[][] = [];
    let failure: unknown;
    const sent = chosen.map(async (health) => {
      try {
        const replies = await health.endpoint.send(calls);
        received.push(replies);
        return replies.every(({ ok }) => ok);
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        failure = error;
        this.#rest(health, error);
        return false;
      }
    });
    await settledOrTaken(sent);
    if (received.length === 0) throw failure;
    return calls.map((_, index) => received.flatMap((replies) => replies[index] ?? []));
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
    const lagging = ({ aside }: EndpointHealth): number => (aside === "lags" ? 1 : 0);
    return this.#health
      .filter((health) => isAsked(health) && health.barredUntil <= now)
      .sort((a, b) => lagging(a) - lagging(b) || resting(a) - resting(b));
  }

  #rest(health: EndpointHealth, error: ChainError): void {
    health.failures += 1;
    SAID.add(error);
    const { waitMs } = error.details;
    const bar = Math.min(LONGEST_REST_MS, typeof waitMs === "number" ? waitMs : 0);
    const rest = Math.max(
      bar,
      Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(health.failures - 1, 10)),
    );
    health.restUntil = this.#now() + rest;
    health.barredUntil = this.#now() + bar;
    this.#log.warn("rpc.unavailable", {
      endpoint: health.endpoint.name,
      failures: health.failures,
      restMs: rest,
      error,
    });
  }
}

/** Waits until all have ended, or for as long as the others may take after the first that resolves to true. */
async function settledOrTaken(sent: readonly Promise<boolean>[]): Promise<void> {
  const all = Promise.all(sent);
  const taken = Promise.any(
    sent.map(async (one) => ((await one) ? true : Promise.reject(new Error("not taken")))),
  );
  await Promise.race([
    all,
    taken.then(
      () => undefined,
      () => all,
    ),
  ]);
  const patience = new AbortController();
  await Promise.race([all, wait(OTHERS_MS, undefined, { signal: patience.signal }).catch(() => undefined)]);
  patience.abort();
}

function isAsked({ aside }: EndpointHealth): boolean {
  return aside === undefined || aside === "lags";
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
  if (reply?.ok !== true) throw toChainError(call.method, reply?.failure);
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
