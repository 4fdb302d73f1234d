/** Vouches for proven epochs beside their proofs (ADR 68): one for each epoch of a ledger, in the life of the key. */

import { witnessDigest, type EpochStatement } from "../../coprocessor/epochs/epoch-statement.ts";
import type { EpochWitnessCall, EpochWitnessReply } from "../../coprocessor/epochs/witness-call.ts";
import { checkServed } from "../answers/check-ledger-call.ts";
import type { Signatory } from "../answers/sign-answer.ts";
import type { Operator } from "../configuration/operator.ts";
import { signDigest } from "../identity/sign-digest.ts";
import type { SignedEpochs } from "../snapshots/signed-epochs.ts";

export interface EpochWitnessOptions extends Pick<Signatory, "identity" | "log"> {
  readonly operator: Operator["public"];
  /** The same as for snapshots: both are statements of one type about one ledger's epoch. */
  readonly epochs: SignedEpochs;
  /** `judgeProvenEpoch`, in a thread where there is one. */
  readonly judge: (call: EpochWitnessCall) => Promise<EpochStatement>;
}

export type WitnessEpoch = (call: EpochWitnessCall) => Promise<EpochWitnessReply>;

/** @throws {InputError} as `judgeProvenEpoch`; INPUT_INVALID for a ledger that is not served; INPUT_CONFLICT as `SignedEpochs` */
export function createEpochWitness({
  identity,
  log,
  operator,
  epochs,
  judge,
}: EpochWitnessOptions): WitnessEpoch {
  return async (call) => {
    checkServed(call.ledger, operator);
    const statement = await judge(call);
    // Nothing is awaited from here on: two calls at once are one after the other.
    const digest = witnessDigest(statement);
    if (epochs.isNew(call.ledger, { epoch: call.epoch, content: digest })) log.append(digest, digest);
    return {
      keysetId: identity.keysetId,
      answerKey: identity.keyset.answerKey,
      newRoot: statement.newRoot,
      signature: signDigest(digest, identity.keys.answer.privateKey),
    };
  };
}
