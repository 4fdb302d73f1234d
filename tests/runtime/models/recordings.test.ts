/**
 * Every recorded answer of the real services, through the adapter that speaks its format. The recordings are outside this
 * repository (`ADYTON_FIXTURES` names their folder); without them, this file skips and says so.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelReply } from "../../../runtime/models/model-format.ts";
import { AdytonError } from "../../../protocol/errors.ts";
import {
  readRecording,
  readRecordings,
  recordingFiles,
  RECORDINGS_PRESENT,
  type Recording,
} from "../../enclave/support/recordings/recordings.ts";
import { heard, readStream, replyOf } from "../../enclave/support/recordings/replies.ts";

/** Errors that a service answered with, and what each is for us. */
const ERRORS: Readonly<Record<string, string>> = {
  "openai/chat/reasoning-model-legacy-parameter-error.json": "MODEL_HTTP_ERROR",
  "openai/responses/reasoning-model-temperature-error.json": "MODEL_HTTP_ERROR",
  "openai/responses/openai-error.1.json": "MODEL_REQUEST_REJECTED",
};

/** Bodies that contradict themselves: there is no one answer to quote. */
const CONTRADICTORY: Readonly<Record<string, string>> = {
  // A gateway began a second message inside the first.
  "anthropic/spliced-message-start.chunks.txt": "MODEL_RESPONSE_MALFORMED",
  // Its last event repeats another text than was streamed.
  "openai/responses/openai-shell-container.1.chunks.txt": "MODEL_RESPONSE_MALFORMED",
};

const REFUSED = { ...ERRORS, ...CONTRADICTORY };

const files = RECORDINGS_PRESENT ? recordingFiles() : [];
const recordings = files.flatMap(readRecordings);
const parsed = recordings.filter(({ name }) => !Object.hasOwn(REFUSED, name));

const CYBER = expect.stringContaining("cyber") as string;
const BEGINS_V1 = expect.stringMatching(/^v1_/) as string;
/** Not the commentary that comes before it. */
const LATEST = expect.stringMatching(/^Here are some \*\*latest AI updates/) as string;

const replies: ModelReply[] = [];

beforeAll(() => {
  if (!RECORDINGS_PRESENT) console.warn("SKIPPED: no recordings of model APIs; set ADYTON_FIXTURES");
});

afterAll(() => {
  if (!RECORDINGS_PRESENT) return;
  const count = (what: (reply: ModelReply) => boolean): number => replies.filter(what).length;
  console.info(
    `recordings: ${files.length} files; ${replies.length} replies parsed ` +
      `(${parsed.filter(({ streamed }) => streamed).length} of them streams), ` +
      `${count(({ text }) => text !== "")} with text, ${count(({ toolCalls }) => toolCalls.length > 0)} with tool calls, ` +
      `${count(({ usage }) => usage !== null)} with usage, ${count(({ responseId }) => responseId !== null)} with an id, ` +
      `${count(({ stop }) => stop === "refused")} refusals; ${Object.keys(ERRORS).length} errors recognised; ` +
      `${Object.keys(CONTRADICTORY).length} refused, since they contradict themselves`,
  );
});

describe.skipIf(!RECORDINGS_PRESENT)("recorded answers of real model APIs", () => {
  test.for(parsed.map((recording) => [recording.name, recording] as const))("parses %s", ([, recording]) => {
    const reply = replyOf(recording);
    replies.push(reply);
    const raw = Buffer.from(recording.body).toString();
    if (reply.responseId !== null) expect(raw).toContain(JSON.stringify(reply.responseId));
    expect(raw).toContain(JSON.stringify(reply.returnedModel));
    for (const { id, name } of reply.toolCalls) {
      expect(raw).toContain(JSON.stringify(name));
      if (id !== null) expect(raw).toContain(JSON.stringify(id));
    }
    // An answer is whole only when it says something, or was streamed by tools that we never offer.
    if (reply.stop === "toolCalls") expect(reply.toolCalls).not.toEqual([]);
    if (reply.stop === "refused") expect(reply.text).toBe("");
  });

  test.for(
    parsed.filter(({ streamed }) => streamed).map((recording) => [recording.name, recording] as const),
  )(
    "gives a listener of %s the same text and calls as the whole, wherever chunks end",
    ([, { format, body }]) => {
      const { reply, pieces } = readStream(format, body, body.length);
      // Signatures are for the next question, and no part of what is listened to.
      const toolCalls = reply.toolCalls.map(({ id, name, arguments: written }) => ({
        id,
        name,
        arguments: written,
      }));
      expect(heard(pieces)).toEqual({ text: reply.text, toolCalls });
      const byBytes = readStream(format, body, body.length > 50_000 ? 61 : 1);
      expect(byBytes.reply).toEqual(reply);
      expect(heard(byBytes.pieces)).toEqual(heard(pieces));
    },
  );

  test.for(Object.entries(REFUSED))("refuses %s as %s", ([name, code]) => {
    const recording = recordings.find((candidate) => candidate.name === name);
    expect(codeOfReply(recording!)).toBe(code);
  });

  test("reads streams that were cut off after any event as truncated, or as what was complete before", () => {
    for (const { format, streamed, body } of parsed) {
      if (!streamed) continue;
      const events = Buffer.from(body)
        .toString()
        .trimEnd()
        .split(/(?<=\n\n)/);
      // Usage may follow the end of an answer, and `[DONE]` does: the framing of HTTP guards those.
      const cut = Buffer.from(events.slice(0, Math.ceil(events.length / 2)).join(""));
      const half: Recording = { name: "half", format, streamed, body: cut };
      if (events.length > 3) expect(codeOfReply(half)).toBe("MODEL_RESPONSE_TRUNCATED");
    }
  });

  test.for([
    ["anthropic/anthropic-text.json", { stop: "complete", usage: { inputTokens: 12, outputTokens: 29 } }],
    ["anthropic/anthropic-refusal.json", { stop: "refused", text: "", refusal: CYBER }],
    ["anthropic/anthropic-refusal.chunks.txt", { stop: "refused", refusal: CYBER }],
    ["anthropic/anthropic-tool-no-args.json", { toolCalls: [{ name: "updateIssueList", arguments: "{}" }] }],
    // Input that was cached counts; so does what a later event corrects.
    [
      "anthropic/anthropic-message-delta-input-tokens.chunks.txt",
      { usage: { inputTokens: 61, outputTokens: 2 } },
    ],
    // Another model took over, and that is the one that answered.
    ["anthropic/anthropic-fallback.json", { returnedModel: "claude-opus-4-8" }],
    ["anthropic/anthropic-fallback.chunks.txt", { returnedModel: "claude-opus-4-8" }],
    ["openai/responses/openai-phase.1.json", { text: LATEST }],
    ["openai/responses/openai-shell-tool.1.json", { stop: "other", text: "" }],
    [
      "openai/responses/openai-custom-tool.1.chunks.txt",
      { toolCalls: [{ name: "write_sql", arguments: "SELECT * FROM users WHERE age > 25" }] },
    ],
    [
      "openai/chat/azure-model-router.1.chunks.txt",
      { text: "Capital of Denmark.", returnedModel: "gpt-5-nano-2025-08-07" },
    ],
    // xAI counts reasoning only in its total.
    ["openai-compatible/chat/xai-text.json", { text: "Grok", usage: { inputTokens: 12, outputTokens: 322 } }],
    [
      "openai-compatible/chat/anthropic-fallback-tool-call.sse",
      { toolCalls: [{ id: "toolu_sanitized", arguments: '{"path": "a.txt"}' }] },
    ],
    [
      "google/interactions/basic.json",
      { responseId: BEGINS_V1, usage: { inputTokens: 7, outputTokens: 51 } },
    ],
    [
      "google/interactions/tool-call-step1.json",
      { stop: "toolCalls", toolCalls: [{ id: "zggxzq8r", arguments: '{"location":"San Francisco"}' }] },
    ],
    // Nothing was stored, so there is nothing to name.
    ["google/interactions/multi-turn-stateless-turn1.json", { stop: "complete", responseId: null }],
    ["google/google-reasoning.json", { usage: { inputTokens: 9, outputTokens: 311 } }],
    [
      "google/google-stream-tool-call-arguments.chunks.txt",
      { toolCalls: [{ arguments: '{"location":"Boston"}' }, { arguments: '{"location":"San Francisco"}' }] },
    ],
    [
      "google/google-stream-tool-call-array-arguments-missing-terminal-function-call.chunks.txt",
      {
        toolCalls: [
          {
            name: "writeItems",
            arguments: JSON.stringify({
              operations: [
                { action: "add", description: "Fresh red apple", itemid: "apple_001", price: 0.5 },
                { action: "add", description: "Ripe yellow banana", itemid: "banana_001", price: 0.3 },
              ],
            }),
          },
        ],
      },
    ],
  ] as const)("reads %s right", ([file, expected]) => {
    expect(replyOf(readRecording(file))).toMatchObject(expected);
  });
});

function codeOfReply(recording: Recording): string {
  try {
    replyOf(recording);
  } catch (error) {
    return error instanceof AdytonError ? String(error.code) : String(error);
  }
  return "parsed";
}
