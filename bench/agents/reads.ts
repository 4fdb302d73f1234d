/** What a proven read costs the enclave, and whoever replays it: the machine and the proofs, without the server's time. */

import type { Hex } from "../../protocol/bytes.ts";
import { verifyBlock } from "../../runtime/evm/block-header.ts";
import { provenCall } from "../../runtime/evm/proven-call.ts";
import { StateProof, verifyAccount, verifySlot } from "../../runtime/evm/proven-state.ts";
import { CHAIN_ID, showCall, startReadStage, type ReadName, type ReadStage } from "./read-stage.ts";
import { median } from "./timing.ts";

const RUNS = 15;
const PROOFS = 2_000;
/** Of the token: its supply. */
const SLOT: Hex = `0x${"00".repeat(31)}02`;

export interface ReadFigures {
  /** Accounts with one slot each, both proven. */
  readonly proofsPerSecond: number;
  /** Milliseconds of one call: every proof checked, and the code run. */
  readonly callMs: Readonly<Record<ReadName, number>>;
}

async function measureProofs({ block, calls, ask }: ReadStage): Promise<number> {
  const { to } = calls.balanceOf;
  const { stateRoot, number } = verifyBlock(block);
  const shown = await ask("eth_getProof", [to, [SLOT], `0x${number.toString(16)}`]);
  const { accountProof, storageProof } = StateProof.parse(shown);
  const before = performance.now();
  for (let count = 0; count < PROOFS; count += 1) {
    const { storageRoot } = verifyAccount(stateRoot, to, accountProof);
    verifySlot(storageRoot, SLOT, storageProof[0]?.proof ?? []);
  }
  return Math.round((PROOFS * 1_000) / (performance.now() - before));
}

export async function measureReads(): Promise<ReadFigures> {
  const stage = await startReadStage();
  try {
    const header = verifyBlock(stage.block);
    const callMs: Partial<Record<ReadName, number>> = {};
    for (const [name, call] of Object.entries(stage.calls)) {
      const { outcome, shown } = await showCall(stage, call);
      if (outcome.kind !== "returned") throw new Error(`${name} ${outcome.kind}`);
      callMs[name as ReadName] = await median(RUNS, () =>
        Promise.resolve(provenCall({ header, chainId: CHAIN_ID }, call, shown)),
      );
    }
    return {
      proofsPerSecond: await measureProofs(stage),
      callMs: callMs as Record<ReadName, number>,
    };
  } finally {
    await stage.stop();
  }
}
