/** Signs writes of proven ledgers: what this enclave answered, under the key and seq that the request named before it was answered. */

import { createGrumpkinKey, signGrumpkin } from "../../coprocessor/epochs/grumpkin.ts";
import type { TransitionCall, TransitionReply } from "../../coprocessor/epochs/transition-call.ts";
import type { TransitionSigner } from "../../coprocessor/epochs/epoch-file.ts";
import {
  ledgerIdOf,
  transitionContext,
  transitionKeyDigest,
  transitionMessage,
  type ProvenLedgerName,
} from "../../coprocessor/epochs/transition.ts";
import { answerValue } from "../../coprocessor/ledger/answer-value.ts";
import { ledgerKey } from "../../coprocessor/ledger/entry.ts";
import { AnswerStatus } from "../../protocol/answer.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import type { SignedAnswerWire } from "../../protocol/enclave-api.ts";
import { InputError } from "../../protocol/errors.ts";
import { requestId } from "../../protocol/request.ts";
import { uintWord } from "../../protocol/struct-hash.ts";
import type { AnswerLedger } from "../answers/answer-ledger.ts";
import { checkServed } from "../answers/check-ledger-call.ts";
import type { Signatory } from "../answers/sign-answer.ts";
import type { Operator } from "../configuration/operator.ts";
import { signDigest } from "../identity/sign-digest.ts";

export interface TransitionSignerOptions extends Pick<Signatory, "identity" | "log"> {
  readonly operator: Operator["public"];
  readonly answers: Pick<AnswerLedger, "find">;
  /** 48 random bytes: the transition key lives as long as the answer key. */
  readonly seed: Uint8Array;
}

export type SignTransition = (call: TransitionCall) => Promise<TransitionReply>;

/** Keys of ledgers remembered, about 200 bytes each. Full means busy, never forgetful. */
const MAX_KEYS = 500_000;

/** The last write that was signed of a key. */
interface Written {
  readonly seq: bigint;
  readonly link: Hex;
}

/**
 * One answer for each key and seq, in the life of the key: a host that has two requests answered for one row enters the first that it brings.
 * The same answer is signed again over another old leaf, as after a reorg: only one of the two fits the ledger's root.
 *
 * @throws {InputError} INPUT_INVALID for a request of another row or without an answer; INPUT_NOT_FOUND where it was not answered here;
 * INPUT_CONFLICT for a second answer, or a seq behind
 */
export function createTransitionSigner(options: TransitionSignerOptions): SignTransition {
  const { identity, log, operator, answers, seed } = options;
  const key = createGrumpkinKey(seed);
  const named = new Map<string, TransitionSigner>();
  const written = new Map<string, Written>();

  const signerFor = (ledger: ProvenLedgerName): TransitionSigner => {
    const name = `${ledger.chainId} ${ledger.ledger}`;
    const known = named.get(name);
    if (known !== undefined) return known;
    const digest = transitionKeyDigest(ledger, key.publicKey);
    log.append(toHex(uintWord(key.publicKey.x)), digest);
    const signer: TransitionSigner = {
      keysetId: identity.keysetId,
      answerKey: identity.keyset.answerKey,
      ...key.publicKey,
      signature: signDigest(digest, identity.keys.answer.privateKey),
    };
    named.set(name, signer);
    return signer;
  };

  return async ({ ledger, request, localKey, seq, oldLeaf }) => {
    checkServed(ledger, operator);
    const isNamed =
      request.chainId === ledger.chainId &&
      request.context === transitionContext({ ledger: ledger.ledger, localKey, seq });
    if (!isNamed) refuse("INPUT_INVALID", "the request's context does not name that ledger, key and seq");
    const link = requestId(request);
    const value = await valueOf(answers, link);
    // Nothing is awaited from here on: two calls at once are one after the other.
    const transition = { key: ledgerKey(request.consumer, localKey), seq, value, oldLeaf, link };
    remember(written, `${ledger.chainId} ${ledger.ledger} ${transition.key}`, { seq, link });
    const message = transitionMessage(ledgerIdOf(ledger), transition);
    const signature = signGrumpkin(key, message);
    log.append(link, toHex(uintWord(message)));
    return {
      signer: signerFor(ledger),
      transition: { ...transition, signatures: [{ ...key.publicKey, ...signature }] },
    };
  };
}

/** What was answered here. The host names the request, and supplies no value. */
async function valueOf(answers: TransitionSignerOptions["answers"], id: Hex): Promise<Hex> {
  const found = answers.find(id);
  if (found === undefined) return refuse("INPUT_NOT_FOUND", "the request was not answered here");
  const { answer, output } = JSON.parse(await found) as Pick<SignedAnswerWire, "answer" | "output">;
  if (answer.status !== AnswerStatus.ok) {
    refuse(
      "INPUT_INVALID",
      "the request came to no answer: the row stays as it is, and can be asked for again",
    );
  }
  return answerValue({ output, outputHash: answer.outputHash });
}

function remember(written: Map<string, Written>, name: string, { seq, link }: Written): void {
  const last = written.get(name);
  if (last === undefined && written.size >= MAX_KEYS)
    refuse("INPUT_RATE_LIMITED", "as many keys were written as can be remembered");
  if (last !== undefined && (seq < last.seq || (seq === last.seq && link !== last.link)))
    refuse("INPUT_CONFLICT", "another answer was signed here for that key and seq, or one behind it");
  written.set(name, { seq, link });
}

function refuse(
  code: "INPUT_INVALID" | "INPUT_NOT_FOUND" | "INPUT_CONFLICT" | "INPUT_RATE_LIMITED",
  message: string,
): never {
  throw new InputError({ code, message });
}
