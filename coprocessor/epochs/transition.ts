/**
 * One write, as an enclave signs it, and the key that it signs with: the enclave's answer key names it for one ledger.
 * docs/reference/ledger.md, Transition.
 */

import * as z from "zod";
import { poseidon2Hash } from "@zkpassport/poseidon2";
import { concatBytes, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { onChainDomain, typedDataDigest } from "../../protocol/domain.ts";
import { address, bytes32, uint256 } from "../../protocol/fields.ts";
import {
  addressWord,
  bytes32Word,
  hashWords,
  keccak,
  keccakText,
  uintWord,
} from "../../protocol/struct-hash.ts";
import { FIELD_ORDER, fieldTag, limbsOf, poseidonTreeHash } from "../ledger/poseidon-tree-hash.ts";
import type { Cell } from "../ledger/row.ts";
import type { GrumpkinPoint, GrumpkinSignature } from "./grumpkin.ts";

/** Which contract, and under which rule (`ruleIdOf`): what every signature and every proof is bound to. */
export const ProvenLedgerName = z.strictObject({ chainId: uint256, ledger: address, ruleId: bytes32 });
export type ProvenLedgerName = z.output<typeof ProvenLedgerName>;

/** What an enclave says about one key. */
export interface Transition extends Cell {
  /** The leaf that the key had; zero of a key that was never written. */
  readonly oldLeaf: bigint;
  /** Id of the request that the value answers: the same for each enclave that signs, whose answers have digests of their own. */
  readonly link: Hex;
}

export interface SignedTransition extends Transition {
  readonly signatures: readonly { readonly signer: GrumpkinPoint; readonly signature: GrumpkinSignature }[];
}

const TAG_TRANSITION = fieldTag("Adyton.transition");
const TRANSITION_KEY_TYPEHASH = keccakText("TransitionKey(uint256 x,uint256 y)");
const CONTEXT_LABEL = keccakText("Adyton ledger row 1");
const LEDGER_LABEL = keccak(toUtf8("Adyton ledger 1"));

/** @param signatures that each SIGNED row needs */
export function ruleIdOf(rule: string, signatures: number): Hex {
  return keccakText(`adyton rule ${rule.toLowerCase()} ${signatures}`);
}

export function ledgerIdOf({ chainId, ledger, ruleId }: ProvenLedgerName): bigint {
  const words = [uintWord(chainId), addressWord(ledger), bytes32Word(ruleId)];
  return BigInt(hashWords(LEDGER_LABEL, words)) % FIELD_ORDER;
}

/**
 * The context that a request names the row by which its answer is for: ledger, key and seq stand before any model is asked. The key is the
 * consumer's own (`ledgerKey`).
 */
export function transitionContext(target: {
  readonly ledger: Hex;
  readonly localKey: Hex;
  readonly seq: bigint;
}): Hex {
  return hashWords(CONTEXT_LABEL, [
    addressWord(target.ledger),
    bytes32Word(target.localKey),
    uintWord(target.seq),
  ]);
}

/** What is signed: an element of the field. */
export function transitionMessage(ledgerId: bigint, { oldLeaf, link, ...cell }: Transition): bigint {
  const written = poseidonTreeHash.leaf(cell);
  return poseidon2Hash([TAG_TRANSITION, ledgerId, written, oldLeaf, ...limbsOf(link)]);
}

/** What the answer key signs, once for each ledger. */
export function transitionKeyDigest({ chainId, ledger }: ProvenLedgerName, { x, y }: GrumpkinPoint): Hex {
  const hash = hashWords(TRANSITION_KEY_TYPEHASH, [uintWord(x), uintWord(y)]);
  return typedDataDigest(onChainDomain(chainId, ledger), hash);
}

/** An enclave whose transitions an epoch has. `group`: of one row's signatures no two are of one. */
export interface EpochSigner extends GrumpkinPoint {
  readonly keysetId: Hex;
  readonly answerKey: Hex;
  readonly group: bigint;
}

export function signersHash(signers: readonly EpochSigner[]): Hex {
  return keccak(
    concatBytes(
      ...signers.flatMap(({ keysetId, answerKey, x, y }) => [
        bytes32Word(keysetId),
        addressWord(answerKey),
        uintWord(x),
        uintWord(y),
      ]),
    ),
  );
}
