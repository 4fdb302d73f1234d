import { sql } from "kysely";
import type { Hex } from "../../protocol/bytes.ts";
import { isBound, refreshPhases } from "./phases.ts";
import type { DueAnswerQuery } from "./settlements.ts";
import { type HeldPeerLeaf, readPeerLeaves } from "./peer-leaves.ts";
import { isRetryDue } from "./retry-time.ts";
import type { Store, StoreTransaction } from "./store.ts";

/** An answer of this node to a request of several. */
export interface QuorumMember {
  readonly keysetId: Hex;
  /** JSON text of the `Answer`. */
  readonly answer: string;
  /** Of the answer's leaf. */
  readonly leafSignature: Hex;
  readonly output: Hex;
  readonly stateBlockNumber: number;
  /** Seconds: the block time from which the contract takes it. */
  readonly notBefore: number;
  /** Milliseconds. */
  readonly heldAt: number;
}

/** The chain's record of the request's leaves; oldest first. */
export interface QuorumStep {
  readonly event: "committed" | "opened" | "cleared";
  readonly leaves: readonly Hex[];
  /** Of committed leaves, in their order. */
  readonly platforms: readonly Hex[];
  /** Seconds; 0 while the window has not begun. */
  readonly windowEndsAt: number;
}

export interface DueQuorum {
  readonly requestId: Hex;
  /** JSON text of the `Request`. */
  readonly request: string;
  readonly blockNumber: number;
  /** Milliseconds: when its job was queued. */
  readonly releasedAt: number;
  /** By status, then by age. */
  readonly members: readonly QuorumMember[];
  /** What other operators gave. */
  readonly peers: readonly HeldPeerLeaf[];
  readonly steps: readonly QuorumStep[];
}

export interface DueQuorumQuery extends DueAnswerQuery {
  /** Whether other operators give answers too: then this node need not have them all, and may add one while the window is open. */
  readonly isShared: boolean;
}

/** A keyset that has answered a request; not bound where no contract takes its answer any more. */
export interface AnsweredKeyset {
  readonly keysetId: Hex;
  readonly isBound: boolean;
  /** Whether the contract takes it in the last window before the deadline only. */
  readonly isLate: boolean;
}

export async function readAnsweredKeysets(
  store: Store,
  chainId: number,
  requestId: Hex,
): Promise<AnsweredKeyset[]> {
  const rows = await store.db
    .selectFrom("answers as a")
    .innerJoin("requests as r", (join) =>
      join.onRef("r.chain_id", "=", "a.chain_id").onRef("r.request_id", "=", "a.request_id"),
    )
    .select(["a.keyset_id", "a.not_before", isBound.as("is_bound")])
    .where("a.chain_id", "=", chainId)
    .where("a.request_id", "=", requestId)
    .execute();
  return rows.map(({ keyset_id, is_bound, not_before }) => ({
    keysetId: keyset_id as Hex,
    isBound: is_bound,
    isLate: not_before > 0,
  }));
}

/** Requests of several answers, with all that is known of them; oldest first. */
export async function dueQuorums(
  store: Store,
  { chainId, time, baseFee, limit, isShared }: DueQuorumQuery,
): Promise<DueQuorum[]> {
  let query = store.db
    .selectFrom("requests")
    .select(["request_id", "request", "block_number", "released_at"])
    .where("chain_id", "=", chainId)
    .where("phase", "in", isShared ? ["asked", "answered"] : ["answered"])
    .where("threshold", ">", 1)
    .where("released", "=", true)
    .where(isRetryDue("retry_at", time))
    .where("deadline", ">=", time)
    .where("gas_price_cap", ">=", baseFee.toString());
  if (isShared) {
    // Not those of which nothing is known yet.
    query = query.where(
      sql<boolean>`(exists (select from answers a where a.chain_id = requests.chain_id and a.request_id = requests.request_id)
        or exists (select from peer_leaves p where p.chain_id = requests.chain_id and p.request_id = requests.request_id)
        or exists (select from quorum_events e where e.chain_id = requests.chain_id and e.request_id = requests.request_id))`,
    );
  } else {
    query = query.where((where) =>
      // Nothing is to be done while their window is open, and they must not take the place of others.
      where.not(
        where.exists(
          where
            .selectFrom("quorum_events as e")
            .select("e.request_id")
            .whereRef("e.chain_id", "=", "requests.chain_id")
            .whereRef("e.request_id", "=", "requests.request_id")
            .where("e.window_ends_at", ">=", time),
        ),
      ),
    );
  }
  const requests = await query.orderBy("block_number").orderBy("log_index").limit(limit).execute();
  if (requests.length === 0) return [];

  const ids = requests.map(({ request_id }) => request_id);
  const [members, steps, peers] = await Promise.all([
    readMembers(store, chainId, ids),
    readQuorumSteps(store, chainId, ids),
    isShared ? readPeerLeaves(store, chainId, ids) : new Map<string, HeldPeerLeaf[]>(),
  ]);
  return requests.map(({ request_id, request, block_number, released_at }) => ({
    requestId: request_id as Hex,
    request,
    blockNumber: block_number,
    releasedAt: released_at,
    members: members.get(request_id) ?? [],
    peers: peers.get(request_id) ?? [],
    steps: steps.get(request_id) ?? [],
  }));
}

async function readMembers(
  store: Store,
  chainId: number,
  requestIds: readonly string[],
): Promise<Map<string, QuorumMember[]>> {
  const rows = await store.db
    .selectFrom("answers as a")
    .innerJoin("requests as r", (join) =>
      join.onRef("r.chain_id", "=", "a.chain_id").onRef("r.request_id", "=", "a.request_id"),
    )
    .select(["a.request_id", "a.keyset_id", "a.answer", "a.leaf_signature", "a.output"])
    .select(["a.state_block_number", "a.not_before", "a.recorded_at"])
    .where("a.chain_id", "=", chainId)
    .where("a.request_id", "in", requestIds)
    .where(isBound)
    .orderBy("a.status")
    .orderBy("a.recorded_at")
    .orderBy("a.keyset_id")
    .execute();
  const members = rows.map((row) => ({
    requestId: row.request_id,
    keysetId: row.keyset_id as Hex,
    answer: row.answer,
    leafSignature: (row.leaf_signature ?? "0x") as Hex,
    output: row.output as Hex,
    stateBlockNumber: row.state_block_number,
    notBefore: row.not_before,
    heldAt: row.recorded_at,
  }));
  return Map.groupBy(members, ({ requestId }) => requestId);
}

export async function readQuorumSteps(
  store: Store,
  chainId: number,
  requestIds: readonly string[],
): Promise<Map<string, QuorumStep[]>> {
  const rows = await store.db
    .selectFrom("quorum_events")
    .select(["request_id", "event", "leaves", "platforms", "window_ends_at"])
    .where("chain_id", "=", chainId)
    .where("request_id", "in", requestIds)
    .orderBy("block_number")
    .orderBy("log_index")
    .execute();
  const steps = rows.map((row) => ({
    requestId: row.request_id,
    event: row.event,
    leaves: JSON.parse(row.leaves) as Hex[],
    platforms: JSON.parse(row.platforms) as Hex[],
    windowEndsAt: row.window_ends_at,
  }));
  return Map.groupBy(steps, ({ requestId }) => requestId);
}

export interface MinedStep {
  readonly requestId: Hex;
  /** Of the transaction. */
  readonly hash: Hex;
}

/** A commit or an opening of this node is on chain: the next step of its request may be sent. */
export async function freeSteps(
  trx: StoreTransaction,
  chainId: number,
  mined: readonly MinedStep[],
): Promise<void> {
  const { rows } = await sql<{ request_id: string }>`
    update transaction_items i set live = false
    from unnest(
      ${mined.map(({ requestId }) => requestId)}::text[],
      ${mined.map(({ hash }) => hash)}::text[]) as m (request_id, hash)
    join attempts on attempts.hash = m.hash
    join transactions t on t.id = attempts.transaction_id
    where i.transaction_id = t.id and i.chain_id = ${chainId} and i.request_id = m.request_id and i.live
      and t.kind in ('commitQuorum', 'openQuorum', 'clearQuorum')
    returning i.request_id`.execute(trx);
  await refreshPhases(
    trx,
    chainId,
    rows.map(({ request_id }) => request_id),
  );
}
