import { createHash } from "node:crypto";
import * as z from "zod";

import { encodeCanonicalJson, parseJson } from "../../protocol/canonical-json.ts";
import { fromUtf8, type Hex, toHex, toUtf8 } from "../../protocol/bytes.ts";
import { OnChainReceipt } from "../../protocol/receipt.ts";
import type { ReadableStore, StoreTransaction } from "./store.ts";

/**
 * A receipt in the two parts in which it is kept, both JSON texts in the protocol's form: most of a receipt's bytes are its
 * enclave's evidence with the endorsements, and the same for thousands of them.
 */
export interface StoredReceipt {
  /** All of it but `keyset`, `evidence` and `endorsements`. */
  readonly own: string;
  readonly attestation: string;
}

export function toStoredReceipt(receipt: OnChainReceipt): StoredReceipt {
  const { keyset, evidence, endorsements, ...own } = z.encode(OnChainReceipt, receipt);
  return { own: JSON.stringify(own), attestation: JSON.stringify({ keyset, evidence, endorsements }) };
}

export interface ReceiptRecord {
  readonly chainId: number;
  readonly requestId: Hex;
  readonly keysetId: Hex;
  readonly receipt: StoredReceipt;
}

/** Writes receipts; what is there already stays. */
export async function insertReceipts(
  trx: StoreTransaction,
  records: readonly ReceiptRecord[],
): Promise<void> {
  const hashes = new Map(records.map(({ receipt }) => [receipt.attestation, ""]));
  for (const attestation of hashes.keys())
    hashes.set(attestation, toHex(createHash("sha256").update(attestation).digest()));
  await trx
    .insertInto("attestations")
    .values(Array.from(hashes, ([attestation, hash]) => ({ hash, attestation })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await trx
    .insertInto("receipts")
    .values(
      records.map(({ chainId, requestId, keysetId, receipt }) => ({
        chain_id: chainId,
        request_id: requestId,
        keyset_id: keysetId,
        receipt: receipt.own,
        attestation_hash: hashes.get(receipt.attestation) ?? null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The receipt file's text: of the answer that settled the request where it is known, else of any. */
export async function findReceipt(store: ReadableStore, requestId: Hex): Promise<string | undefined> {
  const row = await store.db
    .selectFrom("receipts as r")
    .leftJoin("attestations as a", "a.hash", "r.attestation_hash")
    .leftJoin("settlements as s", (join) =>
      join
        .onRef("s.chain_id", "=", "r.chain_id")
        .onRef("s.request_id", "=", "r.request_id")
        .onRef("s.keyset_id", "=", "r.keyset_id"),
    )
    .select(["r.receipt", "a.attestation"])
    .where("r.request_id", "=", requestId)
    .orderBy("s.request_id", (order) => order.asc().nullsLast())
    .limit(1)
    .executeTakeFirst();
  // A receipt without a part of its own was stored whole, by an earlier version.
  return row === undefined || row.attestation === null ? row?.receipt : join(row.receipt, row.attestation);
}

const LastLeaf = z.object({ event: z.object({ reason: z.string().nullable() }) });

/** Why an answer has no output, as its transcript's last event says; null where it has one, or where there is no receipt. */
export async function findReason(
  store: ReadableStore,
  key: { readonly chain_id: number; readonly request_id: string; readonly keyset_id: string },
): Promise<string | null> {
  const row = await store.db
    .selectFrom("receipts")
    .select("receipt")
    .where("chain_id", "=", key.chain_id)
    .where("request_id", "=", key.request_id)
    .where("keyset_id", "=", key.keyset_id)
    .executeTakeFirst();
  const { transcript } = JSON.parse(row?.receipt ?? "{}") as { readonly transcript?: readonly unknown[] };
  return LastLeaf.safeParse(transcript?.at(-1)).data?.event.reason ?? null;
}

function join(own: string, attestation: string): string {
  const [first, second] = [own, attestation].map((part) =>
    z.record(z.string(), z.json()).parse(parseJson(toUtf8(part))),
  );
  return fromUtf8(encodeCanonicalJson({ ...first, ...second }));
}
