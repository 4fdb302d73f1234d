import { sql } from "kysely";
import type { Hex } from "../../protocol/bytes.ts";
import type { Store, StoreTransaction } from "./store.ts";

/** Below every block: of a chain of which nothing was read. */
const NOTHING_READ = -1;

/** Number of the newest block that the journal has read; -1 for none. */
export async function newestBlock(store: Store, chainId: number): Promise<number> {
  const row = await store.db
    .selectFrom("blocks")
    .select(({ fn }) => fn.max("number").as("number"))
    .where("chain_id", "=", chainId)
    .executeTakeFirst();
  return (row?.number as number | null | undefined) ?? NOTHING_READ;
}

/** Hash of a block that the journal has read and keeps. */
export async function readBlockHash(store: Store, chainId: number, number: number): Promise<Hex | undefined> {
  const row = await store.db
    .selectFrom("blocks")
    .select("hash")
    .where("chain_id", "=", chainId)
    .where("number", "=", number)
    .executeTakeFirst();
  return row?.hash as Hex | undefined;
}

export interface ReadBlocks {
  readonly newest: number;
  /** By number, of those that were asked for: the ones that are kept. */
  readonly hashes: ReadonlyMap<number, string>;
}

/** The journal's rows of these blocks. */
export async function readBlocks(
  trx: StoreTransaction,
  chainId: number,
  numbers: readonly number[],
): Promise<ReadBlocks> {
  const { rows } = await sql<{ number: number; hash: string }>`
    select number, hash from blocks where chain_id = ${chainId} and (number = any(${[...numbers]}::bigint[])
      or number = (select max(number) from blocks where chain_id = ${chainId})) order by number desc`.execute(
    trx,
  );
  return {
    newest: rows[0]?.number ?? NOTHING_READ,
    hashes: new Map(rows.map(({ number, hash }) => [number, hash])),
  };
}
