/** Whether a network that a file tells of is still there. */

import type { NetworkFile } from "./network-file.ts";

/** Milliseconds: it is on this machine. */
const ANSWER_MS = 5_000;

/** Whether its chain answers and has its contracts: another chain may have taken the port since. */
export async function isAnswering({ rpcUrl, contracts }: NetworkFile): Promise<boolean> {
  try {
    const response = await fetch(rpcUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "eth_getCode",
        params: [contracts.coordinator, "latest"],
      }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const { result } = (await response.json()) as { readonly result?: unknown };
    return typeof result === "string" && result.length > 2;
  } catch {
    return false;
  }
}
