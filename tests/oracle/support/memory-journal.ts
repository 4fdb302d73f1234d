import type { Hex } from "../../../protocol/bytes.ts";
import type { BlockId, ChainRange } from "../../../oracle/chain/chain-reader.ts";
import type { ChainJournal } from "../../../oracle/chain/chain-source.ts";

/** What a chain source tells its journal, in memory: blocks in order, and the events of those that are still there. */
export class MemoryJournal implements ChainJournal {
  ours = true;
  blocks: BlockId[] = [];
  events: { readonly block: number; readonly topic: Hex }[] = [];
  readonly rollbacks: (number | undefined)[] = [];

  isOurs(): boolean {
    return this.ours;
  }

  storedBlocks(limit: number, below = Infinity): Promise<BlockId[]> {
    return Promise.resolve(
      this.blocks
        .filter(({ number }) => number < below)
        .reverse()
        .slice(0, limit),
    );
  }

  rollback(ancestor: BlockId | undefined): Promise<void> {
    const above = ancestor?.number ?? -1;
    this.rollbacks.push(ancestor?.number);
    this.blocks = this.blocks.filter(({ number }) => number <= above);
    this.events = this.events.filter(({ block }) => block <= above);
    return Promise.resolve();
  }

  append(range: ChainRange): Promise<void> {
    this.blocks.push(...range.headers.map(({ number, hash }) => ({ number, hash })));
    this.events.push(
      ...range.logs.map(({ blockNumber, topics }) => ({ block: blockNumber, topic: topics[0] ?? "0x" })),
    );
    return Promise.resolve();
  }
}
