/** The files that programs run in. In the bundle they are inside of it: tools/enclave-bundle replaces this module. */

import { readFileSync } from "node:fs";
import type { SandboxFiles } from "../../runtime/agents/sandbox.ts";

const FOLDER = new URL("../../runtime/agents/sandbox/", import.meta.url);

export function readSandboxFiles(): SandboxFiles {
  return {
    engine: new Uint8Array(readFileSync(new URL("engine.wasm", FOLDER))),
    prelude: new Uint8Array(readFileSync(new URL("prelude.js", FOLDER))),
  };
}

/** A worker's program: a file, or its text. */
export const WORKER: URL | string = new URL("worker.ts", import.meta.url);
