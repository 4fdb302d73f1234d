/** What the test calls in a worker of the page, on the stack that Chromium gives it: counts the gas vectors in the engine that it is sent. */

import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "../../protocol/bytes.ts";
import { createSandboxImage, type SandboxFiles } from "../../runtime/agents/sandbox.ts";
import { countGas, type GasVectors } from "../support/count-gas.ts";

async function count(files: SandboxFiles): Promise<GasVectors> {
  return await countGas({
    image: createSandboxImage(files),
    engine: toHex(sha256(files.engine)),
    prelude: toHex(sha256(files.prelude)),
  });
}

Object.assign(globalThis, { count });
