import type { ChainContext } from "../../chain-context.ts";
import type { Engine } from "../../engine/engine.ts";
import { unparkRequests } from "../../store/unserved.ts";
import type { ServedPolicies } from "./served-policies.ts";

export interface ParkedOptions extends Pick<ChainContext, "chainId" | "store" | "now"> {
  readonly engine: Pick<Engine, "enqueue">;
  readonly policies: ServedPolicies;
  /** Jobs were queued. */
  readonly onReleased: () => void;
}

/** Requests in one transaction: a long one would hold up all others of the store. */
const AT_ONCE = 500;
/** Milliseconds: another node's enclave may serve what this one's reader of the chain could not. */
const LOOK_MS = 2_000;

/** Gives the requests that wait for an enclave their jobs back, once one is admitted under their policy. */
export class Parked {
  readonly #options: ParkedOptions;
  #lookAt = 0;

  constructor(options: ParkedOptions) {
    this.#options = options;
  }

  /** A policy is served that was not before. */
  wake(): void {
    this.#lookAt = 0;
  }

  /** Takes up what can be answered now, when it is time to look. */
  async refresh(): Promise<void> {
    const { store, chainId, engine, policies, now, onReleased } = this.#options;
    const live = policies.live();
    if (live.length === 0 || now() < this.#lookAt) return;
    this.#lookAt = now() + LOOK_MS;
    let found = 0;
    do {
      found = await store.db.transaction().execute(async (trx) => {
        const ids = await unparkRequests(trx, { chainId, policies: live, limit: AT_ONCE, now: now() });
        await engine.enqueue(
          trx,
          "answers",
          ids.map((requestId) => ({ data: { chainId, requestId } })),
        );
        return ids.length;
      });
      if (found > 0) onReleased();
    } while (found === AT_ONCE);
  }
}
