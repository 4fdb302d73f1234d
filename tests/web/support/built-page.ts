/** The page as it is published, built into a folder of its own and served as any file server would. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join, relative } from "node:path";
import { build } from "vite";
import { startLocalServer, type LocalServer } from "../../support/local-server.ts";

const CONFIG = join(import.meta.dirname, "../../../tools/web/vite.config.ts");

export interface BuiltPage extends AsyncDisposable {
  readonly folder: string;
  readonly server: LocalServer;
}

export async function buildPage(folder: string): Promise<void> {
  await build({ configFile: CONFIG, logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
}

export async function startBuiltPage(): Promise<BuiltPage> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-page-"));
  await buildPage(folder);
  const server = await startLocalServer(
    Object.fromEntries(
      filesIn(folder).map((path) => [
        `/${path}`,
        { headers: { "content-type": typeOf(path) }, body: readFileSync(join(folder, path)) },
      ]),
    ),
  );
  return {
    folder,
    server,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".woff2": "font/woff2",
};

function typeOf(path: string): string {
  return TYPES[extname(path)] ?? "application/octet-stream";
}
