/** Judges what was given, as `adyton verify` does: the same verifier, the same endorsements, the same time. */

import type { VerifiedEvidence } from "../../attestation/evidence/verified-evidence.ts";
import { explainPolicy } from "../../attestation/policy/explain.ts";
import { parsePolicyFile } from "../../attestation/policy/policy-file.ts";
import { parseReceiptFile, verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { judgeCoseReceipt } from "../../attestation/verdict/judge-cose-receipt.ts";
import { judgeEvidence } from "../../attestation/verdict/judge-evidence.ts";
import type { ChosenPolicy } from "../../attestation/verdict/judge-piece.ts";
import { judgeReceipt } from "../../attestation/verdict/judge-receipt.ts";
import type { Verdict } from "../../attestation/verdict/verdict.ts";
import { createSourceOfFiles } from "../../attestation/endorsements/files/source-of-files.ts";
import { endorsementsBeside, innerEvidence } from "../../attestation/verdict/endorsements-beside.ts";
import { AdytonError, EndorsementError } from "../../protocol/errors.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import type { FileRole, GivenFile, Judgement, JudgeTask, PolicyView, SortedFile } from "./judgement.ts";
import { proposalOf } from "./proposal.ts";
import { viewReceipt } from "../../attestation/verdict/receipt-view.ts";
import { roleOf } from "./sort-files.ts";

/** A judgement, and what is kept of it for whoever wants to look closer. */
export interface Judged {
  readonly judgement: Judgement;
  readonly receipt: Receipt | null;
  readonly genuine: readonly VerifiedEvidence[];
  readonly subject: GivenFile | null;
}

interface Sorted {
  readonly file: GivenFile;
  readonly role: FileRole;
}

export async function judge(task: JudgeTask): Promise<Judged> {
  const sorted = task.files.map((file): Sorted => ({ file, role: roleOf(file) }));
  const files = sorted.map(toSortedFile);
  const subject = subjectOf(sorted);
  const { policy, policyView, policyFault } = readPolicy(sorted);
  const found = subject === undefined ? null : await judgeSubject(subject, { sorted, policy, task });
  const receipt = found?.receipt ?? null;
  return {
    receipt,
    genuine: found?.genuine ?? [],
    subject: subject?.file ?? null,
    judgement: {
      files,
      subject: subject === undefined ? null : toSortedFile(subject),
      verdict: found?.verdict ?? null,
      judgedAt: found?.judgedAt ?? null,
      receipt: receipt === null ? null : viewReceipt(receipt),
      policy: policyView,
      policyFault,
      proposal: found === null || found.genuine.length === 0 ? null : proposalOf(found.genuine),
    },
  };
}

function toSortedFile({ file: { name, bytes }, role }: Sorted): SortedFile {
  return { name, size: bytes.length, role };
}

/** The last that was given. A receipt beside its twin is what the twin is compared with. */
function subjectOf(sorted: readonly Sorted[]): Sorted | undefined {
  const last = sorted.findLast(({ role }) => role === "receipt" || role === "evidence" || role === "twin");
  if (last?.role !== "receipt") return last;
  return sorted.findLast(({ role }) => role === "twin") ?? last;
}

interface ReadPolicy {
  readonly policy: ChosenPolicy | null;
  readonly policyView: PolicyView | null;
  readonly policyFault: string | null;
}

/** The last that was given. One that cannot be read is no policy: nothing is accepted by it. */
function readPolicy(sorted: readonly Sorted[]): ReadPolicy {
  const file = sorted.findLast(({ role }) => role === "policy")?.file;
  if (file === undefined) return { policy: null, policyView: null, policyFault: null };
  const { name, bytes, origin } = file;
  try {
    const policy = parsePolicyFile(bytes, name);
    return {
      policy: { policy, origin: origin === "operator" ? "operator" : "own" },
      policyView: { name, origin, explained: explainPolicy(policy) },
      policyFault: null,
    };
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return { policy: null, policyView: null, policyFault: error.message };
  }
}

interface Given {
  readonly sorted: readonly Sorted[];
  readonly policy: ChosenPolicy | null;
  readonly task: JudgeTask;
}

interface Found {
  readonly verdict: Verdict;
  readonly judgedAt: Judgement["judgedAt"];
  readonly receipt: Receipt | null;
  readonly genuine: readonly VerifiedEvidence[];
}

async function judgeSubject({ file, role }: Sorted, given: Given): Promise<Found> {
  if (role === "evidence") return await judgeAsEvidence(file, given);
  const { sorted, policy } = given;
  const beside = role === "twin" ? sorted.findLast((other) => other.role === "receipt") : { file };
  const bytes = beside?.file.bytes ?? null;
  const verdict =
    role === "twin"
      ? await judgeCoseReceipt(file.bytes, { policy, further: null, receipt: bytes })
      : await judgeReceipt(file.bytes, { policy, further: null });
  const receipt = bytes === null ? null : readReceipt(bytes);
  const judgedAt = receipt && ({ time: Number(receipt.answer.answeredAt), whose: "its own" } as const);
  return { verdict, judgedAt, receipt, genuine: bytes === null ? [] : await genuineIn(bytes) };
}

function readReceipt(bytes: Uint8Array): Receipt | null {
  try {
    return parseReceiptFile(bytes);
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return null;
  }
}

async function genuineIn(bytes: Uint8Array): Promise<readonly VerifiedEvidence[]> {
  try {
    return [(await verifyReceipt(bytes)).evidence];
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return [];
  }
}

async function judgeAsEvidence(file: GivenFile, { sorted, policy, task }: Given): Promise<Found> {
  const now = task.time ?? task.clock;
  const endorsements = sorted.filter(({ role }) => role === "endorsements").map((other) => other.file);
  const { verdict, genuine } = await judgeEvidence(file.bytes, {
    now,
    policy,
    nonce: task.nonce,
    reportData: null,
    findEndorsements:
      endorsements.length === 0 ? endorsementsBeside(file, now) : endorsementsIn(endorsements, now),
  });
  const judgedAt = { time: now, whose: task.time === null ? "now" : "yours" } as const;
  return { verdict, judgedAt, receipt: null, genuine };
}

/** Files that hold no endorsements that can be read are the evidence's misfortune: it cannot be judged. */
function endorsementsIn(
  files: readonly GivenFile[],
  now: number,
): Parameters<typeof judgeEvidence>[1]["findEndorsements"] {
  const source = ((): ReturnType<typeof createSourceOfFiles> | EndorsementError => {
    try {
      return createSourceOfFiles(files);
    } catch (error) {
      if (!(error instanceof EndorsementError)) throw error;
      return error;
    }
  })();
  return async (piece) => {
    if (source instanceof EndorsementError) throw source;
    return await source.find(innerEvidence(piece), now);
  };
}
