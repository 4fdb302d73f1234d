import type { Hex } from "../../protocol/bytes.ts";
import type { StoreSchema } from "../store/schema.ts";

/** A transaction that has been thought out, but has no key, nonce or fee yet. */
export interface PlannedTransaction {
  readonly kind: StoreSchema["transactions"]["kind"];
  readonly to: Hex;
  readonly data: Hex;
  readonly gasLimit: number;
  /** The most that a unit of gas may cost, in wei: above it, the request would not repay it. */
  readonly feeCap: bigint;
  /** The requests that it settles. */
  readonly requestIds: readonly Hex[];
}
