/** The MCP server on standard input and output. */

import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { MAX_RECEIPT_BYTES } from "../../protocol/limits.ts";
import { registerAskTool } from "./ask-tool.ts";
import { registerIndexTools } from "./index-tools.ts";
import type { Trust } from "./judge-text.ts";
import { connectToIndex } from "./node-index.ts";
import { registerReadingTools } from "./reading-tools.ts";
import { SpendCap } from "./spend-cap.ts";
import { UNTRUSTED_NOTICE } from "./untrusted.ts";

export interface McpOptions {
  readonly trust: Trust;
  /** The oracle node that may be asked; null: none. */
  readonly nodeUrl: string | null;
  /** null: no tool spends. */
  readonly ask: { readonly networkFile: string; readonly cap: bigint } | null;
}

/** A receipt as a JSON string: a character of it may take six. */
const MAX_MESSAGE_BYTES = 6 * MAX_RECEIPT_BYTES;

/** Serves until standard input ends. */
export function serveMcp({ trust, nodeUrl, ask }: McpOptions): void {
  const index = nodeUrl === null ? null : connectToIndex(nodeUrl);
  const cap = new SpendCap(ask?.cap ?? 0n);
  serveStdio(
    () => {
      const server = new McpServer(
        { name: "adyton", version: "0.1.0" },
        { instructions: `Verifies what AI oracles answered. ${UNTRUSTED_NOTICE}` },
      );
      registerReadingTools(server, { trust, index });
      if (index !== null) registerIndexTools(server, index, trust);
      if (ask !== null && index !== null) registerAskTool(server, { ...ask, trust, index }, cap);
      return server;
    },
    {
      transport: new StdioServerTransport(process.stdin, process.stdout, {
        maxBufferSize: MAX_MESSAGE_BYTES,
      }),
    },
  );
}
