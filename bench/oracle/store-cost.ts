/** What a database costs its server while it is used: processor time, commits, and bytes of its log. */

import { readFileSync } from "node:fs";
import { Client } from "pg";
import { cpuSeconds } from "./process-cost.ts";

export interface StoreUse {
  /** Of the server's processes; `undefined` where they run on another machine. */
  readonly cpuSeconds: number | undefined;
  readonly commits: number;
  /** Of the write-ahead log, of the whole server. */
  readonly walBytes: number;
}

/** A process that ends takes its processor time with it: to be looked at every few seconds. */
export class StoreCost {
  readonly #client: Client;
  readonly #usedBy = new Map<number, number>();

  private constructor(client: Client) {
    this.#client = client;
  }

  static async open(url: string): Promise<StoreCost> {
    const client = new Client(url);
    await client.connect();
    return new StoreCost(client);
  }

  /** Since the server's processes of now began to run. */
  async read(): Promise<StoreUse> {
    // Those of this database, and those that write for all of them: the checkpointer, the log's writer.
    const { rows } = await this.#client.query<{ pid: number; commits: string; wal: string }>(
      `select pid, (select xact_commit from pg_stat_database where datname = current_database()) as commits,
         pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as wal
       from pg_stat_activity where datname = current_database() or datname is null`,
    );
    for (const { pid } of rows) if (isPostgres(pid)) this.#usedBy.set(pid, cpuSeconds(pid));
    const used = [...this.#usedBy.values()].reduce((sum, seconds) => sum + seconds, 0);
    return {
      cpuSeconds: this.#usedBy.size === 0 ? undefined : used,
      commits: Number(rows[0]?.commits ?? 0),
      walBytes: Number(rows[0]?.wal ?? 0),
    };
  }

  close(): Promise<void> {
    return this.#client.end();
  }
}

/** A server elsewhere has processes of the same numbers, which are not these. */
function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "postgres";
  } catch {
    return false;
  }
}
