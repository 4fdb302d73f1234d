/** What every tool of `adyton mcp` has in common: the form of its result, and that errors are told and never thrown. */

import type { CallToolResult, McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { AdytonError } from "../../protocol/errors.ts";
import { quoted, UNTRUSTED_NOTICE } from "./untrusted.ts";

/** The result of every tool: `found` in our words, `untrusted` in anybody's. */
const Result = z.looseObject({ notice: z.string(), found: z.looseObject({}), untrusted: z.unknown() });

export interface ToolResult {
  readonly found: Readonly<Record<string, unknown>>;
  readonly untrusted: unknown;
}

export interface Tool<Input extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: Input;
  /** `closed`: needs nothing but its arguments; `open`: asks a node; `pays`: spends. */
  readonly world: "closed" | "open" | "pays";
  readonly run: (input: z.output<Input>) => Promise<ToolResult>;
}

export function register<Input extends z.ZodObject>(server: McpServer, tool: Tool<Input>): void {
  const { name, title, description, world } = tool;
  const pays = world === "pays";
  // Of its shape only `run` knows: the protocol's library wants a schema that it can name.
  const inputSchema: z.ZodObject = tool.input;
  server.registerTool(
    name,
    {
      title,
      description,
      inputSchema,
      outputSchema: Result,
      annotations: {
        readOnlyHint: !pays,
        destructiveHint: false,
        idempotentHint: !pays,
        openWorldHint: world !== "closed",
      },
    },
    async (input) => {
      try {
        const { found, untrusted } = await tool.run(input as z.output<Input>);
        return reply({ found, untrusted });
      } catch (error) {
        if (!(error instanceof AdytonError)) throw error;
        // Messages quote what they complain about.
        const { code, message } = error as AdytonError;
        return { ...reply({ found: { error: code }, untrusted: { message } }), isError: true };
      }
    },
  );
}

function reply({ found, untrusted }: ToolResult): CallToolResult {
  const structuredContent = { notice: UNTRUSTED_NOTICE, found, untrusted: quoted(untrusted) };
  return { structuredContent, content: [{ type: "text", text: JSON.stringify(structuredContent) }] };
}
