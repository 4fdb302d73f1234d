/** What `adyton verify` found, as a program reads it: one JSON object, made of the verdict that every surface shares. */

import type { Verdict, VerdictCheck } from "../../attestation/index.ts";
import type { AdytonError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";

export interface ReportedCheck extends VerdictCheck {
  /** False where it fails or was not reached. */
  readonly ok: boolean;
}

/** One piece of a document. */
export interface ReportedPiece {
  readonly path: string;
  readonly kind: string;
  readonly headline: string;
  readonly sentence: string;
  readonly verified: boolean;
  readonly appraised: boolean | null;
  readonly tcbStatus?: string;
  readonly advisories?: readonly string[];
  readonly caution?: string;
  readonly answers: Readonly<Record<string, string>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Whether the checks establish the claims: else they are what the file says, and nothing more. */
  readonly claimsVerified: boolean;
  readonly checks: readonly ReportedCheck[];
  readonly error?: { readonly code: string; readonly message: string };
}

/**
 * The object of `--json`. Of a document with one piece, the piece's fields stand at the top too; of one with several, kind is
 * `document`, and claims are by place.
 */
export interface VerifyReport extends ReportedPiece {
  readonly exitStatus: ExitCode;
  readonly pieces: readonly ReportedPiece[];
  /** Where `--init-policy` wrote, and which rules accept anything. */
  readonly policyWritten?: { readonly file: string; readonly leftOpen: readonly string[] };
}

export interface VerifyOutcome {
  readonly exitCode: ExitCode;
  readonly report: VerifyReport;
}

/** The outcome of a verdict. */
export function toOutcome(verdict: Verdict): VerifyOutcome {
  const pieces = verdict.pieces.map(toReportedPiece);
  const [only] = pieces;
  const { status, headline, sentence } = verdict;
  const top = only !== undefined && pieces.length === 1 ? only : toDocument(pieces);
  return { exitCode: status, report: { exitStatus: status, ...top, headline, sentence, pieces } };
}

function toReportedPiece(piece: Verdict["pieces"][number]): ReportedPiece {
  const { status, error, tcbStatus, advisories, caution, established } = piece;
  return {
    path: piece.path,
    kind: piece.kind,
    headline: piece.headline,
    sentence: piece.sentence,
    verified: status === ExitCode.ok || status === ExitCode.refused || status === ExitCode.notAppraised,
    appraised: status === ExitCode.ok ? true : status === ExitCode.refused ? false : null,
    ...(tcbStatus === null ? {} : { tcbStatus }),
    ...(established || tcbStatus !== null ? { advisories } : {}),
    ...(caution === null ? {} : { caution }),
    answers: Object.fromEntries(piece.answers.map(({ question, answer }) => [question, answer])),
    claims: piece.claims,
    claimsVerified: established,
    checks: piece.checks.map((check) => ({
      ...check,
      ok: check.state !== "fails" && check.state !== "not reached",
    })),
    ...(error === null ? {} : { error: { code: error.code, message: withAdvice(error) } }),
  };
}

function toDocument(pieces: readonly ReportedPiece[]): ReportedPiece {
  const [decisive] = pieces.toSorted((a, b) => Number(a.error === undefined) - Number(b.error === undefined));
  const accepted = pieces.map(({ appraised }) => appraised);
  return {
    path: "",
    kind: "document",
    headline: "",
    sentence: "",
    verified: pieces.every(({ verified }) => verified),
    appraised: accepted.includes(false) ? false : accepted.includes(null) ? null : true,
    answers: {},
    claims: Object.fromEntries(pieces.map(({ path, claims }) => [path, claims])),
    claimsVerified: pieces.every(({ claimsVerified }) => claimsVerified),
    checks: pieces.flatMap(({ path, checks }) =>
      checks.map((check) => ({ ...check, name: path === "" ? check.name : `${path}: ${check.name}` })),
    ),
    ...(decisive?.error === undefined ? {} : { error: decisive.error }),
  };
}

/** Whoever sees a quote for the first time has no endorsements, and does not know the word. */
function withAdvice({ code, message }: { readonly code: string; readonly message: string }): string {
  return code === "ENDORSEMENT_UNAVAILABLE"
    ? `${message}. Endorsements are what the vendor says about the platform: give them with --endorsements FILE|DIR, or fetch them from the vendor with --online`
    : message;
}

/** The outcome when there was nothing to look at: a file that cannot be read, an option that makes no sense. */
export function outcomeOfUsage({ code, message }: AdytonError): VerifyOutcome {
  const exitCode = code === "CONFIG_TOOL_MISSING" ? ExitCode.unavailable : ExitCode.usage;
  return {
    exitCode,
    report: {
      exitStatus: exitCode,
      path: "",
      kind: "unknown",
      headline: "No verdict.",
      sentence: message,
      verified: false,
      appraised: null,
      answers: {},
      claims: {},
      claimsVerified: false,
      checks: [],
      error: { code, message },
      pieces: [],
    },
  };
}
