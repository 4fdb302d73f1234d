/** `host.mcp`: greets a server once, and then lists and calls its tools. Nothing here is a check. */

import type { CallErrorCode, Host, Json } from "../program-api.ts";

// Taken before the program can replace them.
const { freeze } = Object;

/** What it needs of the prelude. */
export interface McpHost {
  readonly ask: <Value>(op: string, args: unknown) => Promise<Value>;
  readonly callError: (code: CallErrorCode, message: string, hostCausable: boolean) => Error;
}

interface Opened {
  readonly session: string | null;
  readonly version: string;
}

interface Page {
  readonly tools: readonly Json[];
  readonly cursor: string | null;
}

const MAX_PAGES = 16;

export function createMcp(
  { url, secrets = {} }: Parameters<Host["mcp"]>[0],
  { ask, callError }: McpHost,
): ReturnType<Host["mcp"]> {
  let id = 0;
  const send = <Value>(opened: Opened | null, message: object): Promise<Value> =>
    ask<Value>("mcp", { url, secrets, opened, id: (id += 1), message });
  const greet = async (): Promise<Opened> => {
    const opened = await send<Opened>(null, { method: "initialize" });
    await send(opened, { method: "notifications/initialized" });
    return opened;
  };
  let greeted: Promise<Opened> | undefined;
  return freeze({
    tools: async () => {
      const opened = await (greeted ??= greet());
      const found: Json[] = [];
      let cursor: string | null = null;
      for (let pages = 0; pages < MAX_PAGES; pages += 1) {
        const page: Page = await send<Page>(opened, { method: "tools/list", cursor });
        found.push(...page.tools);
        cursor = page.cursor;
        if (cursor === null) return found;
      }
      throw callError("BAD_RESPONSE", `the server's tools are more than ${MAX_PAGES} pages`, false);
    },
    call: async (name: string, args: Json = {}) => {
      const opened = await (greeted ??= greet());
      return await send(opened, { method: "tools/call", name, arguments: args });
    },
  }) as unknown as ReturnType<Host["mcp"]>;
}
