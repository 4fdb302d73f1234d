import { expect, test } from "vitest";
import { describeOutcome } from "../../../cli/verify/describe.ts";
import { outcomeOfUsage } from "../../../cli/verify/report.ts";
import { readEvidenceTarget } from "../../../cli/verify/evidence-target.ts";
import { InputError } from "../../../protocol/errors.ts";

test("wrong usage is one message, and no verdict about evidence that nobody looked at", () => {
  const error = new InputError({ code: "INPUT_INVALID", message: "--nonce wants hex" });
  const text = describeOutcome(outcomeOfUsage(error));
  expect(text).toBe(
    "adyton verify: --nonce wants hex [INPUT_INVALID]\n(npm run -s adyton -- verify --help lists what it takes)\n",
  );
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
