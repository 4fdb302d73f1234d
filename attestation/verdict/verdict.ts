/** The one verdict that command line, library and page share. */

import { type AdytonError, type ErrorDetails } from "../../protocol/errors.ts";
import { comparedValues, type CheckOutcome } from "../evidence/check-list.ts";
import type { EvidenceForm } from "../evidence/find-evidence.ts";
import type { ByteRange, Link } from "../evidence/verified-evidence.ts";
import type { TcbStatus } from "../intel/claims.ts";
import { WORDS, type Outcome, type VerdictStatus } from "./words.ts";

/** `left open`: the policy accepts any; `as seen`: nobody judged it; `on its word`: nothing but its author vouches for it. */
export type CheckState = "holds" | "fails" | "left open" | "as seen" | "on its word" | "not reached";

export interface VerdictCheck {
  readonly name: string;
  readonly link: Link;
  readonly state: CheckState;
  /** What with what, in words; empty where nothing was compared. */
  readonly compared: string;
  /** What came of it, for a person. */
  readonly detail: string;
  readonly expected: string | null;
  readonly found: string | null;
  /** Bytes of the piece that it is about. */
  readonly range: ByteRange | null;
}

export interface VerdictError {
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** One piece of a document, judged by itself. */
export interface PieceVerdict {
  readonly outcome: Outcome;
  /** The exit status that this piece alone would have. */
  readonly status: VerdictStatus;
  readonly headline: string;
  /** Where it stands in its document; empty for all of it. */
  readonly path: string;
  readonly form: EvidenceForm;
  /** Kind of evidence, `certificate`, `receipt` or `coseReceipt`. */
  readonly kind: string;
  readonly sentence: string;
  /** Questions that every verdict answers: each answer begins with Yes, No, Not asked or Not judged. */
  readonly answers: readonly Answer[];
  /** In the vendor's names. `established`: by the checks; else it is what the file says and nothing more. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly established: boolean;
  readonly tcbStatus: TcbStatus | null;
  readonly advisories: readonly string[];
  /** A platform that lacks security updates, whatever else holds. */
  readonly caution: string | null;
  readonly checks: readonly VerdictCheck[];
  readonly error: VerdictError | null;
}

export interface Answer {
  readonly question: "Whole?" | "Genuine hardware?" | "Accepted?" | "For this request?" | "For you, now?";
  readonly answer: string;
}

export interface Verdict {
  /** The command's exit status. */
  readonly status: VerdictStatus;
  readonly headline: string;
  readonly sentence: string;
  readonly pieces: readonly [PieceVerdict, ...PieceVerdict[]];
}

/** A check as it is shown; what says nothing of its link is about the evidence. */
export function toVerdictCheck(outcome: CheckOutcome): VerdictCheck {
  const { name, link = "evidence", compared = "", range = null } = outcome;
  const subject = { name, link, compared, range, expected: null, found: null };
  if (outcome.ok === null)
    return { ...subject, state: "not reached", detail: "a check before it does not hold" };
  if (!outcome.ok) {
    const { message, details, code } = outcome.error;
    return { ...subject, ...comparedValues(details), state: stateOf(code), detail: message };
  }
  const { detail, state = "holds", expected = null, found = null } = outcome;
  return { ...subject, state, detail, expected, found };
}

/** What could not be looked at has not failed: nothing was compared. */
function stateOf(code: string): CheckState {
  const isOpen =
    code === "EVIDENCE_UNSUPPORTED" || code.startsWith("ENDORSEMENT_") || code.startsWith("CHAIN_");
  return isOpen ? "not reached" : "fails";
}

export function toVerdictError({ code, message, details }: AdytonError): VerdictError {
  return { code, message, details };
}

/** The outcome that an error stands for, given what was checked beside it. */
export function outcomeOf(error: AdytonError, checks: readonly VerdictCheck[]): Outcome {
  const { code } = error;
  if (code.startsWith("APPRAISAL_")) return "refused";
  if (!isShownFalse(code)) return "cannotJudge";
  if (code === "EVIDENCE_REVOKED" || code === "EVIDENCE_CA_REVOKED") return "revoked";
  const isStranger = checks.some(
    ({ link, state, name }) => link === "hardware" && state === "fails" && isChain(name),
  );
  return isStranger || code.startsWith("EVIDENCE_CHAIN_") ? "forged" : "altered";
}

/** Whether an error with this code says that something is false; else nothing was established, and it cannot be judged. */
export function isShownFalse(code: string): boolean {
  return code.startsWith("EVIDENCE_") && !NOT_SHOWN_FALSE.has(code);
}

/** Evidence of a kind that is not known here, and evidence judged at a time when its certificates are not in date. */
const NOT_SHOWN_FALSE: ReadonlySet<string> = new Set([
  "EVIDENCE_UNSUPPORTED",
  "EVIDENCE_CHAIN_EXPIRED",
  "EVIDENCE_CHAIN_NOT_YET_VALID",
  "EVIDENCE_NOT_YET_VALID",
  "EVIDENCE_STALE",
]);

function isChain(name: string): boolean {
  return name.endsWith("certificate chain");
}

/** Puts a verdict together from what was found of each piece. */
export function toVerdict(
  pieces: readonly [PieceVerdict, ...PieceVerdict[]],
  decisive: PieceVerdict,
): Verdict {
  const { status, headline } = WORDS[decisive.outcome];
  const isOne = pieces.length === 1;
  const where = isOne || decisive.path === "" ? "" : ` (${decisive.path})`;
  const sentence = isOne
    ? decisive.sentence
    : `${pieces.length} pieces of evidence, each judged by itself. ${TITLE_OF_DECISIVE[status]}${where}: ${decisive.sentence}`;
  return { status, headline, sentence, pieces };
}

const TITLE_OF_DECISIVE: Readonly<Record<VerdictStatus, string>> = {
  0: "Of every one",
  1: "One is false",
  2: "One is refused",
  3: "One cannot be judged",
  4: "Nobody appraised one",
};
