import { NotReplayable, ReplayDivergence, type Divergence } from "../../runtime/agents/replay-verdict.ts";
import { replayReceipt } from "../../runtime/agents/replay.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { loadSandbox } from "./load-sandbox.ts";

export type ReplayVerdict =
  | {
      readonly verdict: "equal";
      readonly program: string;
      readonly outcome: string;
      readonly status: number;
      readonly output: string;
      readonly gas: string;
      readonly calls: number;
      readonly ms: number;
    }
  | { readonly verdict: "diverged"; readonly divergence: Divergence }
  | { readonly verdict: "notReplayable"; readonly because: string; readonly message: string }
  | {
      readonly verdict: "notGenuine";
      readonly code: string;
      readonly check: unknown;
      readonly message: string;
    };

/** @param receipt one that `verifyReceipt` found genuine */
export async function replayFile(receipt: Receipt, program: Uint8Array | null): Promise<ReplayVerdict> {
  const sandbox = loadSandbox();
  const before = performance.now();
  try {
    const { end, program: ran } = await replayReceipt(receipt, sandbox, program);
    return {
      verdict: "equal",
      program: ran.hash,
      outcome: end.outcome,
      status: receipt.answer.status,
      output: receipt.output,
      gas: end.gas.toString(),
      calls: end.calls,
      ms: Math.round(performance.now() - before),
    };
  } catch (error) {
    if (error instanceof ReplayDivergence) return { verdict: "diverged", divergence: error.divergence };
    if (!(error instanceof NotReplayable)) throw error;
    return { verdict: "notReplayable", because: error.because, message: error.message };
  }
}
