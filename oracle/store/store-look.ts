/** Looks at a store every few seconds, whether it is written or only read; says once that it is away, and once that it is back. */

import { inTime } from "../engine/in-time.ts";
import { Wakeable } from "../engine/wakeable.ts";
import { isOutage, type Logger } from "../log.ts";

export interface StoreLookOptions {
  /** What must come in time. */
  readonly look: () => Promise<void>;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
  /** Events of the log, and what its reader is to do. */
  readonly says: { readonly away: string; readonly back: string; readonly action: string };
}

export interface StoreLooks {
  /** Whether the last look found what it looked for, in time. */
  readonly isWell: boolean;
  /** Why it did not. */
  readonly failure: unknown;
  /** Milliseconds that the last look took which did; `null` until one does. */
  readonly tookMs: number | null;
  readonly secondsAgo: number | null;
  /** Looks that failed since the process started. */
  readonly failures: number;
}

const PERIOD_MS = 5_000;
/** A store that takes longer for one small row takes nobody's answers in time. */
const PATIENCE_MS = 5_000;

export class StoreLook {
  readonly #options: StoreLookOptions;
  readonly #loop: Wakeable;
  #isWell = true;
  #failure: unknown;
  #tookMs: number | null = null;
  #foundAt: number | null = null;
  #failures = 0;
  /** Since when it is said to be away; `undefined`: it is not. */
  #awaySince: number | undefined;

  constructor(options: StoreLookOptions) {
    this.#options = options;
    this.#loop = new Wakeable(PERIOD_MS, async () => {
      await this.look();
      return false;
    });
  }

  get state(): StoreLooks {
    const { now } = this.#options;
    return {
      isWell: this.#isWell,
      failure: this.#failure,
      tookMs: this.#tookMs,
      secondsAgo: this.#foundAt === null ? null : Math.round((now() - this.#foundAt) / 1_000),
      failures: this.#failures,
    };
  }

  async look(): Promise<void> {
    const { now, log, says, look } = this.#options;
    const began = now();
    try {
      await inTime(PATIENCE_MS, look());
      this.#tookMs = now() - began;
      this.#foundAt = now();
      this.#isWell = true;
      this.#failure = undefined;
      if (this.#awaySince === undefined) return;
      log.info(says.back, { secondsAway: Math.round((now() - this.#awaySince) / 1_000) });
      this.#awaySince = undefined;
    } catch (error) {
      this.#failures += 1;
      this.#isWell = false;
      this.#failure = error;
      this.#sayAway(error);
    }
  }

  /**
   * `log` for all who work with the store: what fails for want of it is one line when it goes, whoever notices first, and not one a step. With
   * the level "debug" each is there.
   */
  quieten(log: Logger): Logger {
    const say =
      (level: "warn" | "error"): Logger["warn"] =>
      (event, fields) => {
        const error = fields?.["error"];
        const isOfStore = error instanceof Error && isOutage(error);
        if (isOfStore && this.#awaySince === undefined) {
          this.#sayAway(error);
          // Whether it is back is not to be found out in five seconds only: most of what breaks is one connection.
          this.#loop.wake();
        }
        log[isOfStore ? "debug" : level](event, fields);
      };
    return {
      debug: log.debug.bind(log),
      info: log.info.bind(log),
      warn: say("warn"),
      error: say("error"),
      with: (fields) => this.quieten(log.with(fields)),
    };
  }

  /** Resolves when the look under way has ended; none follows. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  #sayAway(error: unknown): void {
    if (this.#awaySince !== undefined) return;
    const { now, log, says } = this.#options;
    this.#awaySince = now();
    log.error(says.away, { error, action: says.action });
  }
}
