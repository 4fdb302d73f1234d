import { sql } from "kysely";
import { inTime } from "../engine/in-time.ts";
import { Wakeable } from "../engine/wakeable.ts";
import type { Logger } from "../log.ts";
import type { Store } from "./store.ts";

export interface StoreHealth {
  /** Whether the last row that was to be written was written, in time. */
  readonly writable: boolean;
  /** Milliseconds that it took; `null` until one was written. */
  readonly writeMs: number | null;
  /** Seconds since one was written; `null` until then. */
  readonly writtenSecondsAgo: number | null;
  /** Writes that failed since the process started. */
  readonly failures: number;
}

export interface StoreProbeOptions {
  readonly store: Store;
  /** This process, among those that share the store. */
  readonly holder: string;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

const PERIOD_MS = 5_000;
/** A store that takes longer for one small row takes nobody's answers in time. */
const PATIENCE_MS = 5_000;

/** Writes a row now and then: a store that can be read, and not written, looks well to everybody who only reads. */
export class StoreProbe {
  readonly #options: StoreProbeOptions;
  readonly #loop: Wakeable;
  #writable = true;
  #writeMs: number | null = null;
  #writtenAt: number | null = null;
  #failures = 0;

  constructor(options: StoreProbeOptions) {
    this.#options = options;
    this.#loop = new Wakeable(PERIOD_MS, async () => {
      await this.look();
      return false;
    });
  }

  get health(): StoreHealth {
    const { now } = this.#options;
    return {
      writable: this.#writable,
      writeMs: this.#writeMs,
      writtenSecondsAgo: this.#writtenAt === null ? null : Math.round((now() - this.#writtenAt) / 1_000),
      failures: this.#failures,
    };
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async look(): Promise<void> {
    const { log, now } = this.#options;
    const began = now();
    try {
      await inTime(PATIENCE_MS, this.#write());
      this.#writeMs = now() - began;
      this.#writtenAt = now();
      if (!this.#writable) log.info("store.writable", {});
      this.#writable = true;
    } catch (error) {
      this.#failures += 1;
      if (this.#writable)
        log.error("store.not-writable", { error, action: "look at the database's disk and its permissions" });
      this.#writable = false;
    }
  }

  async #write(): Promise<void> {
    const { store, holder } = this.#options;
    await sql`
      insert into leases (name, holder, expires_at) values (${`probe#${holder}`}, ${holder}, 0)
      on conflict (name) do update set expires_at = leases.expires_at + 1`.execute(store.db);
  }
}
