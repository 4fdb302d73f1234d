/** What it costs to run a signed run again from its receipt. */

import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { encodeReceipt } from "../../protocol/index.ts";
import { replayReceipt, type ReplaySandbox } from "../../runtime/agents/replay.ts";
import { answerOf, recordRun } from "../../tests/support/recorded-run.ts";
import { median } from "./timing.ts";

const RUNS = 20;
const SOURCE = `export default async (input, host) => {
  let total = 0;
  for (let i = 0; i < 10; i++) total += (await host.http({ url: "https://prices.example/" + i })).json.price;
  return total;
};`;

/** Milliseconds: the median of a run with ten calls, its receipt verified before. */
export async function measureReplay(sandbox: ReplaySandbox): Promise<number> {
  const recorded = await recordRun({
    source: SOURCE,
    exchangeOf: () => answerOf("prices.example", '{"price":3999}'),
  });
  const { receipt } = await verifyReceipt(encodeReceipt(recorded));
  return await median(RUNS, () => replayReceipt(receipt, sandbox));
}
