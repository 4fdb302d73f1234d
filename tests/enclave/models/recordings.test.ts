import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { describe, expect, test } from "vitest";
import { anthropicMessages } from "../../../enclave/models/anthropic-messages.ts";
import { gemini } from "../../../enclave/models/gemini.ts";
import type { ModelFormat, ModelReply } from "../../../enclave/models/model-format.ts";
import { openaiChat } from "../../../enclave/models/openai-chat.ts";
import { openaiResponses } from "../../../enclave/models/openai-responses.ts";
import { ServerSentEvents } from "../../../enclave/models/server-sent-events.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

/** Recorded answers of the live services; data that is read from where it lies and not part of this repository. */
const FOLDER =
  // eslint-disable-next-line no-restricted-properties
  process.env["ADYTON_FIXTURES"] ??
  new URL("../../../../shared/fixtures/model-apis", import.meta.url).pathname;

const FORMATS: readonly (readonly [string, ModelFormat])[] = [
  [join("openai", "responses"), openaiResponses],
  [join("openai", "chat"), openaiChat],
  [join("openai-compatible", "chat"), openaiChat],
  ["anthropic", anthropicMessages],
  ["google", gemini],
];

/** Gemini's stateful API, which keeps the conversation at the provider: not spoken, on purpose. */
const OTHER_API = join("google", "interactions") + sep;

/** A connection that a proxy spliced: two answers, neither of them whole. */
const SPLICED = "spliced-message-start.chunks.txt";

interface Recording {
  readonly name: string;
  readonly text: string;
  readonly format: ModelFormat;
}

function recordings(): readonly Recording[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ name: relative(FOLDER, path), text: readFileSync(path, "utf8") }))
    .flatMap((file) => {
      const format = FORMATS.find(([folder]) => file.name.startsWith(folder + sep))?.[1];
      return format === undefined ? [] : [{ ...file, format }];
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}

const all = recordings();
const spoken = all.filter(({ name }) => !name.startsWith(OTHER_API));
const isError = ({ name, text }: Recording): boolean =>
  name.endsWith(".json") && Object.keys(JSON.parse(text) as object).join() === "error";
const bodies = spoken.filter((file) => file.name.endsWith(".json") && !isError(file));
const streams = spoken.filter(({ name }) => !name.endsWith(".json") && !name.endsWith(SPLICED));

function eventsOf({ name, text }: Recording): readonly string[] {
  if (name.endsWith(".sse")) return new ServerSentEvents().push(toUtf8(text));
  return text.split("\n").filter((line) => line.trim() !== "");
}

const SAYS_WHY = /"finish_reason":"|"finishReason":"|"type":"(?:message_stop|response\.completed)"/u;
const ENDS = /^\{"type":"(?:message_stop|response\.completed)"/u;

/** Some recordings hold several answers, one after the other. */
function answersOf(recording: Recording): readonly (readonly string[])[] {
  const answers: string[][] = [[]];
  for (const event of eventsOf(recording)) {
    answers.at(-1)?.push(event);
    if (ENDS.test(event)) answers.push([]);
  }
  return answers.filter((events) => events.length > 0);
}

function readStream(format: ModelFormat, events: readonly string[]): { reply: ModelReply; streamed: string } {
  const reader = format.createStreamReader();
  const streamed = events.map((event) => reader.push(event)).join("");
  return { reply: reader.finish(), streamed };
}

function checkReply(reply: ModelReply): void {
  expect(reply.returnedModel).toMatch(/./u);
  expect(reply.responseId).toMatch(/./u);
  expect(reply.usage?.inputTokens).toBeGreaterThan(0);
  if (reply.stop === "toolCalls") expect(reply.toolCalls.length).toBeGreaterThan(0);
  else expect(reply.stop).not.toBe("other");
  for (const { name, arguments: written } of reply.toolCalls) {
    expect(name).toMatch(/./u);
    expect(typeof written).toBe("string");
  }
}

test("says how many recordings there are to read", ({ skip, annotate }) => {
  if (all.length === 0)
    skip(`no recordings at ADYTON_FIXTURES or beside the repository: nothing was checked`);
  const errorCount = spoken.filter((file) => file.name.endsWith(".json") && isError(file)).length;
  void annotate(
    `${bodies.length} bodies, ${streams.length} streams, ${errorCount} errors read; ` +
      `${all.length - spoken.length} of an API that is not spoken`,
  );
  expect(bodies.length + streams.length + errorCount + 1).toBe(spoken.length);
});

describe.skipIf(all.length === 0)("recorded answers of the live services", () => {
  test.for(bodies.map((file) => [file.name, file] as const))("reads the body %s", ([, file]) => {
    checkReply(file.format.parseReply(toUtf8(file.text)));
  });

  test.for(streams.map((file) => [file.name, file] as const))("reads the stream %s", ([, file]) => {
    for (const events of answersOf(file)) {
      const { reply, streamed } = readStream(file.format, events);
      expect(reply.returnedModel).toMatch(/./u);
      expect(reply.responseId).toMatch(/./u);
      // OpenAI's recordings of Responses leave out pieces; their last event repeats the whole.
      if (file.format !== openaiResponses) expect(streamed).toBe(reply.text);
    }
  });

  test.for(streams.map((file) => [file.name, file] as const))(
    "refuses the stream %s without its end",
    ([, file]) => {
      const events = answersOf(file)[0] ?? [];
      // From the event that names why the model stopped.
      const end = events.findIndex((event) => SAYS_WHY.test(event));
      expect(codeOf(() => readStream(file.format, events.slice(0, end)))).toBe("MODEL_RESPONSE_TRUNCATED");
    },
  );

  test("refuses a stream into which another was spliced", () => {
    const file = all.find(({ name }) => name.endsWith(SPLICED));
    expect(codeOf(() => readStream(anthropicMessages, eventsOf(file!)))).toBe("MODEL_RESPONSE_MALFORMED");
  });

  test.for(
    spoken
      .filter((file) => file.name.endsWith(".json") && isError(file))
      .map((file) => [file.name, file] as const),
  )("reads the error %s as an error", ([, file]) => {
    expect(codeOf(() => file.format.parseReply(toUtf8(file.text)))).toBe("MODEL_HTTP_ERROR");
  });

  test.for(bodies.map((file) => [file.name, file] as const))("refuses the body %s cut short", ([, file]) => {
    const bytes = toUtf8(file.text.trimEnd());
    expect(codeOf(() => file.format.parseReply(bytes.subarray(0, bytes.length - 1)))).toBe(
      "MODEL_RESPONSE_MALFORMED",
    );
  });

  test.for(
    all
      .filter(({ name }) => name.startsWith(OTHER_API) && name.endsWith(".json"))
      .map((f) => [f.name, f] as const),
  )("refuses %s, which is of another API", ([, file]) => {
    expect(codeOf(() => file.format.parseReply(toUtf8(file.text)))).toBe("MODEL_RESPONSE_MALFORMED");
  });
});
