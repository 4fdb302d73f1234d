/**
 * Puts what programs run in into the bundle: the engine and the prelude, compressed, and the thread's own program. The bundle stays
 * one file with nothing beside it, measured as one.
 */

import { build, type Plugin } from "esbuild";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { buildSandbox } from "../sandbox/build.ts";

const root = join(import.meta.dirname, "../..");

function compressed(bytes: Uint8Array): string {
  return brotliCompressSync(bytes).toString("base64");
}

/** As a script: a thread that is given a text runs no module. */
async function bundleWorker(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["enclave/agents/worker.ts"],
    preserveSymlinks: true,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    write: false,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("the bundler made no worker");
  return file.text;
}

async function sandboxModule(): Promise<string> {
  const { engine, prelude } = await buildSandbox(root);
  return [
    'import { brotliDecompressSync } from "node:zlib";',
    `const engine = ${JSON.stringify(compressed(engine))};`,
    `const prelude = ${JSON.stringify(compressed(prelude))};`,
    'const expand = (text) => new Uint8Array(brotliDecompressSync(Buffer.from(text, "base64")));',
    "export const readSandboxFiles = () => ({ engine: expand(engine), prelude: expand(prelude) });",
    `export const WORKER = ${JSON.stringify(await bundleWorker())};`,
  ].join("\n");
}

export const embedSandbox: Plugin = {
  name: "embed-sandbox",
  setup(bundler) {
    bundler.onLoad({ filter: /\/enclave\/agents\/sandbox-files\.ts$/ }, async () => ({
      loader: "js",
      contents: await sandboxModule(),
    }));
  },
};
