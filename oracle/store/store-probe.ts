import { sql } from "kysely";
import type { Logger } from "../log.ts";
import { StoreLook } from "./store-look.ts";
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

const SAYS = {
  away: "store.not-writable",
  back: "store.writable",
  action: "look at the database's disk and its permissions",
} as const;

/** Writes a row now and then: a store that can be read, and not written, looks well to everybody who only reads. */
export class StoreProbe {
  readonly #options: StoreProbeOptions;
  readonly #look: StoreLook;

  constructor(options: StoreProbeOptions) {
    this.#options = options;
    const { log, now } = options;
    this.#look = new StoreLook({ look: () => this.#write(), log, now, says: SAYS });
  }

  get health(): StoreHealth {
    const { isWell, tookMs, secondsAgo, failures } = this.#look.state;
    return { writable: isWell, writeMs: tookMs, writtenSecondsAgo: secondsAgo, failures };
  }

  /** `log` without a line for each step that fails because the store is away. */
  quieten(log: Logger): Logger {
    return this.#look.quieten(log);
  }

  stop(): Promise<void> {
    return this.#look.stop();
  }

  look(): Promise<void> {
    return this.#look.look();
  }

  async #write(): Promise<void> {
    const { store, holder } = this.#options;
    await sql`
      insert into leases (name, holder, expires_at) values (${`probe#${holder}`}, ${holder}, 0)
      on conflict (name) do update set expires_at = leases.expires_at + 1`.execute(store.db);
  }
}
