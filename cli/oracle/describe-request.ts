import * as z from "zod";
import { printableLine } from "../terminal.ts";

export const ListedRequest = z.object({
  requestId: z.string(),
  chainId: z.number(),
  phase: z.string(),
  blockNumber: z.number(),
  /** Seconds. */
  blockTime: z.number(),
  consumer: z.string(),
  reason: z.string().nullable(),
  settlement: z.object({ kind: z.string(), keysetId: z.string().nullable(), tx: z.string() }).nullable(),
});
export type ListedRequest = z.output<typeof ListedRequest>;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A request on one line: what it is, how old, whose, and what became of it or why it is not further. */
export function describeRequest(request: ListedRequest, nowSeconds: number): string {
  const { requestId, chainId, phase, blockNumber, blockTime, consumer, reason, settlement } = request;
  const end =
    settlement === null
      ? reason
      : `${settlement.kind}${settlement.keysetId === null ? "" : ` by ${settlement.keysetId}`} in ${settlement.tx}`;
  const parts = [
    requestId,
    `chain ${chainId}`,
    `block ${blockNumber}`,
    phase,
    describeAge(nowSeconds - blockTime),
  ];
  return printableLine([...parts, `for ${consumer}`, ...(end === null ? [] : [end])].join("  "));
}

function describeAge(seconds: number): string {
  const age = Math.max(0, seconds);
  if (age < MINUTE) return `${age} s old`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min old`;
  return age < DAY ? `${Math.floor(age / HOUR)} h old` : `${Math.floor(age / DAY)} d old`;
}
