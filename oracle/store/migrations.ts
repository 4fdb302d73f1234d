import { sql, type Kysely } from "kysely";
import { Migrator, type Migration } from "kysely/migration";
import { ConfigError } from "../../protocol/errors.ts";
import { readSchemaState } from "./schema-state.ts";

/** Append only: a published migration is never edited. Statements run one at a time, as PGlite takes them. */
const INITIAL: readonly string[] = [
  `create table blocks (
     chain_id bigint not null, number bigint not null, hash text not null,
     primary key (chain_id, number))`,
  `create table requests (
     chain_id bigint not null, request_id text not null,
     block_number bigint not null, block_hash text not null, block_time bigint not null,
     tx_hash text not null, log_index bigint not null, consumer text not null,
     request text not null, payload text not null, payload_uri text not null,
     deadline bigint not null, fee text not null,
     released boolean not null, phase text not null,
     attempts bigint not null default 0, retry_at bigint not null default 0, last_error text, seen_at bigint not null,
     primary key (chain_id, request_id))`,
  `create index requests_open on requests (chain_id, phase, block_number) where phase <> 'settled'`,
  `create index requests_by_block on requests (chain_id, block_number, log_index)`,
  `create table refusals (
     chain_id bigint not null, request_id text not null, code text not null, refused_at bigint not null,
     primary key (chain_id, request_id))`,
  `create table settlements (
     chain_id bigint not null, request_id text not null, kind text not null, status bigint not null,
     keyset_id text not null, callback_succeeded boolean,
     block_number bigint not null, block_hash text not null, tx_hash text not null, log_index bigint not null,
     primary key (chain_id, request_id))`,
  `create index settlements_by_block on settlements (chain_id, block_number)`,
  `create table answers (
     chain_id bigint not null, request_id text not null, keyset_id text not null, status bigint not null,
     answer text not null, signature text not null, output text not null, not_before bigint not null,
     recorded_at bigint not null,
     primary key (chain_id, request_id, keyset_id))`,
  `create table receipts (
     chain_id bigint not null, request_id text not null, keyset_id text not null, receipt text not null,
     primary key (request_id, chain_id, keyset_id))`,
  `create table transactions (
     id bigint generated always as identity primary key,
     chain_id bigint not null, signer text not null, nonce bigint not null, kind text not null,
     to_address text not null, data text not null, gas_limit bigint not null, state text not null,
     block_number bigint, block_hash text, created_at bigint not null, sent_at bigint not null)`,
  `create unique index transactions_by_nonce on transactions (chain_id, signer, nonce) where state <> 'lost'`,
  `create index transactions_open on transactions (chain_id, signer, state) where state in ('pending', 'mined')`,
  `create table attempts (
     hash text primary key, transaction_id bigint not null references transactions (id),
     raw text not null, max_fee text not null, priority_fee text not null, created_at bigint not null)`,
  `create index attempts_by_transaction on attempts (transaction_id)`,
  `create table transaction_items (
     transaction_id bigint not null references transactions (id),
     chain_id bigint not null, request_id text not null, live boolean not null,
     primary key (transaction_id, request_id))`,
  `create unique index items_live on transaction_items (chain_id, request_id) where live`,
  `create table admissions (
     chain_id bigint not null, keyset_id text not null, event text not null, policy_id text not null,
     expires_at bigint not null, platform text not null,
     block_number bigint not null, block_hash text not null, tx_hash text not null, log_index bigint not null,
     primary key (chain_id, tx_hash, log_index))`,
  `create index admissions_by_keyset on admissions (chain_id, keyset_id, block_number)`,
  `create table leases (name text primary key, holder text not null, expires_at bigint not null)`,
];

/** When a request's job was queued (this node's clock, milliseconds): what turns are counted from. */
const TURNS: readonly string[] = [
  `alter table requests add column released_at bigint not null default 0`,
  `create index admissions_by_policy on admissions (chain_id, policy_id, keyset_id)`,
];

/** Which transaction settled a request is told by the settlement itself. */
const SETTLING_TRANSACTIONS: readonly string[] = [
  `create index settlements_by_transaction on settlements (chain_id, tx_hash)`,
];

/** How many platforms must answer a request before it counts as answered. */
const QUORUMS: readonly string[] = [
  `alter table requests add column threshold bigint not null default 1`,
  `update requests set threshold = (request::json ->> 'threshold')::bigint`,
];

/** Whether an answer was in a batch before is asked of each that is due. */
const BATCHES: readonly string[] = [
  `create index items_by_request on transaction_items (chain_id, request_id)`,
];

/** The common part of an enclave's receipts is kept once. */
const ATTESTATIONS: readonly string[] = [
  `create table attestations (hash text primary key, attestation text not null)`,
  `alter table receipts add column attestation_hash text references attestations (hash)`,
];

/** Requests that ended badly are counted at each scrape, among all that ended well. */
const BAD_ENDS: readonly string[] = [
  `create index transactions_ended_badly on transactions (chain_id, state) where state in ('failed', 'lost')`,
];

/** What a unit of gas of a transaction may cost, also when it is replaced: more is not repaid. */
const FEE_CAPS: readonly string[] = [`alter table transactions add column fee_cap text`];

/** The newest requests of one consumer are listed, among all that others asked. */
const INDEX_FILTERS: readonly string[] = [
  `create index requests_by_consumer on requests (chain_id, consumer, block_number, log_index)`,
];

/** Which answers repay the gas of today is asked many times a second: reading it out of each request's text is too dear. */
const GAS_PRICE_CAPS: readonly string[] = [
  `alter table requests add column gas_price_cap numeric
     generated always as ((request::json ->> 'gasPriceCap')::numeric) stored`,
];

/** Answers are bound to a block, quorums commit before they open, and a failed callback is delivered again. */
const PROTOCOL_2: readonly string[] = [
  `alter table answers add column state_block_number bigint not null`,
  `alter table answers add column state_block_hash text not null`,
  `alter table answers add column leaf_signature text`,
  `create index answers_by_state_block on answers (chain_id, state_block_number)`,
  `alter table settlements add column answered_at bigint not null default 0`,
  `alter table settlements add column output_hash text not null default '0x${"00".repeat(32)}'`,
  `alter table admissions add column seat text not null`,
  `create index admissions_by_seat on admissions (chain_id, seat, block_number, log_index)`,
  `create table deliveries (
     chain_id bigint not null, request_id text not null,
     block_number bigint not null, block_hash text not null, tx_hash text not null, log_index bigint not null,
     primary key (chain_id, request_id))`,
  `create table quorum_events (
     chain_id bigint not null, request_id text not null, event text not null, leaves text not null,
     window_ends_at bigint not null,
     block_number bigint not null, block_hash text not null, tx_hash text not null, log_index bigint not null,
     primary key (chain_id, tx_hash, log_index))`,
  `create index quorum_events_by_request on quorum_events (chain_id, request_id, block_number, log_index)`,
  `create index quorum_events_by_block on quorum_events (chain_id, block_number)`,
];

/**
 * Policies that nobody here serves must cost nothing: their requests are passed over by an index, and have no jobs. A column without a
 * default, or with a constant one, rewrites no row; what has ended is left as it is.
 */
const SERVED_POLICIES: readonly string[] = [
  `alter table requests add column policy_id text`,
  `alter table requests add column parked boolean not null default false`,
  `update requests set policy_id = request::json ->> 'policyId' where phase <> 'settled'`,
  `create index requests_unreleased on requests (chain_id, policy_id, block_number) where not released`,
  `create index requests_parked on requests (chain_id, policy_id, block_number) where parked`,
];

/** Quorums of several operators: what their nodes tell each other, and which platforms the chain says have committed. */
const OPERATORS: readonly string[] = [
  `alter table quorum_events add column platforms text not null default '[]'`,
  `create table peer_leaves (
     chain_id bigint not null, request_id text not null, keyset_id text not null,
     signer text not null, platform text not null, vendor bigint not null,
     leaf text not null, leaf_signature text not null,
     answer text, output text, state_block_number bigint, received_at bigint not null,
     primary key (chain_id, request_id, keyset_id))`,
  `create index peer_leaves_by_age on peer_leaves (received_at)`,
];

/**
 * A store that followed a coordinator of protocol 1: its requests have another form, and nothing of them can be settled from
 * here.
 *
 * @throws {ConfigError} CONFIG_INVALID
 */
async function refuseProtocol1(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql`select number from blocks limit 1`.execute(db);
  if (rows.length === 0) return;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message:
      "the store is of protocol 1: give this node a store and a transmitter key of its own, and let the earlier version settle " +
      "what is left in the old one (docs/how-to/replace-a-coordinator.md)",
  });
}

function migration(statements: readonly string[]): Migration {
  return {
    async up(db) {
      for (const statement of statements) await sql.raw(statement).execute(db);
    },
  };
}

const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-initial": migration(INITIAL),
  "0002-turns": migration(TURNS),
  "0003-settling-transactions": migration(SETTLING_TRANSACTIONS),
  "0004-quorums": migration(QUORUMS),
  "0005-batches": migration(BATCHES),
  "0006-attestations": migration(ATTESTATIONS),
  "0007-bad-ends": migration(BAD_ENDS),
  "0008-fee-caps": migration(FEE_CAPS),
  "0009-index-filters": migration(INDEX_FILTERS),
  "0010-gas-price-caps": migration(GAS_PRICE_CAPS),
  "0011-protocol-2": {
    async up(db) {
      await refuseProtocol1(db as Kysely<unknown>);
      await migration(PROTOCOL_2).up(db);
    },
  },
  "0012-served-policies": migration(SERVED_POLICIES),
  "0013-operators": migration(OPERATORS),
};

/** Oldest first. */
export const MIGRATION_NAMES: readonly string[] = Object.keys(MIGRATIONS);

/**
 * A version that does not know all of a store's tables would write rows that lack something.
 *
 * @throws {ConfigError} CONFIG_INVALID
 */
async function refuseNewer<Schema>(db: Kysely<Schema>): Promise<void> {
  const { age, migration: unknown } = await readSchemaState(db, MIGRATION_NAMES);
  if (age !== "newer") return;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message:
      `the store was written by a newer version of Adyton (${unknown ?? ""}): run that version, or give this one the backup that was ` +
      "made before the upgrade, or an empty store, which reads the chain again (docs/how-to/run-a-node.md)",
    details: { migration: unknown },
  });
}

/**
 * Brings the schema up to date; safe when several nodes start at once. Throws the database's error when a step fails.
 *
 * @throws {ConfigError} CONFIG_INVALID for a store of a newer version, or of protocol 1
 */
export async function migrateStore<Schema>(db: Kysely<Schema>): Promise<void> {
  await refuseNewer(db);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) },
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined)
    throw error instanceof Error ? error : new Error("migration failed", { cause: error });
}
