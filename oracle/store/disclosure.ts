/**
 * When an output is told to whoever asks. A paid answer is delivered on chain: were it to be read here before, its
 * payer could read it and cancel, and others could act on it before the consumer does. So what goes to a callback, or leaves
 * its hash, is told once the chain shows that it was fulfilled; what its user carries to the chain (pull) is told at once.
 */

import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import { Delivery } from "../../protocol/request.ts";
import type { StoreSchema } from "./schema.ts";
import type { ReadableStore } from "./store.ts";

type SettlementKind = StoreSchema["settlements"]["kind"];

const Delivered = z.object({ delivery: z.union([z.number(), z.string()]).transform(Number) });

/** @param request JSON text of the `Request` */
export function isDisclosed(request: string, settlement: SettlementKind | undefined): boolean {
  const parsed = Delivered.safeParse(JSON.parse(request));
  return settlement === "fulfilled" || (parsed.success && parsed.data.delivery === Delivery.pull);
}

/** Of a request that the chain has; `undefined` for any other. */
export async function readDisclosure(store: ReadableStore, requestId: Hex): Promise<boolean | undefined> {
  const row = await store.db
    .selectFrom("requests as r")
    .leftJoin("settlements as s", (join) =>
      join.onRef("s.chain_id", "=", "r.chain_id").onRef("s.request_id", "=", "r.request_id"),
    )
    .select(["r.request", "s.kind"])
    .where("r.request_id", "=", requestId)
    .executeTakeFirst();
  return row === undefined ? undefined : isDisclosed(row.request, row.kind ?? undefined);
}
