import { type Log, quantity } from "./block.ts";

/** As `eth_getLogs` takes it. */
export interface LogFilter {
  readonly address: string;
  readonly topics?: readonly (string | null | readonly string[])[];
  /** Quantities or names of blocks. */
  readonly fromBlock: string;
  readonly toBlock: string;
}

/** Of a reply, what was asked for: there are servers that give logs of other contracts, topics and blocks too, and such that were removed. */
export function askedLogs(
  logs: readonly Log[],
  { address, topics = [], fromBlock, toBlock }: LogFilter,
): Log[] {
  const from = quantity.safeParse(fromBlock).data ?? 0;
  const to = quantity.safeParse(toBlock).data ?? Infinity;
  const isTopic = (given: string | undefined, wanted: string | null | readonly string[]): boolean =>
    wanted === null || (given !== undefined && [wanted].flat().some((one) => one.toLowerCase() === given));
  return logs.filter(
    (log) =>
      log.removed !== true &&
      log.address === address.toLowerCase() &&
      log.blockNumber >= from &&
      log.blockNumber <= to &&
      topics.every((wanted, place) => isTopic(log.topics[place], wanted)),
  );
}
