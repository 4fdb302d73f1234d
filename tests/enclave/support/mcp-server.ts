/** The official SDK's server of the Model Context Protocol, behind a server of Node's. */

import type { IncomingMessage, ServerResponse } from "node:http";
import {
  fromJsonSchema,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
  type JsonSchemaType,
} from "@modelcontextprotocol/server";

interface OfficialServer {
  readonly respond: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  /** Sessions that were opened. */
  readonly sessions: () => number;
}

const WORD: JsonSchemaType = {
  type: "object",
  properties: { word: { type: "string" } },
  required: ["word"],
};

function createServer(): McpServer {
  const server = new McpServer({ name: "words", version: "1.0.0" });
  server.registerTool(
    "measure",
    { description: "how long a word is", inputSchema: fromJsonSchema<{ word: string }>(WORD) },
    ({ word }) => ({ content: [{ type: "text", text: `${word} has ${word.length} letters` }] }),
  );
  server.registerTool(
    "fail",
    { description: "always fails", inputSchema: fromJsonSchema<{ word: string }>(WORD) },
    () => ({ content: [{ type: "text", text: "no" }], isError: true }),
  );
  return server;
}

/** @param answers how it answers: one JSON, or a stream of events; with a session for each client that greets it, or none */
export function startOfficialServer(answers: {
  readonly as: "json" | "events";
  readonly sessions: boolean;
}): OfficialServer {
  const open = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const transportFor = async (id: string | undefined): Promise<WebStandardStreamableHTTPServerTransport> => {
    const known = id === undefined ? undefined : open.get(id);
    if (known !== undefined) return known;
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: answers.sessions ? () => `session-${open.size + 1}` : undefined,
      onsessioninitialized: (session) => void open.set(session, transport),
      enableJsonResponse: answers.as === "json",
    });
    await createServer().connect(transport);
    return transport;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse, body: string): Promise<void> => {
    const session = request.headers["mcp-session-id"];
    const transport = await transportFor(typeof session === "string" ? session : undefined);
    const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
      typeof value === "string" ? [[name, value]] : [],
    );
    const url = `https://${request.headers.host ?? ""}${request.url ?? ""}`;
    const answer = await transport.handleRequest(
      new Request(url, { method: request.method ?? "POST", headers, body }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    for await (const chunk of answer.body ?? []) response.write(chunk);
    response.end();
  };
  return {
    respond: (request, response, body) => {
      handle(request, response, body).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    },
    sessions: () => open.size,
  };
}
