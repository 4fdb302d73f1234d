/** What members of other operators told this node of quorums: their leaves, and their answers when these are shown. */

import * as z from "zod";
import { Answer } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { Store } from "./store.ts";

export interface PeerLeaf {
  readonly chainId: number;
  readonly requestId: Hex;
  readonly keysetId: Hex;
  /** Address of its answer key. */
  readonly signer: Hex;
  readonly platform: Hex;
  readonly vendor: number;
  readonly leaf: Hex;
  readonly leafSignature: Hex;
  readonly opening: {
    readonly answer: Answer;
    readonly output: Hex;
    readonly stateBlockNumber: number;
  } | null;
  /** Milliseconds. */
  readonly receivedAt: number;
}

/**
 * The first leaf of a keyset stays, and so does its answer.
 *
 * @returns false for another leaf of the same keyset: it signed twice, or lies
 */
export async function keepPeerLeaf(store: Store, leaf: PeerLeaf): Promise<boolean> {
  const opening = {
    answer: leaf.opening === null ? null : JSON.stringify(z.encode(Answer, leaf.opening.answer)),
    output: leaf.opening?.output ?? null,
    state_block_number: leaf.opening?.stateBlockNumber ?? null,
  };
  const kept = await store.db
    .insertInto("peer_leaves")
    .values({
      chain_id: leaf.chainId,
      request_id: leaf.requestId,
      keyset_id: leaf.keysetId,
      signer: leaf.signer,
      platform: leaf.platform,
      vendor: leaf.vendor,
      leaf: leaf.leaf,
      leaf_signature: leaf.leafSignature,
      received_at: leaf.receivedAt,
      ...opening,
    })
    .onConflict((conflict) =>
      conflict
        .columns(["chain_id", "request_id", "keyset_id"])
        .doUpdateSet((of) => ({
          answer: of.fn.coalesce("peer_leaves.answer", "excluded.answer"),
          output: of.fn.coalesce("peer_leaves.output", "excluded.output"),
          state_block_number: of.fn.coalesce("peer_leaves.state_block_number", "excluded.state_block_number"),
        }))
        .whereRef("peer_leaves.leaf", "=", "excluded.leaf"),
    )
    .returning("keyset_id")
    .execute();
  return kept.length > 0;
}

export interface HeldPeerLeaf {
  readonly keysetId: Hex;
  readonly signer: Hex;
  readonly platform: Hex;
  readonly vendor: number;
  readonly leaf: Hex;
  readonly leafSignature: Hex;
  /** JSON text of the `Answer`; `null` while it is not shown. */
  readonly answer: string | null;
  readonly output: Hex | null;
  readonly stateBlockNumber: number | null;
  /** Milliseconds. */
  readonly receivedAt: number;
}

export async function readPeerLeaves(
  store: Store,
  chainId: number,
  requestIds: readonly string[],
): Promise<Map<string, HeldPeerLeaf[]>> {
  const rows = await store.db
    .selectFrom("peer_leaves")
    .selectAll()
    .where("chain_id", "=", chainId)
    .where("request_id", "in", requestIds)
    .orderBy("received_at")
    .orderBy("keyset_id")
    .execute();
  const leaves = rows.map((row) => ({
    requestId: row.request_id,
    keysetId: row.keyset_id as Hex,
    signer: row.signer as Hex,
    platform: row.platform as Hex,
    vendor: row.vendor,
    leaf: row.leaf as Hex,
    leafSignature: row.leaf_signature as Hex,
    answer: row.answer,
    output: row.output as Hex | null,
    stateBlockNumber: row.state_block_number,
    receivedAt: row.received_at,
  }));
  return Map.groupBy(leaves, ({ requestId }) => requestId);
}

/** A day longer than any request lives (docs/reference/protocol.md: seven days). */
const KEPT_MS = 8 * 86_400_000;

/** @param now - milliseconds */
export async function forgetPeerLeaves(store: Store, now: number): Promise<void> {
  await store.db
    .deleteFrom("peer_leaves")
    .where("received_at", "<", now - KEPT_MS)
    .execute();
}
