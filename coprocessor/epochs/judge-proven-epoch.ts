/**
 * A witness's checks before it vouches for a proven epoch: everything that the circuit proves, in another language. A bug of either lets
 * nothing through alone. Pure; the host that brings all this is not trusted.
 */

import { recoverSigner } from "../../protocol/answer.ts";
import { InputError } from "../../protocol/errors.ts";
import { POSEIDON_NODES, poseidonTreeHash } from "../ledger/poseidon-tree-hash.ts";
import { fromStatePathWire } from "../ledger/state-path.ts";
import { StateTree } from "../ledger/state-tree.ts";
import { buildEpoch, type Step } from "./build-epoch.ts";
import type { EpochStatement } from "./epoch-statement.ts";
import type { TransitionRecord } from "./epoch-file.ts";
import { findRule } from "./rule.ts";
import { transitionKeyDigest, type SignedTransition } from "./transition.ts";
import type { EpochWitnessCall } from "./witness-call.ts";

/** The witness's signature says nothing of who is paid: that is the proof's. */
const NOBODY = `0x${"00".repeat(20)}` as const;

/**
 * Establishes: each row follows from the state before it, satisfies the rule, and was signed by as many of the listed enclaves as the rule
 * id says, no two of one group; each of them named its key for this ledger.
 *
 * Leaves to the contract: that they are admitted, that groups are theirs, that queued rows were queued, and that the old root is the ledger's.
 *
 * @throws {InputError} as `buildEpoch`; {EvidenceError} EVIDENCE_SIGNATURE_INVALID
 */
export function judgeProvenEpoch(call: EpochWitnessCall): EpochStatement {
  const { ledger: name, epoch, oldRoot, signers, steps, paths } = call;
  for (const signer of signers) {
    if (recoverSigner(transitionKeyDigest(name, signer), signer.signature) === signer.answerKey) continue;
    throw new InputError({
      code: "INPUT_UNAUTHORIZED",
      message: "a signer's answer key did not name its transition key for this ledger",
      details: { keysetId: signer.keysetId },
    });
  }
  const byKey = new Map(paths.map((path) => [path.key, fromStatePathWire(path, POSEIDON_NODES)]));
  const state = StateTree.fromPaths(poseidonTreeHash, oldRoot, byKey);
  const { statement } = buildEpoch(state, {
    name,
    ...findRule(name.ruleId),
    capacity: steps.length,
    epoch,
    payee: NOBODY,
    signers,
    steps: steps.map(toStep),
  });
  return statement;
}

function toStep(step: EpochWitnessCall["steps"][number]): Step {
  return step.kind === "signed" ? { kind: "signed", transition: toTransition(step.transition) } : step;
}

/** As `buildEpoch` takes it. */
export function toTransition({ signatures, ...transition }: TransitionRecord): SignedTransition {
  return {
    ...transition,
    signatures: signatures.map(({ x, y, s, e }) => ({ signer: { x, y }, signature: { s, e } })),
  };
}
