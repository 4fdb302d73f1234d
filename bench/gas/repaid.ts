/**
 * What settling costs whoever sends it, and what comes back: repaid ÷ charged, charged being gas × price of the receipts. One
 * direct transaction each (a quorum's commit is counted with its opening), priced below the cap, the escrow sufficient.
 */

import type { TransactionReceipt } from "ethers";
import * as p from "../../protocol/index.ts";
import { admitByQuote, createNode, encodeBatch, type Asked } from "./node.ts";
import {
  commit,
  consumerOf,
  FEE,
  firstNode,
  fulfill,
  HOUR_SECONDS,
  lastAsked,
  openCommitted,
  PROMPT,
  VALUE,
  type Stage,
} from "./stage.ts";

const SIZES = { "32B": 32, "4KiB": 4_096, "64KiB": 65_536 } as const;
/** Of several answers: threshold × maxOutputBytes has a limit. */
const SMALLER = { "32B": 32, "4KiB": 4_096 } as const;
const BATCH = 10;
/** Each asks with a consumer of its own, by whom nothing was asked before. */
let item = 100;

function outputOf(bytes: number): p.Hex {
  return p.toHex(new Uint8Array(bytes).map((_, index) => (index * 31 + 7) % 256));
}

async function ask(stage: Stage, bytes: number, threshold: number): Promise<Asked> {
  item += 1;
  const { chain } = stage;
  const longest = Math.max(bytes, 1_024);
  const options = { value: 10n * VALUE };
  const consumer = consumerOf(stage, item);
  await chain.mine(
    consumer.askWith(900_000 + item, PROMPT, FEE, 0, threshold, longest, HOUR_SECONDS, options),
  );
  return await lastAsked(chain);
}

/** Of all that was paid, what is not a fee. */
function ratioOf({ chain }: Stage, ...receipts: readonly TransactionReceipt[]): number {
  let repaid = 0n;
  let charged = 0n;
  for (const { gasUsed, gasPrice, logs } of receipts) {
    charged += gasUsed * gasPrice;
    for (const log of logs) {
      const event = chain.coordinator.interface.parseLog(log);
      if (event?.name === "Fulfilled") repaid += BigInt(String(event.args["paid"])) - FEE;
    }
  }
  return Number((repaid * 10_000n) / charged) / 10_000;
}

/** Shares by case, 1 for what was charged exactly. */
export async function measureRepaid(stage: Stage): Promise<Readonly<Record<string, number>>> {
  const { chain, nodes, policyId } = stage;
  const figures: Record<string, number> = {};
  for (const [size, bytes] of Object.entries(SIZES)) {
    const receipt = await chain.mine(fulfill(stage, await ask(stage, bytes, 1), outputOf(bytes)));
    figures[`single${size}`] = ratioOf(stage, receipt);
  }
  const fresh = createNode("fresh payee");
  await admitByQuote(fresh, chain, { policyId, platform: "fresh platform", intermediate: "omit" });
  // A key answers what was asked in a later second.
  await chain.later(2n);
  const first = await chain.mine(fulfill(stage, await ask(stage, 32, 1), outputOf(32), fresh));
  figures["singleFreshPayee32B"] = ratioOf(stage, first);
  for (const [size, bytes] of Object.entries(SMALLER)) {
    const batch: Asked[] = [];
    for (let index = 0; index < BATCH; index += 1) batch.push(await ask(stage, bytes, 1));
    const data = encodeBatch(firstNode(stage), batch, outputOf(bytes));
    figures[`batch${BATCH}of${size}`] = ratioOf(stage, await chain.mine(chain.settle(data)));
  }
  for (const [size, bytes] of Object.entries(SMALLER)) {
    const asked = await ask(stage, bytes, nodes.length);
    const committed = await chain.mine(commit(stage, asked, nodes, outputOf(bytes)));
    const opened = await chain.mine(openCommitted(stage, asked, nodes, outputOf(bytes)));
    figures[`quorum3of${size}`] = ratioOf(stage, committed, opened);
  }
  return figures;
}
