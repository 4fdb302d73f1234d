/** What came of a replay, for a reader. */
export type ReplayResult =
  | {
      readonly verdict: "equal";
      readonly outcome: string;
      readonly status: string;
      readonly calls: number;
      /** Decimal. */
      readonly gas: string;
    }
  | {
      readonly verdict: "diverged";
      readonly at: string;
      readonly call: number | null;
      readonly expected: string;
      readonly actual: string;
    }
  | { readonly verdict: "notReplayable"; readonly because: string };

/** In a thread of its own, which is loaded now and ended after it: most receipts are of no agent. */
export async function replayIn(worker: Worker, receipt: Uint8Array): Promise<ReplayResult> {
  try {
    return await new Promise<ReplayResult>((resolve) => {
      worker.addEventListener("message", ({ data }: MessageEvent<ReplayResult>) => {
        resolve(data);
      });
      worker.addEventListener("error", ({ message }) => {
        resolve({ verdict: "notReplayable", because: message });
      });
      worker.postMessage(receipt);
    });
  } finally {
    worker.terminate();
  }
}
