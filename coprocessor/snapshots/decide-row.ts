/** The outcome of an entry's answers: a value, or the reason why there is none. docs/reference/ledger.md, Row. */

import { AnswerStatus } from "../../protocol/answer.ts";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { Aggregation } from "../../protocol/request.ts";
import { uintWord } from "../../protocol/struct-hash.ts";
import type { LedgerTerms } from "../ledger/entry.ts";
import { answerValue } from "../ledger/answer-value.ts";
import type { EntryAnswer } from "./snapshot-call.ts";

/** Beside the statuses of answers (2 to 9). */
export const SLOT_TAKEN = 128;

export type Decision =
  | { readonly kind: "answered"; readonly value: Hex }
  | { readonly kind: "unanswered"; readonly reason: number };

const WORD_BYTES = 32;
const SIGN_BIT = 2n ** 255n;
const MODULUS = 2n ** 256n;

/**
 * Of as many answers as the threshold, in any order.
 *
 * Leaves to the caller: whose they are, what they answer, and that outputs are theirs.
 */
export function decideRow(
  answers: readonly Pick<EntryAnswer, "answer" | "output">[],
  { aggregation }: Pick<LedgerTerms, "aggregation">,
): Decision {
  const statuses = new Set(answers.map(({ answer }) => answer.status));
  const [status] = statuses;
  if (status === undefined || statuses.size > 1) return disagreed;
  if (status !== AnswerStatus.ok) return { kind: "unanswered", reason: status };
  if (aggregation === Aggregation.median || aggregation === Aggregation.medianUnsigned)
    return decideMedian(answers, aggregation === Aggregation.median);
  const values = new Set(
    answers.map(({ answer: { outputHash }, output }) => answerValue({ output, outputHash })),
  );
  const [value] = values;
  return value === undefined || values.size > 1 ? disagreed : { kind: "answered", value };
}

const disagreed: Decision = { kind: "unanswered", reason: AnswerStatus.disagreed };

/** The number in the middle; of an even count the mean of the middle two, rounded down (docs/reference/protocol.md). */
function decideMedian(answers: readonly { readonly output: Hex }[], isSigned: boolean): Decision {
  if (answers.some(({ output }) => fromHex(output).length !== WORD_BYTES)) return disagreed;
  const numbers = answers.map(({ output }) => toNumber(BigInt(output), isSigned));
  numbers.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const low = numbers[(numbers.length - 1) >> 1];
  const high = numbers[numbers.length >> 1];
  if (low === undefined || high === undefined) return disagreed;
  // A shift rounds down, also below zero.
  return { kind: "answered", value: toHex(uintWord(BigInt.asUintN(256, (low + high) >> 1n))) };
}

function toNumber(word: bigint, isSigned: boolean): bigint {
  return isSigned && word >= SIGN_BIT ? word - MODULUS : word;
}
