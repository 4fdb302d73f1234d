/** The thread in which an agent's run is repeated: its program is a stranger's, and what runs it can reach nobody. */

import { sha256 } from "@noble/hashes/sha2.js";
import engine from "../../runtime/agents/sandbox/engine.wasm?bytes";
import prelude from "../../runtime/agents/sandbox/prelude.js?bytes";
import { answerStatusName } from "../../protocol/answer.ts";
import { toHex } from "../../protocol/bytes.ts";
import { parseReceipt } from "../../protocol/receipt.ts";
import { replayReceipt } from "../../runtime/agents/replay.ts";
import { NotReplayable, ReplayDivergence } from "../../runtime/agents/replay-verdict.ts";
import { createSandboxImage } from "../../runtime/agents/sandbox.ts";
import type { ReplayResult } from "./result.ts";

for (const name of ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "WebTransport", "importScripts"])
  Object.defineProperty(globalThis, name, { value: undefined });

/** Of the page's own files: their size is known. */
async function inflate(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const deflated = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function replay(bytes: Uint8Array): Promise<ReplayResult> {
  const files = { engine: await inflate(engine), prelude: await inflate(prelude) };
  const sandbox = {
    image: createSandboxImage(files),
    engine: toHex(sha256(files.engine)),
    prelude: toHex(sha256(files.prelude)),
  };
  try {
    const receipt = parseReceipt(bytes);
    const { end } = await replayReceipt(receipt, sandbox);
    return {
      verdict: "equal",
      outcome: end.outcome,
      status: answerStatusName(receipt.answer.status) ?? String(receipt.answer.status),
      calls: end.calls,
      gas: end.gas.toString(),
    };
  } catch (error) {
    if (error instanceof ReplayDivergence) {
      const { at, call, expected, actual } = error.divergence;
      return { verdict: "diverged", at, call, expected, actual };
    }
    if (error instanceof NotReplayable) return { verdict: "notReplayable", because: error.message };
    throw error;
  }
}

addEventListener("message", ({ data }: MessageEvent<Uint8Array>) => {
  void replay(data).then(
    (result) => {
      postMessage(result);
    },
    (error: unknown) => {
      postMessage({
        verdict: "notReplayable",
        because: error instanceof Error ? error.message : String(error),
      });
    },
  );
});
