/** The last epoch that was signed of each ledger, of snapshots or proven. An operator serves few of them, so that none is ever forgotten. */

import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";

export interface SignedEpoch {
  readonly epoch: bigint;
  /** Of the statement, or its digest. */
  readonly content: Hex;
}

export class SignedEpochs {
  readonly #last = new Map<string, SignedEpoch>();

  /**
   * Whether nothing was signed for the epoch; from then on something is. Whoever asks signs at once: nothing is awaited in between.
   *
   * @throws {InputError} INPUT_CONFLICT for a second content, which would end the key (`proveEquivocation`), or an epoch behind
   */
  isNew(
    { chainId, ledger }: { readonly chainId: bigint; readonly ledger: Hex },
    { epoch, content }: SignedEpoch,
  ): boolean {
    const name = `${chainId} ${ledger}`;
    const last = this.#last.get(name);
    if (last !== undefined && epoch === last.epoch && content === last.content) return false;
    if (last === undefined || epoch > last.epoch) {
      this.#last.set(name, { epoch, content });
      return true;
    }
    throw new InputError({
      code: "INPUT_CONFLICT",
      message: "another snapshot of this ledger was signed here for that epoch, or one behind it",
      details: { epoch: epoch.toString(), signedEpoch: last.epoch.toString() },
    });
  }
}
