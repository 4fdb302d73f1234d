import { NotReplayable, ReplayDivergence, type Divergence } from "../../runtime/agents/replay-verdict.ts";
import { replayReceipt } from "../../runtime/agents/replay.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { hasReads, replayReads, type ReplayedRead } from "../../runtime/evm/replay-reads.ts";
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
  /** Of a question that reads contracts: what its model was told, derived again. */
  | {
      readonly verdict: "equal";
      readonly reads: readonly ReplayedRead[];
      readonly status: number;
      readonly output: string;
      readonly ms: number;
    }
  | { readonly verdict: "diverged"; readonly divergence: Divergence }
  | { readonly verdict: "notReplayable"; readonly because: string; readonly message: string }
  | {
      /** Of the receipt, before anything is run: shown to be false, or not judged. */
      readonly verdict: "notGenuine" | "cannotJudge";
      readonly code: string;
      readonly check: unknown;
      readonly message: string;
    };

/** @param receipt one that `verifyReceipt` found genuine */
export async function replayFile(receipt: Receipt, program: Uint8Array | null): Promise<ReplayVerdict> {
  const before = performance.now();
  try {
    if (hasReads(receipt)) {
      const reads = await replayReads(receipt);
      const { answer, output } = receipt;
      return { verdict: "equal", reads, status: answer.status, output, ms: msSince(before) };
    }
    const sandbox = loadSandbox();
    const { end, program: ran } = await replayReceipt(receipt, sandbox, program);
    return {
      verdict: "equal",
      program: ran.hash,
      outcome: end.outcome,
      status: receipt.answer.status,
      output: receipt.output,
      gas: end.gas.toString(),
      calls: end.calls,
      ms: msSince(before),
    };
  } catch (error) {
    if (error instanceof ReplayDivergence) return { verdict: "diverged", divergence: error.divergence };
    if (!(error instanceof NotReplayable)) throw error;
    return { verdict: "notReplayable", because: error.because, message: error.message };
  }
}

function msSince(before: number): number {
  return Math.round(performance.now() - before);
}
