/** Judges a receipt: every step, also after one has failed, then the policy on its evidence. */

import { answerStatusName } from "../../protocol/answer.ts";
import { encodeCanonicalJson, parseJson } from "../../protocol/canonical-json.ts";
import { fromUtf8 } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { findRepeatedMember } from "../../protocol/unique-members.ts";
import { CheckList, checksOf, valueOf, type CheckOutcome } from "../evidence/check-list.ts";
import { withoutByteOrderMark } from "../evidence/json-evidence.ts";
import type { Check, CheckSubject, Link, VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { appraiseEvidence } from "../policy/appraise.ts";
import { checkBinding } from "../receipt/identity.ts";
import type { ReceiptStep } from "../receipt/step.ts";
import {
  parseReceiptFile,
  RECEIPT_STEPS,
  verifyCarriedEvidence,
  type VerifiedReceipt,
} from "../receipt/verify-receipt.ts";
import { toIsoTime } from "../time/unix-time.ts";
import { answersOf, sentenceOf, type ChosenPolicy } from "./judge-piece.ts";
import { cautionOf } from "./platform.ts";
import {
  outcomeOf,
  toVerdict,
  toVerdictCheck,
  toVerdictError,
  type PieceVerdict,
  type Verdict,
} from "./verdict.ts";
import { WORDS, type Outcome } from "./words.ts";

/** Asked beside the receipt, after it holds by itself: its log, or the chain. */
export type FurtherCheck = (verified: VerifiedReceipt) => Promise<readonly Check[]>;

export interface JudgeReceiptOptions {
  readonly policy: ChosenPolicy | null;
  readonly further: FurtherCheck | null;
}

const STEPS: Readonly<Record<ReceiptStep, readonly [link: Link, compared: string]>> = {
  format: ["answer", "the text with its canonical form"],
  domain: ["answer", "the signature's domain with the request's chain and coordinator"],
  request: ["answer", "the request's id with the hash of its parameters"],
  payload: ["answer", "the payload with the hash that was asked"],
  output: ["answer", "the output with the hash that was signed"],
  "state-block": ["answer", "the block that the answer is bound to with the one that was signed"],
  signature: ["answer", "the signer of the answer with the keyset's answer key"],
  "transcript-root": ["transcript", "the events' tree with the root that was signed"],
  "transcript-events": [
    "transcript",
    "the first and last event with the answer, and each response with its request",
  ],
  bodies: ["transcript", "each body with the hash that its event names"],
  "evidence-hash": ["transcript", "the evidence with the hash that the transcript names"],
  keyset: ["keyset", "the keyset's id with the hash of its fields"],
  evidence: ["hardware", "the evidence with its vendor's root"],
  binding: ["keyset", "the evidence's report data with the hash of the claims that name the keyset"],
};

function subjectOf(step: ReceiptStep): CheckSubject {
  const [link, compared] = STEPS[step];
  return { name: step, link, compared };
}

/** Never throws for a file, however bad: what is wrong with it is in the verdict. */
export async function judgeReceipt(file: Uint8Array, options: JudgeReceiptOptions): Promise<Verdict> {
  const outcomes: CheckOutcome[] = [];
  let receipt: Receipt | null = null;
  let evidence: VerifiedEvidence | null = null;
  let failure: AdytonError | null = null;
  try {
    const form = readForm(file);
    receipt = form.receipt;
    outcomes.push(form.check);
    const verified = await verifySteps(receipt, outcomes);
    evidence = verified.evidence;
    if (options.further !== null) outcomes.push(...(await options.further(verified)));
    if (options.policy !== null) outcomes.push(...appraise(evidence, options.policy));
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    failure = error as AdytonError;
    outcomes.push(...outcomesOfError(failure, evidence));
  }
  const piece = toPiece({ outcomes, receipt, evidence, failure }, options);
  return toVerdict([piece], piece);
}

interface ReadForm {
  readonly receipt: Receipt;
  readonly check: Check;
}

/** Spaces, line ends and a byte order mark change nothing of what was signed: such a text is judged in its canonical form, and says so. */
function readForm(file: Uint8Array): ReadForm {
  const subject = subjectOf("format");
  try {
    const receipt = parseReceiptFile(file);
    return { receipt, check: { ...subject, ok: true, detail: `canonical JSON, ${file.length} bytes` } };
  } catch (error) {
    const canonical = canonicalForm(file);
    if (canonical === undefined) throw error;
    const receipt = parseReceiptFile(canonical);
    const detail = `the text was laid out anew, and is judged in its canonical form of ${canonical.length} bytes`;
    return { receipt, check: { ...subject, ok: true, state: "as seen", detail } };
  }
}

function canonicalForm(file: Uint8Array): Uint8Array | undefined {
  try {
    const text = withoutByteOrderMark(file);
    const json = parseJson(text);
    if (findRepeatedMember(fromUtf8(text)) !== undefined) return undefined;
    const canonical = encodeCanonicalJson(json);
    parseReceiptFile(canonical);
    return canonical;
  } catch {
    // Not JSON, or no receipt in any form: the first error says what is wrong.
    return undefined;
  }
}

async function verifySteps(receipt: Receipt, outcomes: CheckOutcome[]): Promise<VerifiedReceipt> {
  const list = new CheckList();
  for (const [step, check] of RECEIPT_STEPS) {
    list.start(
      subjectOf(step),
      () => check(receipt),
      ({ detail }) => detail,
    );
  }
  const carried = list.start(
    subjectOf("evidence"),
    async () => await verifyCarriedEvidence(receipt),
    (evidence) => [
      ...evidence.checks,
      {
        ...subjectOf("evidence"),
        ok: true,
        detail: `genuine ${evidence.kind} at ${toIsoTime(evidence.verifiedAt)}, the answer's time`,
      },
    ],
  );
  list.after(
    [carried],
    subjectOf("binding"),
    ([{ reportData }]) => checkBinding(receipt, reportData),
    ({ detail }) => detail,
  );
  const checks = await list.finish();
  outcomes.push(...checks, ...providerChecks(checks));
  return { receipt, evidence: await valueOf(carried), checks: [] };
}

/** Between enclave and provider there is TLS, and nothing that the provider signed: the enclave's word. */
function providerChecks(checks: readonly Check[]): readonly Check[] {
  const events = checks.find(({ name }) => name === "transcript-events");
  if (events === undefined) return [];
  return [{ name: "provider", link: "provider", ok: true, state: "on its word", detail: events.detail }];
}

function appraise(evidence: VerifiedEvidence, { policy }: ChosenPolicy): readonly Check[] {
  const { checks } = appraiseEvidence(evidence, policy, { now: evidence.verifiedAt });
  return checks.map((check) => ({ ...check, name: `policy: ${check.name}` }));
}

function outcomesOfError(error: AdytonError, evidence: VerifiedEvidence | null): readonly CheckOutcome[] {
  const checks = checksOf(error);
  const isPolicy = evidence !== null && error.code.startsWith("APPRAISAL_");
  if (checks.length > 0) return isPolicy ? checks.map((c) => ({ ...c, name: `policy: ${c.name}` })) : checks;
  const name = String(error.details["check"] ?? (isPolicy ? "policy" : "receipt"));
  const subject = Object.hasOwn(STEPS, name)
    ? subjectOf(name as ReceiptStep)
    : { name, link: "answer" as const };
  return [{ ...subject, ok: false, error }];
}

interface Found {
  readonly outcomes: readonly CheckOutcome[];
  readonly receipt: Receipt | null;
  readonly evidence: VerifiedEvidence | null;
  readonly failure: AdytonError | null;
}

function toPiece(
  { outcomes, receipt, evidence, failure }: Found,
  { policy }: JudgeReceiptOptions,
): PieceVerdict {
  const checks = outcomes.map(toVerdictCheck);
  const outcome = failure === null ? held(evidence, policy) : outcomeOf(failure, checks);
  const tcbStatus = evidence?.tcbStatus ?? null;
  const established = evidence !== null && WORDS[outcome].status !== 1;
  return {
    outcome,
    status: WORDS[outcome].status,
    headline: WORDS[outcome].headline,
    path: "",
    form: "JSON",
    kind: "receipt",
    sentence: failure === null ? WORDS[outcome].sentence : sentenceOf(outcome, failure),
    answers: answersOf(outcome, { policy, nonce: null, reportData: null }).map((answer) =>
      answer.question === "For you, now?" ? forThisRequest(outcome) : answer,
    ),
    claims: receipt === null ? {} : describeClaims(receipt, evidence),
    established,
    tcbStatus,
    advisories: evidence?.advisories ?? [],
    caution: tcbStatus === null ? null : cautionOf(tcbStatus),
    checks,
    error: failure === null ? null : toVerdictError(failure),
  };
}

function held(evidence: VerifiedEvidence | null, policy: ChosenPolicy | null): Outcome {
  if (evidence?.kind === "simulator") return policy === null ? "simulatedNotAppraised" : "acceptedSimulated";
  if (policy === null) return "notAppraised";
  return policy.origin === "own" ? "accepted" : "acceptedByOperator";
}

function forThisRequest(outcome: Outcome): PieceVerdict["answers"][number] {
  const holds = [0, 2, 4].includes(WORDS[outcome].status);
  return {
    question: "For this request?",
    answer: holds ? "Yes: it was signed for this request and payload." : "Not judged.",
  };
}

function describeClaims(
  { answer, evidence: carried }: Receipt,
  evidence: VerifiedEvidence | null,
): Record<string, unknown> {
  return {
    requestId: answer.requestId,
    status: answerStatusName(answer.status),
    answeredAt: answer.answeredAt.toString(),
    keysetId: answer.keysetId,
    evidenceKind: evidence?.kind ?? carried.kind,
    ...evidence?.claims,
  };
}
