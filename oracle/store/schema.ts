/**
 * The tables. One dialect for PGlite and PostgreSQL: integers that fit a double are `bigint` (read as numbers), wei and
 * bytes are text (decimal, lower-case hex), JSON is text, so that both drivers hand back the same values.
 *
 * `blocks`, `requests`, `settlements`, `deliveries`, `quorum_events` and `admissions` are functions of the canonical chain: a reorg deletes what it
 * dropped, and reading again restores it. `answers`, `receipts` and `transactions` are this node's own work, `peer_leaves` other operators'; they survive.
 */

import type { Generated, GeneratedAlways, Insertable } from "kysely";

/** Blocks already read, newest last; sparse where a gap was filled by range. */
interface BlocksTable {
  chain_id: number;
  number: number;
  hash: string;
}

/**
 * Where a request stands, derived from the other tables by `refreshPhases`:
 * seen (too few confirmations) → asked (a job exists) → answered or refused → sent → settled.
 */
export type RequestPhase = "seen" | "asked" | "answered" | "refused" | "sent" | "settled";

interface RequestsTable {
  chain_id: number;
  request_id: string;
  block_number: number;
  block_hash: string;
  /** Seconds, of the request's block. */
  block_time: number;
  tx_hash: string;
  log_index: number;
  consumer: string;
  /** The `Request`, in the JSON form of the protocol. */
  request: string;
  payload: string;
  payload_uri: string;
  deadline: number;
  fee: string;
  /** Wei per gas, read from `request` by the database: compared there only. */
  gas_price_cap: GeneratedAlways<string>;
  /** Answers needed, from distinct platforms. */
  threshold: Generated<number>;
  /** `null` in a row that an earlier version wrote, and that had ended. */
  policy_id: string | null;
  /** Whether it has its confirmations, and is this node's to answer or to refund. */
  released: boolean;
  /** Whether it has no job since no enclave is admitted under its policy. */
  parked: Generated<boolean>;
  /** Milliseconds, this node's clock: when its job was queued; 0 before. */
  released_at: Generated<number>;
  phase: RequestPhase;
  /** Settlements tried and refused by the chain; each makes the next wait longer. */
  attempts: Generated<number>;
  /** Seconds: no settlement is tried before this time. */
  retry_at: Generated<number>;
  last_error: string | null;
  /** Milliseconds, this node's clock. */
  seen_at: number;
}

/** Requests that an enclave refused to answer at all, by error code; such a request ends in a refund. */
interface RefusalsTable {
  chain_id: number;
  request_id: string;
  code: string;
  refused_at: number;
}

interface SettlementsTable {
  chain_id: number;
  request_id: string;
  kind: "fulfilled" | "refunded" | "cancelled";
  status: number;
  keyset_id: string;
  /** Seconds, of the answer or of a quorum's oldest; 0 unless fulfilled. */
  answered_at: Generated<number>;
  output_hash: Generated<string>;
  callback_succeeded: boolean | null;
  block_number: number;
  block_hash: string;
  tx_hash: string;
  log_index: number;
}

/** Failed callbacks that somebody delivered again. */
interface DeliveriesTable {
  chain_id: number;
  request_id: string;
  block_number: number;
  block_hash: string;
  tx_hash: string;
  log_index: number;
}

/** The fate of quorums' committed leaves. */
interface QuorumEventsTable {
  chain_id: number;
  request_id: string;
  event: "committed" | "opened" | "cleared";
  /** JSON text: an array of hashes. */
  leaves: string;
  /** JSON text: of the committed leaves, in their order; `[]` in other events, and in rows of an earlier version. */
  platforms: Generated<string>;
  /** Seconds; 0 while the window has not begun. */
  window_ends_at: number;
  block_number: number;
  block_hash: string;
  tx_hash: string;
  log_index: number;
}

interface AnswersTable {
  chain_id: number;
  request_id: string;
  keyset_id: string;
  status: number;
  /** The `Answer`, in the JSON form of the protocol. */
  answer: string;
  signature: string;
  output: string;
  /** Seconds: not sent before this time (statuses that settle only in the last window before the deadline). */
  not_before: number;
  /** The block that it is bound to: void where a reorg put another in its place. */
  state_block_number: number;
  state_block_hash: string;
  /** Over its leaf, where the request's threshold is above 1. */
  leaf_signature: string | null;
  recorded_at: number;
}

/** Leaves, and later answers, that members of other operators gave. */
interface PeerLeavesTable {
  chain_id: number;
  request_id: string;
  keyset_id: string;
  signer: string;
  platform: string;
  vendor: number;
  leaf: string;
  leaf_signature: string;
  /** The `Answer`, in the JSON form of the protocol; `null`, as the two below, while it is not shown. */
  answer: string | null;
  output: string | null;
  state_block_number: number | null;
  /** Milliseconds, this node's clock. */
  received_at: number;
}

interface ReceiptsTable {
  chain_id: number;
  request_id: string;
  keyset_id: string;
  /** JSON text: without what is in `attestations`, or whole where there is no hash. */
  receipt: string;
  attestation_hash: string | null;
}

/** `keyset`, `evidence` and `endorsements` of receipts, as JSON text by its SHA-256. */
interface AttestationsTable {
  hash: string;
  attestation: string;
}

export type TransactionState = "pending" | "mined" | "final" | "failed" | "lost";

/** One nonce of one key. The transactions broadcast under it are its `attempts`. */
interface TransactionsTable {
  id: Generated<number>;
  chain_id: number;
  signer: string;
  nonce: number;
  kind:
    | "fulfill"
    | "fulfillBatch"
    | "commitQuorum"
    | "openQuorum"
    | "clearQuorum"
    | "refund"
    | "admit"
    | "round"
    | "ledger"
    | "other";
  to_address: string;
  data: string;
  gas_limit: number;
  /** Wei per gas that no attempt exceeds; `null` in rows of an earlier version. */
  fee_cap: string | null;
  state: TransactionState;
  block_number: number | null;
  block_hash: string | null;
  /** Milliseconds. */
  created_at: number;
  sent_at: number;
}

interface AttemptsTable {
  hash: string;
  transaction_id: number;
  raw: string;
  max_fee: string;
  priority_fee: string;
  created_at: number;
}

/** The requests that a transaction settles. `live` until the transaction failed or was lost. */
interface TransactionItemsTable {
  transaction_id: number;
  chain_id: number;
  request_id: string;
  live: boolean;
}

interface AdmissionsTable {
  chain_id: number;
  keyset_id: string;
  event: "admitted" | "deleted" | "revoked";
  /** Names the admission of one key under one policy. */
  seat: string;
  policy_id: string;
  expires_at: number;
  platform: string;
  block_number: number;
  block_hash: string;
  tx_hash: string;
  log_index: number;
}

/** The process that may write for a named part, and until when (database clock, milliseconds). */
interface LeasesTable {
  name: string;
  holder: string;
  expires_at: number;
}

export interface StoreSchema {
  blocks: BlocksTable;
  requests: RequestsTable;
  refusals: RefusalsTable;
  settlements: SettlementsTable;
  deliveries: DeliveriesTable;
  quorum_events: QuorumEventsTable;
  answers: AnswersTable;
  peer_leaves: PeerLeavesTable;
  receipts: ReceiptsTable;
  attestations: AttestationsTable;
  transactions: TransactionsTable;
  attempts: AttemptsTable;
  transaction_items: TransactionItemsTable;
  admissions: AdmissionsTable;
  leases: LeasesTable;
}

export type RequestRow = Insertable<RequestsTable>;
