/** What programs run in, made from locked packages and sources, in memory. */

import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { meterWasm } from "../meter-wasm.ts";

export const SANDBOX_PRELUDE = "runtime/agents/guest/prelude.ts";
export const SANDBOX_ENGINE = "node_modules/quickjs-wasi/quickjs.wasm";

export interface Sandbox {
  readonly engine: Uint8Array;
  readonly prelude: Uint8Array;
}

export async function buildSandbox(root: string): Promise<Sandbox> {
  const engine = meterWasm(readFileSync(join(root, SANDBOX_ENGINE)));
  return { engine, prelude: await buildPrelude(root) };
}

async function buildPrelude(root: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [SANDBOX_PRELUDE],
    bundle: true,
    format: "iife",
    globalName: "prelude",
    // The value of the script: the one function that the host calls.
    banner: { js: '"use strict";(()=>{' },
    footer: { js: "return prelude.enter})()" },
    target: "es2023",
    minifySyntax: true,
    legalComments: "none",
    write: false,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("the bundler made no prelude");
  return file.contents;
}
