/** Why a run of the machine ends before its code says so. */

import type { Hex } from "../../../protocol/bytes.ts";

/** The chain's own rules end the frame: all of its gas is gone, and its caller goes on. */
export class Halt extends Error {}

/** Needed, and not among what was shown: a run with it may come to another end. */
export class StateMissing extends Error {
  readonly address: Hex;
  /** null: the account, or its code. */
  readonly slot: Hex | null;
  readonly isCode: boolean;

  constructor(address: Hex, slot: Hex | null, isCode: boolean) {
    super(`${isCode ? "the code" : "the state"} of ${address} was not shown`);
    this.address = address;
    this.slot = slot;
    this.isCode = isCode;
  }
}

/** The machine does not know it: no answer is better than one that the chain would not give. */
export class NotSupported extends Error {}
