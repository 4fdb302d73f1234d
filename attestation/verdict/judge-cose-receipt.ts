/** Judges a receipt's COSE twin, and the receipt that shows what its hashes stand for. */

import { answerStatusName } from "../../protocol/answer.ts";
import { AdytonError, EndorsementError } from "../../protocol/errors.ts";
import type { Check } from "../evidence/verified-evidence.ts";
import { checkSameStatement, verifyCoseReceipt, type VerifiedCoseReceipt } from "../receipt/cose-receipt.ts";
import { verdictOfError } from "./judge-evidence.ts";
import { judgeReceipt, type JudgeReceiptOptions } from "./judge-receipt.ts";
import { toVerdict, toVerdictCheck, type PieceVerdict, type Verdict, type VerdictCheck } from "./verdict.ts";

const KIND = "coseReceipt";

export interface JudgeCoseReceiptOptions extends JudgeReceiptOptions {
  /** The receipt file's bytes. Without it the twin's signature can be checked, and not who made it: its evidence is named by hash. */
  readonly receipt: Uint8Array | null;
}

export async function judgeCoseReceipt(
  file: Uint8Array,
  { receipt, ...options }: JudgeCoseReceiptOptions,
): Promise<Verdict> {
  const demands = { policy: options.policy, nonce: null, reportData: null };
  let twin: VerifiedCoseReceipt;
  try {
    twin = verifyCoseReceipt(file);
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    const known = error as AdytonError;
    const name = `twin: ${String(known.details["check"] ?? "format")}`;
    return withChecks(verdictOfError(known, demands, KIND), (check) => [{ ...check, name, link: "answer" }]);
  }
  const own = twin.checks.map((check) => toVerdictCheck(ofTwin(check)));
  if (receipt === null) {
    const error = new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: "the twin names its evidence by hash: give the receipt that holds it with --receipt FILE",
      details: { check: "receipt" },
    });
    const verdict = verdictOfError(error, demands, KIND);
    return withTwin(
      withChecks(verdict, (check) => [{ ...check, name: "twin: receipt", link: "answer" }]),
      {
        own,
        claims: describeStatement(twin),
      },
    );
  }
  const verdict = await judgeReceipt(receipt, {
    ...options,
    further: async (verified) => [
      checkSameStatement(twin, verified.receipt),
      ...(options.further === null ? [] : await options.further(verified)),
    ],
  });
  return withTwin(verdict, { own, claims: null });
}

function ofTwin(check: Check): Check {
  return { ...check, name: `twin: ${check.name}`, link: "answer" };
}

interface Twin {
  readonly own: readonly VerdictCheck[];
  readonly claims: PieceVerdict["claims"] | null;
}

function withTwin({ pieces: [piece] }: Verdict, { own, claims }: Twin): Verdict {
  const twin = { ...piece, kind: KIND, claims: claims ?? piece.claims, checks: [...own, ...piece.checks] };
  return toVerdict([twin], twin);
}

function withChecks(
  { pieces: [piece] }: Verdict,
  change: (check: VerdictCheck) => readonly VerdictCheck[],
): Verdict {
  const changed = { ...piece, checks: piece.checks.flatMap(change) };
  return toVerdict([changed], changed);
}

function describeStatement({ statement: { answer } }: VerifiedCoseReceipt): PieceVerdict["claims"] {
  return {
    requestId: answer.requestId,
    status: answerStatusName(answer.status),
    answeredAt: answer.answeredAt.toString(),
    keysetId: answer.keysetId,
  };
}
