import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";

/** Bytes of receipts kept for their callers to fetch; the oldest go first. Nothing is written to disk. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

interface Kept {
  readonly caller: string;
  readonly receipt: Uint8Array;
}

/** Receipts of off-chain calls, each readable by the caller whose call it was and by nobody else. */
export class ReceiptStore {
  readonly #kept = new Map<Hex, Kept>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes = MAX_KEPT_BYTES) {
    this.#maxBytes = maxBytes;
  }

  add(requestId: Hex, caller: string, receipt: Uint8Array): void {
    this.#kept.set(requestId, { caller, receipt });
    this.#bytes += receipt.length;
    for (const [oldest, { receipt: old }] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= old.length;
    }
  }

  /** @throws {InputError} INPUT_NOT_FOUND, the same for one that is gone and one that is somebody else's */
  get(requestId: string, caller: string): Uint8Array {
    const kept = this.#kept.get(requestId as Hex);
    if (kept?.caller === caller) return kept.receipt;
    throw new InputError({ code: "INPUT_NOT_FOUND", message: "no receipt of yours has this id" });
  }
}
