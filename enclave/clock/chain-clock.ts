/**
 * The time of a chain on this machine, for local networks: their chains' time is moved by tests and by people, and enclave and
 * coordinator must agree. Believes whoever runs the chain, and is visible to every policy, because it is in the behaviour file.
 */

import { fromUtf8, toUtf8 } from "../../protocol/bytes.ts";
import type { TimeSettings } from "../configuration/behaviour.ts";
import type { Exchange } from "../egress/exchange.ts";

export interface ChainClockOptions {
  /** Seconds. */
  readonly buildTime: number;
  readonly exchange: Exchange;
  /** Milliseconds from any start, never backwards. */
  readonly monotonicMs: () => number;
}

/** A `TrustedClock`, in a file of its own. */
export interface ChainClock {
  readonly read: () => { readonly now: number | null; readonly lowerBound: number; readonly source: string };
  readonly synchronize: () => Promise<void>;
}

type ChainTime = Extract<TimeSettings, { source: "chain-for-testing" }>;

const NEWEST_BLOCK = { jsonrpc: "2.0", id: 1, method: "eth_getBlockByNumber", params: ["latest", false] };

/** Follows the newest block backwards too: a chain that is reset takes its time with it. */
export function createChainClock(
  { exchange, monotonicMs, buildTime }: ChainClockOptions,
  { url, source }: ChainTime,
): ChainClock {
  let newest: { readonly seconds: number; readonly atMs: number } | null = null;
  const read: ChainClock["read"] = () => {
    if (newest === null) return { now: null, lowerBound: buildTime, source: "build" };
    const now = newest.seconds + Math.floor((monotonicMs() - newest.atMs) / 1000);
    return { now, lowerBound: buildTime, source };
  };
  const synchronize = async (): Promise<void> => {
    const outcome = await exchange({
      url: new URL(url),
      method: "POST",
      headers: { "content-type": "application/json" },
      body: toUtf8(JSON.stringify(NEWEST_BLOCK)),
    });
    const seconds = outcome.kind === "complete" ? timestampOf(outcome.response.body) : null;
    // A block without news: time has passed since it was seen.
    if (seconds === null || (newest !== null && seconds === newest.seconds)) return;
    newest = { seconds, atMs: monotonicMs() };
  };
  return { read, synchronize };
}

/** Seconds; null for anything that is no block. */
function timestampOf(body: Uint8Array): number | null {
  try {
    const { result } = JSON.parse(fromUtf8(body)) as { readonly result?: { readonly timestamp?: unknown } };
    const { timestamp } = result ?? {};
    return typeof timestamp === "string" && /^0x[0-9a-f]{1,10}$/.test(timestamp) ? Number(timestamp) : null;
  } catch {
    return null;
  }
}
