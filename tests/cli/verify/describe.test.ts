import { expect, test } from "vitest";
import { ExitCode } from "../../../cli/exit-codes.ts";
import { describeOutcome } from "../../../cli/verify/describe.ts";
import { outcomeOfError } from "../../../cli/verify/evidence-command.ts";
import { readEvidenceTarget } from "../../../cli/verify/evidence-target.ts";
import { EndorsementError, InputError } from "../../../protocol/errors.ts";

test("wrong usage is one message, and no verdict about evidence that nobody looked at", () => {
  const error = new InputError({ code: "INPUT_INVALID", message: "--nonce wants hex" });
  const text = describeOutcome(outcomeOfError(error));
  expect(text).toBe(
    "adyton verify: --nonce wants hex [INPUT_INVALID]\n(adyton verify --help lists the options)\n",
  );
});

test("what is out of date is shown with its dates", () => {
  const details = { now: "2026-11-22T00:00:00Z", nextUpdate: "2026-04-03T00:00:00Z" };
  const error = new EndorsementError({ code: "ENDORSEMENT_EXPIRED", message: "TCB info is old", details });
  const { exitCode, report } = outcomeOfError(error);
  expect(exitCode).toBe(ExitCode.cannotJudge);
  expect(report.checks).toEqual([
    {
      name: "endorsements",
      ok: false,
      detail: "TCB info is old (now 2026-11-22T00:00:00Z, nextUpdate 2026-04-03T00:00:00Z)",
    },
  ]);
});

test.for([
  ["no-such-file.bin", "there is no such file"],
  [".", "it is a folder"],
  ["http://enclave.example", "only https"],
] as const)("%s cannot be read, and the message says why", async ([target, why]) => {
  await expect(readEvidenceTarget(target)).rejects.toMatchObject({
    code: expect.stringMatching(/^INPUT_/) as unknown,
    message: expect.stringContaining(why) as unknown,
  });
});
