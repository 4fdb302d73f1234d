import type { HeldLease } from "../engine/held-lease.ts";
import type { Store, StoreTransaction } from "../store/store.ts";

/** Commits what `work` writes, unless another process holds the lease meanwhile: then nothing is written. */
export type FencedCommit = <T>(work: (trx: StoreTransaction) => Promise<T>) => Promise<T>;

export function createFencedCommit({
  store,
  lease,
}: {
  readonly store: Store;
  readonly lease: Pick<HeldLease, "require">;
}): FencedCommit {
  return (work) =>
    store.db.transaction().execute(async (trx) => {
      await lease.require(trx);
      return work(trx);
    });
}
