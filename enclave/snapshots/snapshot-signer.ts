/** Signs snapshots: one for each epoch of a ledger, in the life of the key. */

import { snapshotContent, snapshotDigest } from "../../coprocessor/ledger/snapshot.ts";
import type { JudgedEpoch } from "../../coprocessor/snapshots/judge-epoch.ts";
import type { SnapshotCall, SnapshotReply } from "../../coprocessor/snapshots/snapshot-call.ts";
import { signDigest } from "../identity/sign-digest.ts";
import { toHex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { checkServed } from "../answers/check-ledger-call.ts";
import type { Signatory } from "../answers/sign-answer.ts";
import type { Operator } from "../configuration/operator.ts";
import type { SignedEpochs } from "./signed-epochs.ts";

export interface SnapshotSignerOptions extends Pick<Signatory, "identity" | "log"> {
  readonly operator: Operator["public"];
  readonly epochs: SignedEpochs;
  /** `judgeEpoch`, in a thread where there is one. */
  readonly judge: (call: SnapshotCall) => Promise<JudgedEpoch>;
}

export type SnapshotSigner = (call: SnapshotCall) => Promise<SnapshotReply>;

/**
 * A second content of one epoch would end the key (`proveEquivocation`), and is refused; the first one is signed again, to the same
 * bytes. Epochs behind the last signed one are settled, or will not be.
 *
 * @throws {InputError} INPUT_INVALID as `judgeEpoch` and for a snapshot that does not name this enclave; INPUT_CONFLICT for a second
 * content, or an epoch behind
 */
export function createSnapshotSigner({
  identity,
  log,
  operator,
  judge,
  epochs,
}: SnapshotSignerOptions): SnapshotSigner {
  return async (call) => {
    checkServed(call.ledger, operator);
    checkNamed(call, identity);
    const { rows, statement } = await judge(call);
    const content = snapshotContent(call.ledger, statement);
    // Nothing is awaited from here on: two calls at once are one after the other.
    const digest = snapshotDigest(call.ledger, statement);
    if (epochs.isNew(call.ledger, { epoch: call.epoch, content })) log.append(content, digest);
    return {
      rows: toHex(rows),
      newRoot: statement.snapshot.newRoot,
      content,
      keysetId: identity.keysetId,
      signature: signDigest(digest, identity.keys.answer.privateKey),
    };
  };
}

function checkNamed({ members }: SnapshotCall, { keysetId, keyset }: Signatory["identity"]): void {
  if (members.some((member) => member.keysetId === keysetId && member.answerKey === keyset.answerKey)) return;
  throw new InputError({
    code: "INPUT_INVALID",
    message: "the snapshot does not name this enclave as a member",
  });
}
