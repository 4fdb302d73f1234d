/** Rule: a typed answer has at most 65,536 bytes of encoding (docs/explanation/agents.md), and a program is told where it has more. */

import { expect, test } from "vitest";
import { tell } from "../../../runtime/agents/call-result.ts";
import { answerOf } from "../../support/recorded-run.ts";

const FORMAT = { name: "openai-chat", stripsReasoning: false } as const;

/** What a program is told of a model that answers `text`, where it asked for bytes. */
function told(text: string): unknown {
  const body = {
    id: "x",
    model: "m",
    choices: [{ index: 0, finish_reason: "stop", message: { content: text } }],
  };
  const args = { messages: [{ role: "user", content: "?" }], returns: "(bytes b)" };
  const { failure } = tell({
    op: "model",
    args: JSON.stringify(args),
    exchange: answerOf("models.example", JSON.stringify(body), FORMAT),
    refusal: null,
    time: 0,
    left: { feeWei: "0", seconds: 1 },
  });
  return failure;
}

/** Beside the bytes stand their offset and their length. */
const bytes = (count: number): string => JSON.stringify({ b: `0x${"ab".repeat(count)}` });

test("65,536 bytes of encoding are an answer, and a byte more is a BAD_RESPONSE with its reason", () => {
  expect(told(bytes(65_536 - 64))).toBeNull();
  expect(told(bytes(65_536 - 63))).toEqual({
    code: "BAD_RESPONSE",
    message: "the answer does not fit: it is longer than 65536 bytes",
  });
});
