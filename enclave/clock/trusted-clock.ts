/**
 * Time without believing the host's clock: never before the build, otherwise the median `Date` of several configured
 * hosts over verified TLS, carried on by a monotonic counter.
 */

import type { TimeSettings } from "../configuration/behaviour.ts";
import type { Exchange } from "../egress/exchange.ts";

export interface Reading {
  /** Seconds; null when no trustworthy time is known. */
  readonly now: number | null;
  /** Seconds: surely past, the build at least. */
  readonly lowerBound: number;
  readonly source: string;
}

export interface TrustedClock {
  readonly read: () => Reading;
  /** Asks the hosts again. A failure leaves the last median in place until it is too old. */
  readonly synchronize: () => Promise<void>;
}

export interface ClockOptions {
  readonly settings: TimeSettings;
  readonly buildTime: number;
  readonly exchange: Exchange;
  /** Milliseconds from any start, never backwards. */
  readonly monotonicMs: () => number;
  /** Seconds by the machine's clock: used only where the behaviour file says so. */
  readonly hostNow: () => number;
}

/** A `Date` header has whole seconds and is a network's delay old. */
const DATE_UNCERTAINTY_SECONDS = 2;

/** Counters of virtual machines drift, and a host may pause one: a median older than this is not trusted. */
const MAX_AGE_MS = 6 * 60 * 60 * 1000;

export function createTrustedClock(options: ClockOptions): TrustedClock {
  return options.settings.source === "hosts" ? new HostsClock(options, options.settings) : hostClock(options);
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

class HostsClock implements TrustedClock {
  readonly #options: ClockOptions;
  readonly #settings: Extract<TimeSettings, { source: "hosts" }>;
  #anchor: { readonly seconds: number; readonly atMs: number; readonly source: string } | null = null;
  /** Time never runs backwards for a caller, whatever a later median says. */
  #latest: number;

  constructor(options: ClockOptions, settings: Extract<TimeSettings, { source: "hosts" }>) {
    this.#options = options;
    this.#settings = settings;
    this.#latest = options.buildTime;
  }

  read(): Reading {
    const anchor = this.#anchor;
    const elapsedMs = anchor === null ? Infinity : this.#options.monotonicMs() - anchor.atMs;
    if (anchor === null || elapsedMs > MAX_AGE_MS) {
      return { now: null, lowerBound: this.#latest, source: "build" };
    }
    const now = Math.max(this.#latest, anchor.seconds + Math.floor(elapsedMs / 1000));
    this.#latest = now;
    return {
      now,
      lowerBound: Math.max(this.#options.buildTime, now - DATE_UNCERTAINTY_SECONDS),
      source: anchor.source,
    };
  }

  async synchronize(): Promise<void> {
    const { urls, quorum } = this.#settings;
    const samples = (await Promise.all(urls.map((url) => this.#ask(url)))).filter(
      (sample) => sample !== null,
    );
    const seconds = samples.map((sample) => sample.seconds).sort((a, b) => a - b);
    // The lower one of an even number: a lie must outnumber the truth in either direction.
    const median = seconds[Math.floor((seconds.length - 1) / 2)];
    if (seconds.length < quorum || median === undefined || median < this.#options.buildTime) return;
    const source = `median Date of ${samples
      .map((sample) => sample.host)
      .sort()
      .join(", ")}`;
    this.#anchor = { seconds: median, atMs: this.#options.monotonicMs(), source };
  }

  /** One host's time; null for any failure, since the quorum is counted over who answered. */
  async #ask(url: string): Promise<{ readonly seconds: number; readonly host: string } | null> {
    const target = new URL(url);
    // Only TLS says who told the time.
    if (target.protocol !== "https:") return null;
    const outcome = await this.#options.exchange({
      url: target,
      method: "HEAD",
      headers: { accept: "*/*" },
      body: new Uint8Array(),
    });
    if (outcome.kind === "failed") return null;
    const date = parseHttpDate(outcome.response.headers["date"]);
    return date === null ? null : { seconds: date, host: target.host };
  }
}

const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Seconds from an IMF-fixdate (RFC 9110 §5.6.7); null for any other form. */
export function parseHttpDate(text: string | undefined): number | null {
  if (text === undefined || !HTTP_DATE.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}
