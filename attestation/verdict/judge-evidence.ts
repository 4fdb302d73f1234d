import { type AdytonError, AppraisalError, EvidenceError } from "../../protocol/errors.ts";
import { findEvidence, type FoundEvidence } from "../evidence/find-evidence.ts";
import type { VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { bindGpus } from "./bind-gpus.ts";
import { changeOutcome } from "./change-outcome.ts";
import { answersOf, judgePiece, sentenceOf, type JudgedPiece, type JudgeOptions } from "./judge-piece.ts";
import {
  outcomeOf,
  toVerdict,
  toVerdictCheck,
  toVerdictError,
  type PieceVerdict,
  type Verdict,
} from "./verdict.ts";
import { gravest, WORDS } from "./words.ts";

export interface JudgedEvidence {
  readonly verdict: Verdict;
  /** Genuine pieces, in the order of the document: for proposing a policy. */
  readonly genuine: readonly VerifiedEvidence[];
}

/**
 * Judges every piece of evidence in a file, each by itself: genuine? and accepted by the policy? The whole is what its
 * gravest piece is.
 *
 * Never throws for a file, however bad: what is wrong with it is in the verdict.
 *
 * @param input in any form that `findEvidence` takes
 * @throws {InputError} when `now` is not a time in seconds
 */
export async function judgeEvidence(input: Uint8Array, options: JudgeOptions): Promise<JudgedEvidence> {
  let found: readonly FoundEvidence[];
  try {
    found = findEvidence(input);
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return { verdict: verdictOfError(error, options), genuine: [] };
  }
  const judged: JudgedPiece[] = [];
  for (const piece of found) judged.push(await judgePiece(piece, options));
  refuseRepeatedDevices(judged, options);
  bindGpus(judged, options);
  const pieces = judged.map(({ verdict }) => verdict) as unknown as Verdict["pieces"];
  return {
    verdict: decide(pieces, options),
    genuine: judged.flatMap(({ evidence }) => evidence ?? []),
  };
}

/** By default every piece decides; a policy may say of which kinds it needs one. */
function decide(pieces: Verdict["pieces"], { policy }: JudgeOptions): Verdict {
  const demand = policy?.policy.pieces ?? "all";
  if (demand === "all") return toVerdict(pieces, gravest(pieces));
  const deciding = pieces.filter(
    ({ kind, status }) => status === 1 || (demand.needs as readonly string[]).includes(kind),
  );
  const missing = demand.needs.find((kind) => !pieces.some((piece) => piece.kind === kind));
  const [first, ...others] = deciding;
  if (missing === undefined && first !== undefined) return toVerdict(pieces, gravest([first, ...others]));
  const worst = gravest(pieces);
  // "Genuine, but refused" is said of something genuine, and of nothing that stands beside what is false.
  if (worst.status === 1 || pieces.every(({ status }) => status === 3)) return toVerdict(pieces, worst);
  const error = new AppraisalError({
    code: "APPRAISAL_KIND_REFUSED",
    message: `the policy needs a piece of kind ${String(missing)}, and there is none`,
    details: { kind: missing ?? null },
  });
  const outcome = "refused";
  const decisive = {
    ...pieces[0],
    path: "",
    outcome,
    status: WORDS[outcome].status,
    headline: WORDS[outcome].headline,
    sentence: sentenceOf(outcome, error),
    error: toVerdictError(error),
  } as const;
  return toVerdict([decisive, ...pieces.slice(1)], decisive);
}

/** The verdict on a file in which nothing could be found to judge. */
export function verdictOfError(
  error: AdytonError,
  options: Pick<JudgeOptions, "policy" | "nonce" | "reportData">,
  kind = "unknown",
): Verdict {
  const outcome = outcomeOf(error, []);
  const piece: PieceVerdict = {
    outcome,
    status: WORDS[outcome].status,
    headline: WORDS[outcome].headline,
    path: "",
    form: "raw",
    kind,
    sentence: sentenceOf(outcome, error),
    answers: answersOf(outcome, options),
    claims: {},
    established: false,
    tcbStatus: null,
    advisories: [],
    caution: null,
    checks: [toVerdictCheck({ name: "evidence", ok: false, error })],
    error: toVerdictError(error),
  };
  return toVerdict([piece], piece);
}

/** One device in two pieces of a document is one device: the second piece is not evidence of another. */
function refuseRepeatedDevices(judged: JudgedPiece[], options: JudgeOptions): void {
  const seen = new Set<string>();
  for (const [index, piece] of judged.entries()) {
    const { evidence } = piece;
    if (evidence?.kind !== "nvidia") continue;
    const repeated = evidence.claims.devices.find(({ ueid }) => seen.has(ueid));
    for (const { ueid } of evidence.claims.devices) seen.add(ueid);
    if (repeated === undefined) continue;
    const error = new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "a device of this piece stands in another piece too: each device counts once",
      details: { ueid: repeated.ueid },
    });
    const check = { name: "each device once", link: "hardware" } as const;
    judged[index] = changeOutcome(piece, { check, error, options });
  }
}
