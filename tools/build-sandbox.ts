/**
 * Builds what an agent's program runs in: the metered engine and the prelude, into `runtime/agents/sandbox/` (not committed). Both
 * are pure functions of locked packages and sources. Does nothing when nothing has changed. Quiet on stdout.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFolder } from "../endorsements/files/create-folder.ts";
import { buildSandbox, SANDBOX_ENGINE, SANDBOX_PRELUDE } from "./sandbox/build.ts";

const root = join(import.meta.dirname, "..");
const OUT = join(root, "runtime/agents/sandbox");
const INPUTS = [
  SANDBOX_PRELUDE,
  "runtime/agents/guest/chain.ts",
  SANDBOX_ENGINE,
  "package-lock.json",
  "tools/build-sandbox.ts",
  "tools/meter-wasm.ts",
  "tools/sandbox/build.ts",
  "tools/sandbox/function-body.ts",
  "tools/sandbox/recursive-functions.ts",
  "tools/sandbox/wasm-bytes.ts",
];

function write(name: string, contents: Uint8Array | string): void {
  const path = join(OUT, name);
  // Renamed into place: another process may be reading.
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
}

const stamp = createHash("sha256");
for (const input of INPUTS) stamp.update(readFileSync(join(root, input)));
const wanted = stamp.digest("hex");
const stampFile = join(OUT, ".stamp");
if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== wanted) {
  createFolder(OUT);
  const { engine, prelude } = await buildSandbox(root);
  write("engine.wasm", engine);
  write("prelude.js", prelude);
  write(".stamp", wanted);
}
