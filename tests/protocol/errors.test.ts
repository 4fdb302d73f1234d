import { expect, test } from "vitest";
import * as errors from "../../protocol/errors.ts";

test("an error carries its class's name, code, details and cause", () => {
  const cause = new Error("inner");
  const error = new errors.EvidenceError({
    code: "EVIDENCE_REVOKED",
    message: "revoked",
    details: { serial: "01" },
    cause,
  });
  expect(error).toBeInstanceOf(errors.AdytonError);
  expect(error).toMatchObject({
    name: "EvidenceError",
    code: "EVIDENCE_REVOKED",
    details: { serial: "01" },
    cause,
  });
});

test("details are empty, and there is no cause, when none is given", () => {
  const error = new errors.ConfigError({ code: "CONFIG_INVALID", message: "" });
  expect(error.details).toEqual({});
  expect("cause" in error).toBe(false);
});

test.for([
  [new errors.ConfigError({ code: "CONFIG_INVALID", message: "" }), false],
  [new errors.InputError({ code: "INPUT_INVALID", message: "" }), false],
  [new errors.InputError({ code: "INPUT_RATE_LIMITED", message: "" }), true],
  [new errors.EvidenceError({ code: "EVIDENCE_STALE", message: "" }), false],
  [new errors.AppraisalError({ code: "APPRAISAL_STALE", message: "" }), false],
  [new errors.EndorsementError({ code: "ENDORSEMENT_UNAVAILABLE", message: "" }), true],
  [new errors.EndorsementError({ code: "ENDORSEMENT_EXPIRED", message: "" }), false],
  [new errors.UpstreamError({ code: "MODEL_TIMEOUT", message: "" }), true],
  [new errors.UpstreamError({ code: "PAYLOAD_UNAVAILABLE", message: "" }), true],
  [new errors.UpstreamError({ code: "MODEL_REFUSED", message: "" }), false],
  [new errors.QuorumError({ code: "QUORUM_NOT_REACHED", message: "" }), true],
  [new errors.QuorumError({ code: "QUORUM_CONFLICT", message: "" }), false],
  [new errors.ChainError({ code: "CHAIN_REORGED", message: "" }), true],
  [new errors.ChainError({ code: "CHAIN_REVERTED", message: "" }), false],
] as const)("%o says whether trying again may help", ([error, retryable]) => {
  expect(error.retryable).toBe(retryable);
});
