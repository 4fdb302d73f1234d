import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventStream } from "../../../runtime/models/event-stream.ts";
import { createChatStreamReader } from "../../../runtime/models/openai-chat-stream.ts";
import { concatBytes, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

function read(chunks: readonly Uint8Array[]): readonly string[] {
  const stream = new EventStream();
  return chunks.flatMap((chunk) => stream.push(chunk));
}

describe("server-sent events", () => {
  test.for([
    ["line feeds", "data: a\n\ndata: b\n\n", ["a", "b"]],
    ["carriage returns and line feeds", "data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]],
    ["carriage returns", "data: a\r\rdata: b\r\r", ["a", "b"]],
    ["other fields and comments", ": ping\nevent: x\nid: 1\nretry: 5\ndata: a\n\n", ["a"]],
    ["several lines of data", "data: a\ndata: b\n\n", ["a\nb"]],
    ["no space after the colon", "data:a\n\n", ["a"]],
    ["two spaces, of which one is data", "data:  a\n\n", [" a"]],
    ["a byte order mark", "\ufeffdata: a\n\n", ["a"]],
    ["empty lines between", "\n\n\ndata: a\n\n\n\n", ["a"]],
    ["an event that no empty line ends", "data: a\n\ndata: b\n", ["a"]],
    ["a field that only begins like data", "database: a\n\n", []],
  ] as const)("are read with %s", ([, text, events]) => {
    expect(read([toUtf8(text)])).toEqual(events);
    expect(read(Array.from(toUtf8(text), (byte) => new Uint8Array([byte])))).toEqual(events);
  });

  test("are read with a line in more pieces than a call takes arguments", () => {
    const pieces = Array<Uint8Array>(200_000).fill(toUtf8("x"));
    expect(read([toUtf8("data: "), ...pieces, toUtf8("\n\n")])).toEqual(["x".repeat(200_000)]);
  });

  test("are the same wherever chunks end", () => {
    const bytes = toUtf8("data: naïve 😀\r\n\r\ndata: second\ndata: line\n\n: x\rdata: last\r\r");
    const whole = read([bytes]);
    expect(whole).toEqual(["naïve 😀", "second\nline", "last"]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 6 }), (cuts) => {
        const ends = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        expect(read(ends.slice(1).map((end, at) => bytes.subarray(ends[at], end)))).toEqual(whole);
      }),
    );
  });

  test("are refused in bad UTF-8", () => {
    const bytes = concatBytes(toUtf8("data: "), new Uint8Array([0xff]), toUtf8("\n\n"));
    expect(codeOf(() => read([bytes]))).toBe("MODEL_RESPONSE_MALFORMED");
  });

  test("of a megabyte in tiny chunks are read in linear time", () => {
    const stream = new EventStream();
    const chunk = toUtf8("x".repeat(64));
    stream.push(toUtf8("data: "));
    for (let at = 0; at < 16_384; at++) expect(stream.push(chunk)).toEqual([]);
    expect(stream.push(toUtf8("\n\n"))[0]?.length).toBe(64 * 16_384);
  });
});

const chunk = (delta: unknown, reason: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;

const readChat = (text: string): string =>
  codeOf(() => {
    const reader = createChatStreamReader();
    reader.read(toUtf8(text));
    reader.finish();
  });

describe("a stream of Chat Completions", () => {
  test.for([
    ["ends with its reason", chunk({ content: "a" }, "stop"), "nothing thrown"],
    ["ends with the marker too", `${chunk({ content: "a" }, "stop")}data: [DONE]\n\n`, "nothing thrown"],
    ["ends before its reason", chunk({ content: "a" }), "MODEL_RESPONSE_TRUNCATED"],
    [
      "says that it is done before its reason",
      `${chunk({ content: "a" })}data: [DONE]\n\n`,
      "MODEL_RESPONSE_TRUNCATED",
    ],
    [
      "goes on after it was done",
      `${chunk({}, "stop")}data: [DONE]\n\n${chunk({ content: "x" })}`,
      "MODEL_RESPONSE_MALFORMED",
    ],
    [
      "reports an error",
      `${chunk({ content: "a" })}data: {"error":{"code":"server_error"}}\n\n`,
      "MODEL_HTTP_ERROR",
    ],
    ["reports an overload", `data: {"error":{"type":"overloaded_error"}}\n\n`, "MODEL_RATE_LIMITED"],
    ["holds what is no JSON", "data: {\n\n", "MODEL_RESPONSE_MALFORMED"],
    ["holds JSON nested without end", `data: ${"[".repeat(100_000)}\n\n`, "MODEL_RESPONSE_MALFORMED"],
    [
      "gives arguments to a call without a name",
      chunk({ tool_calls: [{ index: 0, function: { arguments: "{}" } }] }, "stop"),
      "MODEL_RESPONSE_MALFORMED",
    ],
    ["is a web page", "<!doctype html>\n\n", "MODEL_RESPONSE_TRUNCATED"],
  ] as const)("that %s", ([, text, code]) => {
    expect(readChat(text)).toBe(code);
  });

  test("numbers calls by their order where a server does not", () => {
    const reader = createChatStreamReader();
    const part = (id: string | undefined, name: string | undefined, text: string): string =>
      chunk({ tool_calls: [{ ...(id === undefined ? {} : { id }), function: { name, arguments: text } }] });
    const text =
      part("a", "f", '{"x"') +
      part(undefined, undefined, ":1}") +
      part("b", "g", "{}") +
      chunk({}, "tool_calls");
    reader.read(toUtf8(text));
    expect(reader.finish().toolCalls).toEqual([
      { id: "a", name: "f", arguments: '{"x":1}' },
      { id: "b", name: "g", arguments: "{}" },
    ]);
  });
});
