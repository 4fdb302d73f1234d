/** Tools that ask the node of this server what it knows. */

import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { InputError } from "../../protocol/errors.ts";
import { judgeText, toVerdict, type Trust } from "./judge-text.ts";
import type { NodeIndex } from "./node-index.ts";
import { register } from "./tool.ts";

const Filter = z.object({
  phase: z.enum(["seen", "asked", "answered", "refused", "sent", "settled"]).optional(),
  settlement: z.enum(["fulfilled", "refunded", "cancelled"]).optional(),
  consumer: z
    .string()
    .regex(/^0x[0-9a-f]{40}$/)
    .optional()
    .describe("asked by this contract"),
  model: z.string().max(128).optional().describe("a part of its name"),
  since: z.int().min(0).optional().describe("asked at this time or later, in seconds"),
  before: z.string().max(64).optional().describe("the `next` of the page before"),
  limit: z.int().min(1).max(100).default(20),
});

export function registerIndexTools(server: McpServer, index: NodeIndex, trust: Trust): void {
  register(server, {
    name: "list",
    title: "List requests",
    description: "Requests that this server's node knows, newest first. The node's word.",
    world: "open",
    input: Filter,
    run: async (filter) => {
      const given = Object.entries(filter).map(([name, value]): [string, string] => [name, String(value)]);
      return {
        found: { source: "the node's index" },
        untrusted: await index.list(new URLSearchParams(given)),
      };
    },
  });

  register(server, {
    name: "get",
    title: "Get one request",
    description: "One request as the node has it, and the verdict of its receipt where there is one.",
    world: "open",
    input: z.object({ requestId: z.string().regex(/^0x[0-9a-f]{64}$/) }),
    run: async ({ requestId }) => {
      const request = await index.get(requestId);
      const receipt = await index.receipt(requestId).catch((error: unknown) => {
        if (error instanceof InputError) return null;
        throw error;
      });
      const verdict =
        receipt === null ? null : toVerdict(await judgeText(receipt, trust), trust.policy !== undefined);
      return { found: { source: "the node's index", receipt: verdict }, untrusted: request };
    },
  });
}
