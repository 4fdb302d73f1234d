/** Why a consumer's callback failed, as the chain's trace of the fulfilment has it. */

import type { JsonRpcProvider } from "ethers";
import * as z from "zod";

export interface FailedCallback {
  readonly consumer: string;
  /** Gas that the request allowed it. */
  readonly gasLimit: number;
  /** `unknown`: the chain gives no trace. */
  readonly kind: "out of gas" | "reverted" | "unknown";
  /** What it reverted with, where it said so. */
  readonly reason: string | null;
}

const Call = z.object({
  to: z.string().optional(),
  error: z.string().optional(),
  revertReason: z.string().optional(),
  output: z.string().optional(),
  get calls() {
    return z.array(Call).optional();
  },
});
type Call = z.output<typeof Call>;

export async function findFailedCallback(
  provider: JsonRpcProvider,
  transactionHash: string,
  { consumer, gasLimit }: Pick<FailedCallback, "consumer" | "gasLimit">,
): Promise<FailedCallback> {
  const unknown = { consumer, gasLimit, kind: "unknown", reason: null } as const;
  let trace: unknown;
  try {
    trace = await provider.send("debug_traceTransaction", [transactionHash, { tracer: "callTracer" }]);
  } catch {
    return unknown;
  }
  const root = Call.safeParse(trace);
  const failed = root.success ? find(root.data, consumer.toLowerCase()) : undefined;
  if (failed?.error === undefined) return unknown;
  const isOutOfGas = /out ?of ?gas/iu.test(failed.error);
  const reason =
    failed.revertReason ?? (failed.output === undefined || failed.output === "0x" ? null : failed.output);
  return { consumer, gasLimit, kind: isOutOfGas ? "out of gas" : "reverted", reason };
}

/** The failed call to the consumer; where one inside it ran out of gas, that is why. */
function find(call: Call, consumer: string): Call | undefined {
  if (call.to?.toLowerCase() === consumer && call.error !== undefined) return call;
  for (const inner of call.calls ?? []) {
    const found = find(inner, consumer);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function explainFailure(callback: FailedCallback | null): string {
  if (callback === null) return "the contract's callback failed";
  const { consumer, gasLimit, kind, reason } = callback;
  const allowed = `${gasLimit.toLocaleString("en-US")} gas that the request allows it (callbackGasLimit)`;
  switch (kind) {
    case "out of gas":
      return `the callback of ${consumer} ran out of the ${allowed}: the contract has no answer`;
    case "reverted":
      return `the callback of ${consumer} reverted${reason === null ? "" : `: ${reason}`}: the contract has no answer`;
    case "unknown":
      return `the callback of ${consumer} failed: it reverted, or needed more than the ${allowed}`;
  }
}
