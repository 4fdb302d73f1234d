/**
 * Judging receipts, for the package's interface: their code, with its curves and COSE, is loaded with the first receipt, so
 * that a page which judges evidence alone does not pay for it.
 */

import type { JudgeCoseReceiptOptions } from "../verdict/judge-cose-receipt.ts";
import type { JudgeReceiptOptions } from "../verdict/judge-receipt.ts";
import type { Verdict } from "../verdict/verdict.ts";
import type { VerifiedReceipt } from "./verify-receipt.ts";

/** As `verifyReceipt` of its own room. */
export async function verifyReceipt(file: Uint8Array): Promise<VerifiedReceipt> {
  const room = await import("./verify-receipt.ts");
  return await room.verifyReceipt(file);
}

/** Judges a receipt's file. Never throws for one, however bad: what is wrong with it is in the verdict. */
export async function judgeReceipt(file: Uint8Array, options: JudgeReceiptOptions): Promise<Verdict> {
  const room = await import("../verdict/judge-receipt.ts");
  return await room.judgeReceipt(file, options);
}

/** Judges a receipt's COSE twin, and the receipt that shows what its hashes stand for. */
export async function judgeCoseReceipt(file: Uint8Array, options: JudgeCoseReceiptOptions): Promise<Verdict> {
  const room = await import("../verdict/judge-cose-receipt.ts");
  return await room.judgeCoseReceipt(file, options);
}
