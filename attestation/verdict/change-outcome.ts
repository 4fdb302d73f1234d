import type { AppraisalError, EvidenceError } from "../../protocol/errors.ts";
import type { CheckSubject } from "../evidence/verified-evidence.ts";
import { answersOf, sentenceOf, type JudgedPiece, type JudgeOptions } from "./judge-piece.ts";
import { outcomeOf, toVerdictCheck, toVerdictError } from "./verdict.ts";
import { WORDS } from "./words.ts";

interface Fault {
  readonly check: CheckSubject;
  readonly error: AppraisalError | EvidenceError;
  readonly options: JudgeOptions;
}

/** A piece that holds by itself, and not beside the others of its document. */
export function changeOutcome(
  { verdict, evidence }: JudgedPiece,
  { check, error, options }: Fault,
): JudgedPiece {
  const checks = [...verdict.checks, toVerdictCheck({ ...check, ok: false, error })];
  const outcome = outcomeOf(error, checks);
  const { status, headline } = WORDS[outcome];
  return {
    evidence: status === 1 ? null : evidence,
    verdict: {
      ...verdict,
      outcome,
      status,
      headline,
      sentence: sentenceOf(outcome, error),
      answers: answersOf(outcome, options),
      checks,
      error: toVerdictError(error),
    },
  };
}
