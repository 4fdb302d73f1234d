import type { Hex } from "../../../protocol/bytes.ts";
import { type AdmittedKeyset, readAdmittedKeysets } from "../../store/admissions.ts";
import { newestBlock } from "../../store/blocks.ts";
import type { Store } from "../../store/store.ts";

interface Snapshot {
  readonly keysets: readonly AdmittedKeyset[];
  /** Everything up to this block is in it. */
  readonly block: number;
  /** Milliseconds. */
  readonly readAt: number;
}

/** A reorg, or an admission after the request's block, is noticed within this time. */
const MAX_AGE_MS = 2_000;

/** The admitted keysets, for requests that come by the hundred a second: read anew when a younger block is asked for. */
export class AdmittedKeysets {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #snapshots = new Map<string, Promise<Snapshot>>();

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Keysets admitted under the policy, with every admission up to `blockNumber`, which must have been read already. */
  async at(chainId: number, policyId: Hex, blockNumber: number): Promise<readonly AdmittedKeyset[]> {
    const key = `${chainId}/${policyId}`;
    for (let pending = this.#snapshots.get(key); pending !== undefined;) {
      const known = await pending;
      if (known.block >= blockNumber && this.#now() - known.readAt < MAX_AGE_MS) return known.keysets;
      const newer = this.#snapshots.get(key);
      // Somebody else who waited may be reading already.
      pending = newer === pending ? undefined : newer;
    }
    const reading = this.#read(chainId, policyId);
    this.#snapshots.set(key, reading);
    try {
      return (await reading).keysets;
    } catch (error) {
      this.#snapshots.delete(key);
      throw error;
    }
  }

  async #read(chainId: number, policyId: Hex): Promise<Snapshot> {
    const readAt = this.#now();
    const block = await newestBlock(this.#store, chainId);
    const time = Math.floor(readAt / 1_000);
    return { keysets: await readAdmittedKeysets(this.#store, { chainId, policyId, time }), block, readAt };
  }
}
