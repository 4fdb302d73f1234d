import { describe, expect, test } from "vitest";
import type { ModelReply } from "../../../runtime/models/model-format.ts";
import { createOpenaiChat, DEFAULT_CHAT_DIALECT } from "../../../runtime/models/openai-chat.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

const chat = createOpenaiChat(DEFAULT_CHAT_DIALECT);

function streamed(events: readonly unknown[]): ModelReply {
  const reader = chat.createStreamReader();
  reader.read(toUtf8(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")));
  return reader.finish();
}

describe("chunks that are counted where the number of the choice belongs (microsoft/foundry-local#263)", () => {
  const chunk = (index: number, content: string, finish_reason: string | null = null): object => ({
    id: `chat.id.${index}`,
    choices: [{ index, delta: { content }, finish_reason }],
  });
  const counted = [chunk(0, "Y"), chunk(1, "e"), chunk(2, "s"), chunk(3, "", "stop")];

  test("are all of the answer", () => {
    expect(streamed(counted)).toMatchObject({ text: "Yes", stop: "complete" });
    expect(streamed([...counted, { id: "chat.id.4", choices: [] }]).text).toBe("Yes");
  });

  test.for([
    ["one is missing", [0, 1, 3]],
    ["one comes twice", [0, 1, 1, 2, 3]],
    ["two are exchanged", [0, 2, 1, 3]],
    ["the first is missing", [1, 2, 3]],
  ] as const)("are no answer where %s", ([, order]) => {
    const chunks = order.map((at) => counted[at] ?? {});
    expect(codeOf(() => streamed(chunks))).toMatch(/^MODEL_RESPONSE_(?:MALFORMED|TRUNCATED)$/);
  });

  test("a second choice that nobody asked for counts for nothing", () => {
    const both = (first: string, second: string, reason: string | null): object => ({
      choices: [
        { index: 1, delta: { content: second }, finish_reason: reason },
        { index: 0, delta: { content: first }, finish_reason: reason },
      ],
    });
    expect(streamed([both("Ye", "N", null), both("s", "o", "stop")]).text).toBe("Yes");
  });
});
