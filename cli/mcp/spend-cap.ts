import { InputError } from "../../protocol/errors.ts";

/**
 * What may be sent with questions while a server runs: fee and gas for the settlement. It is taken before a question is
 * sent, and what comes back from a question gives no room for another: a cap that refills is none.
 */
export class SpendCap {
  #left: bigint;

  constructor(wei: bigint) {
    this.#left = wei;
  }

  get left(): bigint {
    return this.#left;
  }

  /** @throws {InputError} INPUT_CAP_REACHED */
  take(wei: bigint): void {
    if (wei > this.#left) {
      throw new InputError({
        code: "INPUT_CAP_REACHED",
        message: `the question would send ${wei} wei, and ${this.#left} are left of the cap: whoever runs this server can raise --spend-cap`,
        details: { wei: wei.toString(), left: this.#left.toString() },
      });
    }
    this.#left -= wei;
  }
}
