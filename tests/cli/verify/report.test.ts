import { expect, test } from "vitest";
import { outcomeOf } from "../../../attestation/verdict/verdict.ts";
import { gravest, WORDS, type Outcome } from "../../../attestation/verdict/words.ts";
import { ExitCode } from "../../../cli/exit-codes.ts";
import { outcomeOfUsage } from "../../../cli/verify/report.ts";
import {
  AppraisalError,
  ChainError,
  EndorsementError,
  EvidenceError,
  InputError,
  type AdytonError,
} from "../../../protocol/errors.ts";

const message = "";
test.for<readonly [number, AdytonError]>([
  [ExitCode.notGenuine, new EvidenceError({ code: "EVIDENCE_REVOKED", message })],
  [ExitCode.notGenuine, new EvidenceError({ code: "EVIDENCE_MALFORMED", message })],
  [ExitCode.cannotJudge, new EvidenceError({ code: "EVIDENCE_UNSUPPORTED", message })],
  [ExitCode.cannotJudge, new EvidenceError({ code: "EVIDENCE_CHAIN_EXPIRED", message })],
  [ExitCode.refused, new AppraisalError({ code: "APPRAISAL_DEBUG_ENABLED", message })],
  [ExitCode.cannotJudge, new EndorsementError({ code: "ENDORSEMENT_EXPIRED", message })],
  [ExitCode.cannotJudge, new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message })],
])("exit status %i", ([status, error]) => {
  expect(WORDS[outcomeOf(error, [])].status).toBe(status);
});

test("wrong usage has no verdict", () => {
  const error = new InputError({ code: "INPUT_INVALID", message });
  expect(outcomeOfUsage(error)).toMatchObject({ exitCode: ExitCode.usage, report: { pieces: [] } });
});

test("of several pieces the gravest decides: false, refused, not judged, not appraised, accepted", () => {
  const pieces = (...outcomes: Outcome[]) => outcomes.map((outcome) => ({ outcome })) as never;
  expect(gravest(pieces("accepted", "altered", "cannotJudge"))).toEqual({ outcome: "altered" });
  expect(gravest(pieces("notAppraised", "cannotJudge", "refused"))).toEqual({ outcome: "refused" });
  expect(gravest(pieces("accepted", "notAppraised", "cannotJudge"))).toEqual({ outcome: "cannotJudge" });
  expect(gravest(pieces("accepted", "notAppraised"))).toEqual({ outcome: "notAppraised" });
});
