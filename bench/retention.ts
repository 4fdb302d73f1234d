/**
 * What it costs to let requests go from a store on PostgreSQL that holds many: in parts, as the node does it (`oracle/store/prune.ts`), against
 * dropping their tables, which is what dropping a partition would cost.
 *
 * npm run -s bench:retention -- --postgres URL [--requests N] [--seconds N]
 *
 * A request has five rows, in `requests`, `answers`, `receipts`, `settlements` and `transaction_items`, and a tenth of a transaction; the rows are shorter
 * than real ones. Everything is in a database of its own, which is dropped afterwards. Prints one JSON object.
 */

import { parseArgs } from "node:util";
import { sql } from "kysely";
import type { Hex } from "../protocol/bytes.ts";
import { pruneRequests, readEndedBefore } from "../oracle/store/prune.ts";
import { openStore, type Store } from "../oracle/store/store.ts";
import { createDatabase } from "./oracle/postgres.ts";

const { values: options } = parseArgs({
  options: {
    postgres: { type: "string" },
    requests: { type: "string", default: "2000000" },
    seconds: { type: "string", default: "30" },
  },
});
if (options.postgres === undefined) throw new TypeError("--postgres URL is missing");
const requests = Number(options.requests);
const CHAIN = 1;
/** As `Retention` takes them. */
const AT_ONCE = 50;
const PER_TRANSACTION = 10;
const LATER = 2_000_000_000;
const PARTS = 20;

const TABLES = [
  "answers",
  "receipts",
  "settlements",
  "transaction_items",
  "attempts",
  "transactions",
  "requests",
];
const id = (n: string): string => `'0x' || lpad(to_hex(${n}), 64, '0')`;
const ZERO = `'0x${"00".repeat(32)}'`;

/** Rows of the requests from `from` to `to`. */
function fill(from: number, to: number): readonly string[] {
  const series = `generate_series(${from}, ${to}) n`;
  const place = `n / 10, ${ZERO}, ${id("n")}, n % 10`;
  return [
    `insert into requests (chain_id, request_id, block_number, block_hash, block_time, tx_hash, log_index, consumer,
       request, payload, payload_uri, deadline, fee, released, phase, seen_at, policy_id)
     select ${CHAIN}, ${id("n")}, n / 10, ${ZERO}, n / 10, ${id("n")}, n % 10, '0x' || repeat('aa', 20),
       json_build_object('gasPriceCap', '1', 'terms', repeat(md5(n::text), 20))::text, '0x' || repeat(md5(n::text), 8), '',
       n, '1', true, 'settled', 0, ${ZERO} from ${series}`,
    `insert into answers (chain_id, request_id, keyset_id, status, answer, signature, output, not_before, recorded_at,
       state_block_number, state_block_hash)
     select ${CHAIN}, ${id("n")}, ${ZERO}, 1, repeat(md5(n::text), 12), repeat(md5(n::text), 4), '0x', 0, 0, n / 10, ${ZERO}
     from ${series}`,
    `insert into receipts (chain_id, request_id, keyset_id, receipt)
     select ${CHAIN}, ${id("n")}, ${ZERO}, repeat(md5(n::text), 24) from ${series}`,
    `insert into settlements (chain_id, request_id, kind, status, keyset_id, callback_succeeded,
       block_number, block_hash, tx_hash, log_index)
     select ${CHAIN}, ${id("n")}, 'fulfilled', 1, ${ZERO}, true, ${place} from ${series}`,
    `insert into transactions (chain_id, signer, nonce, kind, to_address, data, gas_limit, state, created_at, sent_at)
     select ${CHAIN}, '0xaa', n / ${PER_TRANSACTION}, 'settle', '0xbb', repeat(md5(n::text), 20), 1, 'final', 0, 0
     from ${series} where n % ${PER_TRANSACTION} = 0`,
    `insert into transaction_items (transaction_id, chain_id, request_id, live)
     select t.id, ${CHAIN}, ${id("n")}, false from ${series}
     join transactions t on t.chain_id = ${CHAIN} and t.signer = '0xaa' and t.nonce = n / ${PER_TRANSACTION}`,
    `insert into attempts (hash, transaction_id, raw, max_fee, priority_fee, created_at)
     select ${id("t.nonce")}, t.id, repeat(md5(t.id::text), 20), '1', '1', 0 from transactions t
     where t.nonce between ${Math.ceil(from / PER_TRANSACTION)} and ${Math.floor(to / PER_TRANSACTION)}`,
  ];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function fillStore({ db }: Store): Promise<void> {
  const part = Math.ceil(requests / PARTS / PER_TRANSACTION) * PER_TRANSACTION;
  for (let from = 0; from < requests; from += part) {
    for (const statement of fill(from, Math.min(requests, from + part) - 1))
      await sql.raw(statement).execute(db);
    process.stderr.write(`${Math.min(requests, from + part)} of ${requests} requests\n`);
  }
  await sql.raw("vacuum analyze").execute(db);
}

/** @returns requests that went, for at least so many seconds */
async function prune(
  store: Store,
  seconds: number,
): Promise<{ pruned: number; seconds: number; longestMs: number }> {
  const began = performance.now();
  let [pruned, longestMs] = [0, 0];
  while (performance.now() - began < seconds * 1_000) {
    const ended: Hex[] = await readEndedBefore(store, { chainId: CHAIN, before: LATER, limit: AT_ONCE });
    if (ended.length === 0) break;
    longestMs = Math.max(longestMs, await timed(() => pruneRequests(store, CHAIN, ended)));
    pruned += ended.length;
  }
  return { pruned, seconds: (performance.now() - began) / 1_000, longestMs };
}

const database = await createDatabase(options.postgres);
const store = await openStore({ kind: "postgres", url: database.url });
try {
  const fillMs = await timed(() => fillStore(store));
  const { rows } = await sql<{ rows: number; bytes: number }>`
    select sum(reltuples)::bigint as rows, pg_database_size(current_database()) as bytes
    from pg_class where relkind = 'r' and relname = any(${TABLES})`.execute(store.db);
  const { pruned, seconds, longestMs } = await prune(store, Number(options.seconds));
  const vacuumMs = await timed(() =>
    sql.raw("vacuum requests, answers, receipts, settlements").execute(store.db),
  );
  const dropMs = await timed(() => sql.raw(`drop table ${TABLES.join(", ")}`).execute(store.db));
  const report = {
    requests,
    rows: rows[0]?.rows,
    gigabytes: Number(((rows[0]?.bytes ?? 0) / 1e9).toFixed(1)),
    fillSeconds: Math.round(fillMs / 1_000),
    inParts: {
      pruned,
      perSecond: Math.round(pruned / seconds),
      longestTransactionMs: Math.round(longestMs),
      vacuumSeconds: Number((vacuumMs / 1_000).toFixed(1)),
    },
    dropMs: Math.round(dropMs),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
} finally {
  await store.close();
  await database.drop();
}
