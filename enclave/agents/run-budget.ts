import type { CatalogModel } from "../models/model-catalog.ts";
import type { ModelReply } from "../../runtime/models/model-format.ts";

/** Wei that a run may still spend on models: the worst case of a question is set aside before it is asked. */
export class RunBudget {
  #left: bigint;
  #spent = 0n;

  constructor(fee: bigint) {
    this.#left = fee;
  }

  get left(): bigint {
    return this.#left;
  }

  get spent(): bigint {
    return this.#spent;
  }

  reserve(price: bigint): boolean {
    if (price > this.#left) return false;
    this.#left -= price;
    this.#spent += price;
    return true;
  }

  /** The actual cost instead of `reserved`. Never more: the requester does not pay for what a provider counts beyond the worst case. */
  settle(reserved: bigint, cost: bigint): void {
    const refund = cost < reserved ? reserved - cost : 0n;
    this.#left += refund;
    this.#spent -= refund;
  }
}

/** null where the provider does not say what it counted. */
export function costOf({ model }: CatalogModel, { usage }: ModelReply): bigint | null {
  if (usage === null) return null;
  const { perRequest, perInputToken, perOutputToken } = model.price;
  return perRequest + perInputToken * BigInt(usage.inputTokens) + perOutputToken * BigInt(usage.outputTokens);
}
