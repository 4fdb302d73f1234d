/** Verifies and appraises one piece of evidence. Whatever goes wrong by our taxonomy is in the verdict; anything thrown is a bug. */

import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { claimsReportData, decodeClaims } from "../../protocol/claims.ts";
import { AdytonError, AppraisalError, EndorsementError, EvidenceError } from "../../protocol/errors.ts";
import type { Endorsements } from "../endorsements/endorsements.ts";
import { checksOf, keepChecks, type CheckOutcome } from "../evidence/check-list.ts";
import type { FoundEvidence } from "../evidence/find-evidence.ts";
import { verifyEvidence } from "../evidence/verify-evidence.ts";
import type { Check, VerifiedEvidence } from "../evidence/verified-evidence.ts";
import type { TcbStatus } from "../intel/claims.ts";
import { appraiseEvidence, type AppraiseOptions } from "../policy/appraise.ts";
import { checkReportData } from "../policy/check-report-data.ts";
import type { AppraisalPolicy } from "../policy/policy.ts";
import { verifyRaTlsCertificate } from "../ra-tls/verify-ra-tls.ts";
import { toIsoTime, type UnixSeconds } from "../time/unix-time.ts";
import { askHostRegistry, type HostRegistry } from "./host-registry.ts";
import { cautionOf, describePlatform } from "./platform.ts";
import { outcomeOf, toVerdictCheck, toVerdictError, type Answer, type PieceVerdict } from "./verdict.ts";
import { WORDS, type Outcome } from "./words.ts";

export interface ChosenPolicy {
  readonly policy: AppraisalPolicy;
  /** Whose choice it is what is accepted: the reader's, or that of whoever answers. */
  readonly origin: "own" | "operator";
}

export interface JudgeOptions {
  readonly now: UnixSeconds;
  /**
   * What a piece is to be judged with.
   *
   * @throws {EndorsementError} when that cannot be had: what needs none is checked all the same
   */
  readonly findEndorsements: (piece: FoundEvidence) => Promise<Endorsements>;
  readonly policy: ChosenPolicy | null;
  readonly nonce: Hex | null;
  readonly reportData: Hex | null;
  /** Where the machine has to be listed; nowhere unless it is given. */
  readonly hosts?: HostRegistry | undefined;
}

export interface JudgedPiece {
  readonly verdict: PieceVerdict;
  /** Null where the piece is not genuine, or cannot be judged. */
  readonly evidence: VerifiedEvidence | null;
}

export async function judgePiece(piece: FoundEvidence, options: JudgeOptions): Promise<JudgedPiece> {
  const outcomes: CheckOutcome[] = [];
  let genuine: GenuineEvidence | null = null;
  try {
    genuine = await verifyPiece(piece, options);
    outcomes.push(...genuine.checks, ...describeGenuine(genuine.evidence));
    if (options.hosts !== undefined) outcomes.push(await askHostRegistry(genuine.evidence, options.hosts));
    outcomes.push(...checkDemands(genuine, options));
    if (options.policy !== null) outcomes.push(...appraise(genuine, options.policy.policy, options.now));
    return {
      verdict: toPiece(piece, { outcomes, genuine, options, error: null }),
      evidence: genuine.evidence,
    };
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    outcomes.push(...failuresOf(error as AdytonError, genuine));
    const verdict = toPiece(piece, { outcomes, genuine, options, error: error as AdytonError });
    return { verdict, evidence: genuine?.evidence ?? null };
  }
}

/** The checks made before and beside an error; where none was, the error itself. */
function failuresOf(error: AdytonError, genuine: GenuineEvidence | null): readonly CheckOutcome[] {
  const checks = checksOf(error);
  if (checks.length === 0) return [{ name: genuine === null ? "evidence" : "policy", ok: false, error }];
  return genuine === null ? checks : checks.map((check) => ({ ...check, name: `policy: ${check.name}` }));
}

/** Genuine evidence, and what stood around it. */
interface GenuineEvidence {
  readonly evidence: VerifiedEvidence;
  readonly checks: readonly Check[];
  /** The nonce in claims that the report data commits to; null where the evidence came without such claims. */
  readonly claimedNonce: Hex | null;
  readonly eventLog: AppraiseOptions["eventLog"] | null;
}

/** @throws {EvidenceError | EndorsementError} */
async function verifyPiece(piece: FoundEvidence, options: JudgeOptions): Promise<GenuineEvidence> {
  let endorsements: Endorsements;
  try {
    endorsements = await options.findEndorsements(piece);
  } catch (missing) {
    if (!(missing instanceof EndorsementError)) throw missing;
    await verifyWithout(piece, options.now, missing);
    throw missing;
  }
  return await verifyWith(piece, endorsements, options.now);
}

/** Evidence that is false without any endorsement is false; otherwise the missing endorsement is the reason. */
async function verifyWithout(
  piece: FoundEvidence,
  now: UnixSeconds,
  missing: EndorsementError,
): Promise<void> {
  try {
    await verifyWith(piece, {}, now);
  } catch (error) {
    if (error instanceof EvidenceError) throw error;
    if (!(error instanceof EndorsementError)) throw error;
    keepMissing(missing, checksOf(error));
  }
}

function keepMissing(missing: EndorsementError, outcomes: readonly CheckOutcome[]): void {
  if (outcomes.length === 0) return;
  keepChecks(
    missing,
    outcomes.map((outcome) => (outcome.ok === false ? { ...outcome, error: missing } : outcome)),
  );
}

async function verifyWith(
  { kind, bytes, evidence: recognised, claims }: FoundEvidence,
  endorsements: Endorsements,
  now: UnixSeconds,
): Promise<GenuineEvidence> {
  if (kind === "certificate") return await verifyCertificate(bytes, endorsements, now);
  const evidence = await verifyEvidence(recognised ?? bytes, endorsements, { now });
  const known = { evidence, checks: evidence.checks, claimedNonce: null, eventLog: null };
  return claims === null ? known : bindClaims(known, claims);
}

function bindClaims(known: GenuineEvidence, claims: Hex): GenuineEvidence {
  const { nonce, keysetId } = decodeClaims(fromHex(claims));
  const expected = toHex(claimsReportData(fromHex(claims)));
  const subject = {
    name: "claims",
    link: "keyset",
    compared: "report data with the hash of the claims beside the evidence",
  } as const;
  if (known.evidence.reportData !== expected) {
    const error = new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the report data does not commit to the claims beside the evidence",
      details: { expected, actual: known.evidence.reportData },
    });
    keepChecks(error, [...known.checks, { ...subject, ok: false, error }]);
    throw error;
  }
  const check: Check = { ...subject, ok: true, detail: `report data commits to keyset ${keysetId}` };
  return { ...known, checks: [...known.checks, check], claimedNonce: nonce };
}

async function verifyCertificate(
  der: Uint8Array,
  endorsements: Endorsements,
  now: UnixSeconds,
): Promise<GenuineEvidence> {
  const { evidence, format, spkiHash, nonce, keysetId, eventLog } = await verifyRaTlsCertificate(
    der,
    endorsements,
    { now },
  );
  const keyset = keysetId === null ? "" : `, keyset ${keysetId}`;
  const check: Check = {
    name: "certificate key",
    link: "evidence",
    compared: "report data with the hash of the certificate's key",
    ok: true,
    detail: `RA-TLS (${format}): report data is bound to the key with SHA-256 ${spkiHash}${keyset}`,
  };
  return { evidence, checks: [...evidence.checks, check], claimedNonce: nonce, eventLog };
}

/** What is no check of ours, and belongs in sight beside them. */
function describeGenuine(evidence: VerifiedEvidence): readonly Check[] {
  const { debug, tcbStatus, advisories, verifiedAt, issuedAt, window } = evidence;
  const seen = (name: string, detail: string): Check => ({
    name,
    link: "hardware",
    ok: true,
    state: "as seen",
    detail,
  });
  const platform = tcbStatus === null ? [] : [seen("platform", describePlatform(tcbStatus, advisories))];
  const dates =
    issuedAt === null
      ? `judged as of ${toIsoTime(verifiedAt)}; everything relied on is in date until ${toIsoTime(window.until)}`
      : `made at ${toIsoTime(Math.floor(issuedAt))}, and everything relied on was in date then`;
  return [
    ...platform,
    seen("debug mode", DEBUG_WORDS[String(debug) as "true" | "false" | "null"]),
    seen("dates", dates),
  ];
}

const DEBUG_WORDS = {
  true: "ON: its host can read its memory, and nothing it says is safe",
  false: "off",
  null: "unknown: nothing in this evidence says whether it is on",
} as const;

/**
 * Checks what the evidence was made for against what was asked.
 *
 * @throws {AppraisalError} APPRAISAL_REPORT_DATA_MISMATCH
 */
function checkDemands(
  { evidence, claimedNonce }: GenuineEvidence,
  demands: Pick<JudgeOptions, "nonce" | "reportData">,
): readonly Check[] {
  const checks: Check[] = [];
  const compared = "what you asked for with what the evidence holds";
  if (demands.reportData !== null) {
    checkReportData(evidence, padded(demands.reportData, evidence.reportData));
    checks.push({
      name: "report data",
      link: "evidence",
      compared,
      ok: true,
      detail: "is the one asked for",
    });
  }
  if (demands.nonce !== null) {
    checkNonce(evidence, demands.nonce, claimedNonce);
    const detail = "is the one asked for: the evidence is not a replay";
    checks.push({ name: "nonce", link: "evidence", compared, ok: true, detail });
  }
  return checks;
}

/** Where a kind has a field for a nonce, that field; else the nonce is the report data, as people use it. */
function checkNonce(evidence: VerifiedEvidence, nonce: Hex, claimedNonce: Hex | null): void {
  const field = claimedNonce ?? (evidence.kind === "nitro" ? evidence.claims.nonce : null);
  const actual = field ?? evidence.reportData;
  if (actual === (field === null ? padded(nonce, actual) : nonce)) return;
  throw new AppraisalError({
    code: "APPRAISAL_REPORT_DATA_MISMATCH",
    message: "the evidence was made for another nonce: it may be a replay",
    details: { expected: nonce, actual },
  });
}

/** Report data has 64 bytes in most formats; shorter values are written first and zeros after them. */
function padded(value: Hex, field: Hex | null): Hex {
  return `0x${value.slice(2).padEnd((field?.length ?? 2) - 2, "0")}`;
}

function appraise(
  { evidence, eventLog }: GenuineEvidence,
  policy: AppraisalPolicy,
  now: UnixSeconds,
): readonly Check[] {
  const { checks } = appraiseEvidence(evidence, policy, { now, ...(eventLog && { eventLog }) });
  return checks.map((check) => ({ ...check, name: `policy: ${check.name}` }));
}

interface Found {
  readonly outcomes: readonly CheckOutcome[];
  readonly genuine: GenuineEvidence | null;
  readonly options: JudgeOptions;
  readonly error: AdytonError | null;
}

function toPiece(piece: FoundEvidence, { outcomes, genuine, options, error }: Found): PieceVerdict {
  const checks = outcomes.map(toVerdictCheck);
  const kind = genuine?.evidence.kind ?? piece.kind;
  const outcome = error === null ? acceptedOutcome(kind, options.policy) : outcomeOf(error, checks);
  const tcbStatus =
    genuine?.evidence.tcbStatus ?? (error?.details["tcbStatus"] as TcbStatus | undefined) ?? null;
  return {
    outcome,
    status: WORDS[outcome].status,
    headline: WORDS[outcome].headline,
    path: piece.path,
    form: piece.form,
    kind,
    sentence: error === null ? WORDS[outcome].sentence : sentenceOf(outcome, error),
    answers: answersOf(outcome, options),
    claims: genuine === null ? unverifiedClaims(piece) : establishedClaims(genuine.evidence),
    established: genuine !== null,
    tcbStatus,
    advisories: genuine?.evidence.advisories ?? [],
    caution: tcbStatus === null ? null : cautionOf(tcbStatus),
    checks,
    error: error === null ? null : toVerdictError(error),
  };
}

function acceptedOutcome(kind: string, policy: ChosenPolicy | null): Outcome {
  if (kind === "simulator") return policy === null ? "simulatedNotAppraised" : "acceptedSimulated";
  if (policy === null) return "notAppraised";
  return policy.origin === "own" ? "accepted" : "acceptedByOperator";
}

/** Intel's report data is a claim like the others, and belongs in sight beside them. */
function establishedClaims({ claims, reportData }: VerifiedEvidence): PieceVerdict["claims"] {
  return { ...claims, ...(!("userData" in claims) && { reportData }) };
}

function unverifiedClaims({ evidence }: FoundEvidence): PieceVerdict["claims"] {
  try {
    return evidence?.claims() ?? {};
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return {};
  }
}

/** The sentence under the headline, with what was found. */
export function sentenceOf(outcome: Outcome, { message, details }: AdytonError): string {
  const { sentence } = WORDS[outcome];
  if (outcome === "refused") {
    const { claim, actual, listed } = details;
    if (claim === undefined || actual === undefined) return `${sentence}: ${message}.`;
    const list = listed === undefined ? message : `you list ${String(listed)}`;
    return `${sentence}: ${String(claim)} is ${String(actual)}, ${list}.`;
  }
  if (outcome === "altered") return `${sentence}: ${message}.`;
  return sentence === ""
    ? `${message[0]?.toUpperCase() ?? ""}${message.slice(1)}.`
    : `${sentence} (${message}.)`;
}

/** @param subject what the last question is about: a request, for a receipt */
export function answersOf(
  outcome: Outcome,
  { policy, nonce, reportData }: Pick<JudgeOptions, "policy" | "nonce" | "reportData">,
): readonly Answer[] {
  const isSimulated = outcome === "acceptedSimulated" || outcome === "simulatedNotAppraised";
  const isGenuine = [0, 2, 4].includes(WORDS[outcome].status);
  const asked = nonce !== null || reportData !== null;
  const answers: Answer[] = [
    { question: "Genuine hardware?", answer: isSimulated ? "No: it is simulated." : genuineWords(outcome) },
    { question: "Accepted?", answer: isGenuine ? acceptedWords(outcome, policy) : "Not judged." },
    {
      question: "For you, now?",
      answer: isGenuine
        ? asked
          ? outcome === "refused"
            ? "Not judged."
            : "Yes: it holds what you asked for."
          : "Not asked: no nonce was given, and it may be a replay."
        : "Not judged.",
    },
  ];
  return outcome === "altered"
    ? [{ question: "Whole?", answer: "No: it contradicts itself." }, ...answers]
    : answers;
}

function genuineWords(outcome: Outcome): string {
  if (outcome === "cannotJudge") return "Not judged.";
  return WORDS[outcome].status === 1 ? "No." : "Yes.";
}

function acceptedWords(outcome: Outcome, policy: ChosenPolicy | null): string {
  if (outcome === "refused") return "No.";
  if (policy === null) return "Not asked: there is no policy.";
  return policy.origin === "own" ? "Yes, by your policy." : "Yes, by the operator's policy.";
}
