/** A program's message to a server of tools: only to servers that its manifest has, and only for the tools that it has there. */

import { InputError } from "../../protocol/errors.ts";
import { mcpBody, mcpHeaders, type McpArgs } from "../../runtime/agents/mcp-message.ts";
import type { OutgoingRequest } from "../egress/exchange.ts";
import { checkReach, readReachableUrl } from "../egress/reachable-url.ts";
import { secretHeaders, type HttpTerms } from "./http-call.ts";

/** @throws {InputError} INPUT_INVALID, saying what is not allowed */
export function toMcpRequest(args: McpArgs, terms: HttpTerms): OutgoingRequest {
  const url = readReachableUrl(args.url, terms.settings);
  const entry = terms.program.manifest.mcp.find((server) => server.url === url.href);
  if (entry === undefined) throw refused(`the manifest names no MCP server ${url.href}`);
  checkReach(url, terms.settings);
  const { message } = args;
  if (message.method === "tools/call" && !entry.tools.includes(message.name))
    throw refused(`the manifest allows no tool ${message.name} of ${url.href}`);
  const place = { origin: url.origin, secrets: entry.secrets };
  return {
    url,
    method: "POST",
    headers: { ...secretHeaders(args, place, terms), ...mcpHeaders(args) },
    body: mcpBody(args),
  };
}

function refused(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
