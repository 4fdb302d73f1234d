/** What a server of tools may say, and what a program is told of anything else: one refusal for each, and never a fault of the host's. */

import { describe, expect, test } from "vitest";
import { fromUtf8, toUtf8 } from "../../../protocol/bytes.ts";
import { tell, type RecordedExchange } from "../../../runtime/agents/call-result.ts";
import { McpArgs, mcpBody, mcpHeaders } from "../../../runtime/agents/mcp-message.ts";

const URL = "https://tools.example/mcp";
const OPENED = { session: "abc", version: "2025-06-18" } as const;
const CALL = { method: "tools/call", name: "measure", arguments: { word: "owl" } } as const;
const LIST = { method: "tools/list", cursor: null } as const;
const GREET = { method: "initialize" } as const;

const argsOf = (message: object): string => {
  const opened = "method" in message && message.method === "initialize" ? null : OPENED;
  return JSON.stringify({ url: URL, secrets: {}, opened, id: 7, message });
};

interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

function toldOf(message: object, { status = 200, headers = {}, body }: Said): unknown {
  const exchange: RecordedExchange = {
    kind: "complete",
    status,
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? toUtf8(body) : body,
    transport: { kind: "plain-loopback", address: "127.0.0.1" },
    format: null,
  };
  const record = { op: "mcp", args: argsOf(message), exchange, refusal: null, time: 1 };
  const { text } = tell({ ...record, left: { feeWei: "0", seconds: 1 } });
  const told = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return told["ok"] === true ? told["value"] : `${String(told["code"])}: ${String(told["message"])}`;
}

const reply = (result: unknown, change: object = {}): string =>
  JSON.stringify({ jsonrpc: "2.0", id: 7, result, ...change });
const events = (...messages: readonly string[]): string =>
  messages.map((message) => `event: message\ndata: ${message}\n\n`).join("");
const STREAM = { "content-type": "text/event-stream; charset=utf-8" };
const SAID = { content: [{ type: "text", text: "3" }] };
const HEARD = { ...SAID, structuredContent: null, isError: false };

describe("what is posted", () => {
  const posted = (message: object): unknown =>
    JSON.parse(fromUtf8(mcpBody(McpArgs.parse(JSON.parse(argsOf(message))))));

  test("is one JSON-RPC request, or a notification without an id", () => {
    expect(posted(CALL)).toEqual({
      jsonrpc: "2.0",
      id: 7,
      method: "tools/call",
      params: { name: "measure", arguments: { word: "owl" } },
    });
    expect(posted({ method: "notifications/initialized" })).toEqual({
      jsonrpc: "2.0",
      method: "notifications/initialized",
    });
    expect(posted({ ...LIST, cursor: "next" })).toMatchObject({ params: { cursor: "next" } });
  });

  test("carries the session and the revision that the server named, and neither in the greeting", () => {
    expect(mcpHeaders(McpArgs.parse(JSON.parse(argsOf(CALL))))).toMatchObject({
      "mcp-session-id": "abc",
      "mcp-protocol-version": "2025-06-18",
    });
    const greeting = mcpHeaders(McpArgs.parse(JSON.parse(argsOf(GREET))));
    expect(Object.keys(greeting).filter((name) => name.startsWith("mcp-"))).toEqual([]);
  });
});

describe("an answer is taken", () => {
  test.for([
    ["as one JSON", { body: reply(SAID) }],
    ["as an event", { headers: STREAM, body: events(reply(SAID)) }],
    [
      "behind notifications, requests of the server's and empty events",
      {
        headers: STREAM,
        body: events(
          "",
          JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params: { progress: 1 } }),
          JSON.stringify({ jsonrpc: "2.0", id: 7, method: "ping" }),
          reply(SAID),
        ),
      },
    ],
    ["with lines that end in CR LF", { headers: STREAM, body: `id: 1\r\ndata: ${reply(SAID)}\r\n\r\n` }],
  ] as const)("%s", ([, said]) => {
    expect(toldOf(CALL, said)).toEqual(HEARD);
  });

  test("of a greeting with its session, of a notification without any", () => {
    const greeting = reply({ protocolVersion: "2025-03-26", capabilities: {}, serverInfo: {} });
    expect(toldOf(GREET, { headers: { "mcp-session-id": "s-1" }, body: greeting })).toEqual({
      session: "s-1",
      version: "2025-03-26",
    });
    expect(toldOf(GREET, { body: greeting })).toEqual({ session: null, version: "2025-03-26" });
    expect(toldOf({ method: "notifications/initialized" }, { status: 202, body: "" })).toBeNull();
  });

  test("of tools with their schemas, page by page", () => {
    const tool = { name: "measure", inputSchema: { type: "object" } };
    expect(toldOf(LIST, { body: reply({ tools: [{ ...tool, title: "x" }], nextCursor: "n" }) })).toEqual({
      tools: [{ ...tool, description: "" }],
      cursor: "n",
    });
  });
});

describe("an answer is refused", () => {
  const long = events(...Array.from({ length: 1_025 }, () => '{"jsonrpc":"2.0","method":"n"}'));
  const many = Array.from({ length: 257 }, (_, at) => ({ name: `t${at}`, inputSchema: {} }));
  test.for([
    ["of an error's status", CALL, { status: 404, body: "" }, "HTTP 404"],
    [
      "that sends elsewhere",
      CALL,
      { status: 307, headers: { location: "https://x.example/" }, body: "" },
      "HTTP 307",
    ],
    [
      "of a status for a notification",
      { method: "notifications/initialized" },
      { status: 400, body: "" },
      "HTTP 400",
    ],
    ["of another id", CALL, { body: reply(SAID, { id: 8 }) }, "answers request 8, not 7"],
    ["of the same id as a text", CALL, { body: reply(SAID, { id: "7" }) }, "not 7"],
    ["of no id", CALL, { body: reply(SAID, { id: null }) }, "answers request null"],
    ["twice", CALL, { headers: STREAM, body: events(reply(SAID), reply(SAID)) }, "answers twice"],
    ["of another JSON-RPC", CALL, { body: reply(SAID, { jsonrpc: "1.0" }) }, "no JSON-RPC 2.0"],
    ["in a batch", CALL, { body: `[${reply(SAID)}]` }, "no JSON-RPC 2.0"],
    [
      "as an error",
      CALL,
      { body: reply(undefined, { error: { code: -32602, message: "no such tool" } }) },
      "error -32602: no such tool",
    ],
    [
      "as both",
      CALL,
      { body: reply(SAID, { error: { code: 1, message: "x" } }) },
      "neither a result nor an error",
    ],
    ["as neither", CALL, { body: reply(undefined) }, "neither a result nor an error"],
    [
      "that never comes",
      CALL,
      { headers: STREAM, body: events('{"jsonrpc":"2.0","method":"n"}') },
      "ends without an answer",
    ],
    ["that is cut off", CALL, { headers: STREAM, body: `data: ${reply(SAID)}\n` }, "ends without an answer"],
    [
      "behind too many others",
      CALL,
      { headers: STREAM, body: long + events(reply(SAID)) },
      "more than 1024 messages",
    ],
    [
      "of another type",
      CALL,
      { headers: { "content-type": "text/html" }, body: reply(SAID) },
      "neither JSON nor an event stream",
    ],
    ["that is no JSON", CALL, { body: "<html>" }, "no JSON that can be read"],
    ["that nests too deep", CALL, { body: "[".repeat(100_000) }, "no JSON that can be read"],
    [
      "that has half a character",
      CALL,
      { body: reply({ content: [{ type: "text", text: "\ud800" }] }) },
      "no JSON that can be read",
    ],
    ["that is no UTF-8", CALL, { body: new Uint8Array([0x22, 0xff, 0x22]) }, ""],
    [
      "of events that are no UTF-8",
      CALL,
      { headers: STREAM, body: new Uint8Array([0x64, 0xff, 0x0a, 0x0a]) },
      "",
    ],
    ["without content", CALL, { body: reply({ structuredContent: {} }) }, "says nothing that a tool can"],
    ["of too many tools", LIST, { body: reply({ tools: many }) }, "lists no tools that can be read"],
    [
      "of a tool without a schema",
      LIST,
      { body: reply({ tools: [{ name: "x" }] }) },
      "lists no tools that can be read",
    ],
    [
      "of another revision",
      GREET,
      { body: reply({ protocolVersion: "2024-11-05" }) },
      "a revision that is not spoken here",
    ],
    [
      "with a session that ends its header",
      GREET,
      { headers: { "mcp-session-id": "a b" }, body: reply({ protocolVersion: "2025-06-18" }) },
      "a session that no header can",
    ],
  ] as const)("%s", ([, message, said, words]) => {
    const told = toldOf(message, said);
    expect(told).toMatch(/^BAD_RESPONSE: /);
    expect(told).toContain(words);
  });
});
