/**
 * Time without believing the host's clock: never before the build, otherwise the median `Date` of several configured hosts
 * over verified TLS, carried on by a monotonic counter.
 *
 * What k liars among n hosts can do, with a host that drops and delays packets as it likes:
 * - k at most n/2, rounded down: nothing but keep the time unknown. A median counts only when more than half of all
 *   *configured* hosts told the same time, so that dropping honest ones helps no lie.
 * - more: anything from the build on.
 * Honest hosts alone, all delayed: a sample that took longer than `MAX_ROUND_TRIP_MS` is no sample, and one that counts is
 * wrong by half of its round trip and a second at most.
 */

import type { TimeSettings } from "../configuration/behaviour.ts";
import { isChainInDate } from "../egress/egress.ts";
import type { Exchange } from "../egress/exchange.ts";
import type { Transport } from "../../protocol/transcript.ts";
import { createChainClock } from "./chain-clock.ts";

export interface Reading {
  /** Seconds; null when no trustworthy time is known. */
  readonly now: number | null;
  /** Seconds: surely past, the build at least. */
  readonly lowerBound: number;
  readonly source: string;
}

export interface TrustedClock {
  readonly read: () => Reading;
  /** Asks the hosts again. Time is known while the latest round agreed on one. */
  readonly synchronize: () => Promise<void>;
}

export interface ClockOptions {
  readonly settings: TimeSettings;
  readonly buildTime: number;
  readonly exchange: Exchange;
  /** Milliseconds from any start, never backwards. */
  readonly monotonicMs: () => number;
  /** As `monotonicMs`, counting also while the machine is suspended (CLOCK_BOOTTIME); where there is one. */
  readonly bootMs?: () => number;
  /** Seconds by the machine's clock: used only where the behaviour file says so. */
  readonly hostNow: () => number;
}

/** Milliseconds from request to response: a server across the world takes one; whoever holds a response back makes it old. */
const MAX_ROUND_TRIP_MS = 5_000;

/** Milliseconds by which honest hosts may differ, beyond their round trips: whole seconds, and clocks set by NTP. */
const AGREEMENT_MS = 2_000;

/** Seconds that a `Date` may be ahead of the truth: its rounding, and a clock that is not set exactly. */
const DATE_UNCERTAINTY_SECONDS = 2;

/** Counters of virtual machines drift; rounds are a minute apart, and a process that missed an hour of them asks anew. */
const MAX_AGE_MS = 60 * 60 * 1000;

/** Milliseconds by which the two counters may differ before the machine must have been suspended. */
const MAX_SUSPENSION_MS = 1_000;

export function createTrustedClock(options: ClockOptions): TrustedClock {
  const { settings } = options;
  switch (settings.source) {
    case "hosts":
      return new HostsClock(options, settings);
    case "chain-for-testing":
      return createChainClock(options, settings);
    case "host-clock-for-testing":
      return hostClock(options);
  }
}

function hostClock({ hostNow, buildTime }: ClockOptions): TrustedClock {
  return {
    read: () => {
      const now = Math.max(hostNow(), buildTime);
      return { now, lowerBound: buildTime, source: "host-clock-for-testing" };
    },
    synchronize: () => Promise.resolve(),
  };
}

/** One host's word on the time. */
interface Sample {
  readonly host: string;
  /** Milliseconds since the epoch at counter zero: what the host said, less the counter in the middle of its round trip. */
  readonly offsetMs: number;
  readonly roundTripMs: number;
  readonly transport: Transport;
}

interface Anchor {
  readonly offsetMs: number;
  readonly atMs: number;
  readonly suspendedMs: number;
  readonly source: string;
}

class HostsClock implements TrustedClock {
  readonly #options: ClockOptions;
  readonly #settings: Extract<TimeSettings, { source: "hosts" }>;
  #anchor: Anchor | null = null;
  /** Time never runs backwards for a caller, whatever a later median says. */
  #latest: number;

  constructor(options: ClockOptions, settings: Extract<TimeSettings, { source: "hosts" }>) {
    this.#options = options;
    this.#settings = settings;
    this.#latest = options.buildTime;
  }

  read(): Reading {
    const anchor = this.#anchor;
    const atMs = this.#options.monotonicMs();
    if (anchor === null || atMs - anchor.atMs > MAX_AGE_MS || this.#wasSuspendedSince(anchor))
      return { now: null, lowerBound: this.#latest, source: "build" };
    const now = Math.max(this.#latest, Math.floor((anchor.offsetMs + atMs) / 1000));
    this.#latest = now;
    return {
      now,
      lowerBound: Math.max(this.#options.buildTime, now - DATE_UNCERTAINTY_SECONDS),
      source: anchor.source,
    };
  }

  async synchronize(): Promise<void> {
    const answers = await Promise.all(this.#settings.urls.map((url) => this.#ask(url)));
    const samples = answers.filter((sample) => sample !== null);
    const offsetMs = this.#agreed(samples);
    this.#anchor =
      offsetMs === null
        ? null
        : {
            offsetMs,
            atMs: this.#options.monotonicMs(),
            suspendedMs: this.#suspendedMs(),
            source: `median Date of ${samples
              .map(({ host }) => host)
              .sort()
              .join(", ")}`,
          };
  }

  /** The offset that the hosts agree on; null when they do not, or it cannot be true. */
  #agreed(samples: readonly Sample[]): number | null {
    const sorted = [...samples].sort((a, b) => a.offsetMs - b.offsetMs);
    const median = sorted[Math.floor((sorted.length - 1) / 2)];
    if (median === undefined || samples.length < this.#settings.quorum) return null;
    const seconds = Math.floor((median.offsetMs + this.#options.monotonicMs()) / 1000);
    if (seconds < this.#options.buildTime) return null;
    const agreeing = sorted.filter(
      (sample) =>
        // OpenSSL judged its certificates by the host's clock.
        isChainInDate(sample.transport, seconds) &&
        Math.abs(sample.offsetMs - median.offsetMs) <=
          AGREEMENT_MS + (sample.roundTripMs + median.roundTripMs) / 2,
    );
    return agreeing.length > this.#settings.urls.length / 2 ? median.offsetMs : null;
  }

  /** Milliseconds that the machine was suspended, as far as it knows. */
  #suspendedMs(): number {
    const { bootMs, monotonicMs } = this.#options;
    return bootMs === undefined ? 0 : bootMs() - monotonicMs();
  }

  #wasSuspendedSince(anchor: Anchor): boolean {
    return Math.abs(this.#suspendedMs() - anchor.suspendedMs) > MAX_SUSPENSION_MS;
  }

  /** null for any failure, and for a word that is too old to say when it was true. */
  async #ask(url: string): Promise<Sample | null> {
    const target = new URL(url);
    // Only TLS says who told the time.
    if (target.protocol !== "https:") return null;
    const sentMs = this.#options.monotonicMs();
    const outcome = await this.#options.exchange({
      url: target,
      method: "HEAD",
      headers: { accept: "*/*", "cache-control": "no-cache" },
      body: new Uint8Array(),
    });
    if (outcome.kind === "failed") return null;
    const { headers, transport } = outcome.response;
    const receivedMs = this.#options.monotonicMs();
    const date = parseHttpDate(headers["date"]);
    const age = parseAge(headers["age"]);
    if (date === null || age === null || receivedMs - sentMs > MAX_ROUND_TRIP_MS) return null;
    return {
      host: target.host,
      offsetMs: (date + age) * 1000 - (sentMs + receivedMs) / 2,
      roundTripMs: receivedMs - sentMs,
      transport,
    };
  }
}

const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Seconds from an IMF-fixdate (RFC 9110 §5.6.7); null for any other form. */
export function parseHttpDate(text: string | undefined): number | null {
  if (text === undefined || !HTTP_DATE.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}

/** Seconds that a response lay in caches since its `Date` (RFC 9111 §5.1); 0 for none, null for what is no age. */
function parseAge(text: string | undefined): number | null {
  if (text === undefined) return 0;
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : null;
}
