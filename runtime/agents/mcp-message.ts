/**
 * What a program says to a server of the Model Context Protocol, and what it is told: JSON-RPC over streamable HTTP, of the revisions
 * from 2025-03-26 to 2025-11-25. One call is one POST, and its answer is whole before it is read, as JSON or as an event stream.
 */

import * as z from "zod";
import { toUtf8 } from "../../protocol/bytes.ts";
import { encodeCanonicalJson, parseJson, type Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { EventStream } from "../models/event-stream.ts";

const MCP_VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26"] as const;
const [NEWEST] = MCP_VERSIONS;
export const SESSION_HEADER = "mcp-session-id";
const CLIENT = { name: "adyton-agent", version: "1" } as const;

/** Of one answer: whoever streams more of them says nothing that a program waits for. */
const MAX_EVENTS = 1_024;
/** Of one page. */
const MAX_TOOLS = 256;
const MAX_TOOL_NAME_LENGTH = 128;
const MAX_CURSOR_LENGTH = 1_024;

const sessionId = z.string().regex(/^[\x21-\x7e]{1,256}$/);
const toolName = z.string().min(1).max(MAX_TOOL_NAME_LENGTH);

const McpMessage = z.discriminatedUnion("method", [
  z.strictObject({ method: z.literal("initialize") }),
  z.strictObject({ method: z.literal("notifications/initialized") }),
  z.strictObject({ method: z.literal("tools/list"), cursor: z.string().max(MAX_CURSOR_LENGTH).nullable() }),
  z.strictObject({
    method: z.literal("tools/call"),
    name: toolName,
    arguments: z.record(z.string(), z.json()),
  }),
]);
type McpMessage = z.output<typeof McpMessage>;

export const McpArgs = z.strictObject({
  url: z.string().max(2_048),
  secrets: z.record(z.string(), z.string().max(64)).default({}),
  /** What the server said when it was greeted; null in the greeting itself. */
  opened: z.strictObject({ session: sessionId.nullable(), version: z.enum(MCP_VERSIONS) }).nullable(),
  /** Of the request, in its session. */
  id: z.int().min(1),
  message: McpMessage,
});
export type McpArgs = z.output<typeof McpArgs>;

/** The bytes that are posted. */
export function mcpBody({ id, message }: McpArgs): Uint8Array<ArrayBuffer> {
  const request = { jsonrpc: "2.0", method: message.method, ...paramsOf(message) };
  const isNotification = message.method === "notifications/initialized";
  return toUtf8(JSON.stringify(isNotification ? request : { ...request, id }));
}

function paramsOf(message: McpMessage): { readonly params?: Json } {
  switch (message.method) {
    case "initialize":
      return { params: { protocolVersion: NEWEST, capabilities: {}, clientInfo: CLIENT } };
    case "notifications/initialized":
      return {};
    case "tools/list":
      return message.cursor === null ? {} : { params: { cursor: message.cursor } };
    case "tools/call":
      return { params: { name: message.name, arguments: message.arguments as Json } };
  }
}

/** Those that belong to the protocol; secrets are the caller's. */
export function mcpHeaders({ opened }: McpArgs): Readonly<Record<string, string>> {
  return {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...(opened === null ? {} : { "mcp-protocol-version": opened.version }),
    ...(opened === null || opened.session === null ? {} : { [SESSION_HEADER]: opened.session }),
  };
}

/** The server's answer is none, or an error. */
export class McpRefused extends Error {}

const Reply = z.looseObject({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string().optional(),
});

const Answered = z.union([
  z.looseObject({ result: z.record(z.string(), z.json()), error: z.undefined().optional() }),
  z.looseObject({
    result: z.undefined().optional(),
    error: z.looseObject({ code: z.int(), message: z.string() }),
  }),
]);

const Greeting = z.looseObject({ protocolVersion: z.enum(MCP_VERSIONS) });

const Tools = z.looseObject({
  tools: z
    .array(
      z.looseObject({
        name: toolName,
        description: z.string().optional(),
        inputSchema: z.record(z.string(), z.json()),
      }),
    )
    .max(MAX_TOOLS),
  nextCursor: z.string().max(MAX_CURSOR_LENGTH).optional(),
});

const Called = z.looseObject({
  content: z.array(z.record(z.string(), z.json())),
  structuredContent: z.record(z.string(), z.json()).optional(),
  isError: z.boolean().optional(),
});

interface Complete {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What a program is told of the answer to `args`. @throws {McpRefused} saying why it is none; {UpstreamError} for no UTF-8 */
export function readMcpReply(args: McpArgs, exchange: Complete): Json {
  const { message } = args;
  if (message.method === "notifications/initialized") {
    checkStatus(exchange);
    return null;
  }
  const result = resultOf(args, exchange);
  switch (message.method) {
    case "initialize": {
      const { protocolVersion } = shaped(Greeting, result, "greets in a revision that is not spoken here");
      const session = exchange.headers[SESSION_HEADER] ?? null;
      if (session !== null && !sessionId.safeParse(session).success)
        throw new McpRefused("the server names a session that no header can");
      return { session, version: protocolVersion };
    }
    case "tools/list": {
      const { tools, nextCursor = null } = shaped(Tools, result, "lists no tools that can be read");
      const told = tools.map(({ name, description = "", inputSchema }) => ({
        name,
        description,
        inputSchema: inputSchema,
      }));
      return { tools: told, cursor: nextCursor };
    }
    case "tools/call": {
      const { content, structuredContent, isError } = shaped(Called, result, "says nothing that a tool can");
      return {
        content: content as Json,
        structuredContent: (structuredContent ?? null) as Json,
        isError: isError ?? false,
      };
    }
  }
}

function shaped<Schema extends z.ZodType>(schema: Schema, result: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new McpRefused(`the server ${what}: ${z.prettifyError(parsed.error)}`);
}

function checkStatus({ status }: Complete): void {
  if (status < 200 || status >= 300) throw new McpRefused(`the server answers with HTTP ${status}`);
}

/** The one answer to the one request, among whatever else the server says meanwhile. */
function resultOf({ id }: McpArgs, exchange: Complete): Json {
  checkStatus(exchange);
  let answer: unknown;
  for (const message of messagesOf(exchange)) {
    const reply = shaped(Reply, message, "sends what is no JSON-RPC 2.0");
    // Notifications, and requests that nobody here serves: no capability was announced.
    if (reply.method !== undefined) continue;
    if (reply.id !== id) throw new McpRefused(`the server answers request ${String(reply.id)}, not ${id}`);
    if (answer !== undefined) throw new McpRefused("the server answers twice");
    answer = message;
  }
  if (answer === undefined) throw new McpRefused("the server ends without an answer");
  const { result, error } = shaped(Answered, answer, "answers with neither a result nor an error");
  if (error !== undefined)
    throw new McpRefused(`the server answers with error ${error.code}: ${error.message}`);
  return result;
}

function messagesOf({ headers, body }: Complete): readonly Json[] {
  const [type] = (headers["content-type"] ?? "").split(";");
  switch (type?.trim().toLowerCase()) {
    case "application/json":
      return [readJson(body)];
    case "text/event-stream": {
      const events = new EventStream().push(body).filter((data) => data.trim() !== "");
      if (events.length > MAX_EVENTS)
        throw new McpRefused(`the server sends more than ${MAX_EVENTS} messages before it ends`);
      return events.map((data) => readJson(toUtf8(data)));
    }
    default:
      throw new McpRefused("the server answers with neither JSON nor an event stream");
  }
}

/** As it can be handed on: nothing that has no canonical form. */
function readJson(bytes: Uint8Array): Json {
  try {
    const json = parseJson(bytes);
    encodeCanonicalJson(json);
    return json;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new McpRefused(`the server sends no JSON that can be read: ${error.message}`);
  }
}
