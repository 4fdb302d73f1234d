/** The sandbox of this version, to replay runs in. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import type { ReplaySandbox } from "../../runtime/agents/replay.ts";
import { createSandboxImage } from "../../runtime/agents/sandbox.ts";

const FOLDER = new URL("../../runtime/agents/sandbox/", import.meta.url);

export function loadSandbox(): ReplaySandbox {
  const files = { engine: read("engine.wasm"), prelude: read("prelude.js") };
  return { image: createSandboxImage(files), engine: sha256(files.engine), prelude: sha256(files.prelude) };
}

function read(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(name, FOLDER)));
}

function sha256(bytes: Uint8Array): Hex {
  return toHex(createHash("sha256").update(bytes).digest());
}
