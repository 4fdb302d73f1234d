import { expect, test } from "vitest";
import type { TcbStatus } from "../../../attestation/index.ts";
import { ExitCode } from "../../../cli/exit-codes.ts";
import { checkNotRevoked, exitCodeOf } from "../../../cli/verify/report.ts";
import {
  AppraisalError,
  ChainError,
  EndorsementError,
  EvidenceError,
  InputError,
  type AdytonError,
} from "../../../protocol/errors.ts";

test("a platform whose TCB level is revoked is not genuine, with or without a policy", () => {
  const revoked = (): void => {
    checkNotRevoked({ tcbStatus: "Revoked" });
  };
  expect(revoked).toThrow(expect.objectContaining({ code: "EVIDENCE_REVOKED" }));
});

test.for<TcbStatus | null>(["UpToDate", "OutOfDate", "SWHardeningNeeded", null])(
  "a TCB status of %s is for the policy to judge",
  (tcbStatus) => {
    expect(() => {
      checkNotRevoked({ tcbStatus });
    }).not.toThrow();
  },
);

const message = "";
test.for<readonly [number, AdytonError]>([
  [ExitCode.notGenuine, new EvidenceError({ code: "EVIDENCE_REVOKED", message })],
  [ExitCode.notGenuine, new EvidenceError({ code: "EVIDENCE_MALFORMED", message })],
  [ExitCode.refused, new AppraisalError({ code: "APPRAISAL_DEBUG_ENABLED", message })],
  [ExitCode.cannotJudge, new EndorsementError({ code: "ENDORSEMENT_EXPIRED", message })],
  [ExitCode.cannotJudge, new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message })],
  [ExitCode.usage, new InputError({ code: "INPUT_INVALID", message })],
])("exit status %i", ([status, error]) => {
  expect(exitCodeOf(error)).toBe(status);
});
