/** A thread that runs programs: many at the same time, each until it waits for the host. It opens nothing and knows no secret. */

import { parentPort, workerData } from "node:worker_threads";
import { runProgram, type Call, type CallDelivery, type RunTerms } from "../../runtime/agents/run-loop.ts";
import { createSandboxImage, type SandboxFiles } from "../../runtime/agents/sandbox.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

const image = createSandboxImage(workerData as SandboxFiles);
/** The waiters for calls' results, by run and call. */
const waiting = new Map<string, (delivery: CallDelivery) => void>();

function say(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function keyOf(run: number, call: number): string {
  return `${run}/${call}`;
}

async function run(id: number, terms: RunTerms): Promise<void> {
  const perform = (call: Call): Promise<CallDelivery> =>
    new Promise((resolve) => {
      waiting.set(keyOf(id, call.number), resolve);
      say({ kind: "call", run: id, call });
    });
  try {
    say({ kind: "end", run: id, end: await runProgram(image, terms, perform) });
  } catch (error) {
    say({
      kind: "lost",
      run: id,
      reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

parentPort?.on("message", (message: ToWorker) => {
  if (message.kind === "run") {
    void run(message.run, message.terms);
    return;
  }
  const key = keyOf(message.run, message.call);
  waiting.get(key)?.(message.delivery);
  waiting.delete(key);
});
