/** Serves the built page on this machine, to this machine. */

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { findPageFolder, LISTING, PAGE_FILE, pageHeaders } from "../../oracle/http/page-files.ts";
import { ConfigError } from "../../protocol/errors.ts";
import { runsFromClone } from "../invocation.ts";

/** Answers what is no file of the page; false: not found. */
export type LocalRoute = (
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
) => Promise<boolean> | boolean;

export interface PageServer extends AsyncDisposable {
  readonly url: string;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/** @throws {ConfigError} CONFIG_TOOL_MISSING where the page is not built */
export function requirePage(): string {
  const folder = findPageFolder();
  if (folder !== null) return folder;
  throw new ConfigError({
    code: "CONFIG_TOOL_MISSING",
    message: runsFromClone()
      ? "the page is not built in this checkout: run `npm run build:web`"
      : "this installation of adyton lacks its page: install it again",
  });
}

/** @param port 0: any free one */
export async function servePage(folder: string, route: LocalRoute, port = 0): Promise<PageServer> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  let hosts: ReadonlySet<string> = new Set();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A name that somebody points at this machine (DNS rebinding) would make their page one of ours.
    if (!hosts.has(request.headers.host ?? "")) {
      response.writeHead(421).end();
      return;
    }
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (request.method === "GET" && PAGE_FILE.test(pathname)) {
      const name = pathname === "/" ? LISTING : pathname.slice(1);
      const content = await readFile(join(folder, name)).catch(() => null);
      if (content !== null) {
        const type = TYPES[extname(name)] ?? "application/octet-stream";
        response.writeHead(200, { ...pageHeaders(name), "content-type": type }).end(content);
        return;
      }
    }
    if (await route(request, response, pathname)) return;
    response.writeHead(404).end();
  };
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", listening);
  });
  const { port: taken } = server.address() as AddressInfo;
  hosts = new Set([`127.0.0.1:${taken}`, `localhost:${taken}`]);
  return {
    url: `http://127.0.0.1:${taken}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
