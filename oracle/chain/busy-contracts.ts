import type { Hex } from "../../protocol/bytes.ts";
import type { BlockHeader, Log } from "./rpc/block.ts";
import { bloomMayContain } from "./bloom.ts";

/**
 * Contracts that emit events in nearly every block of a chain. Asked for together with those that are watched, their events
 * show that the server has the logs of a block, and no further question is needed.
 */
export class BusyContracts {
  /** Those that every block learned from had events of; the ones with the fewest first. */
  #addresses: readonly Hex[] = [];

  /** One that may have events in each of these blocks, with as few as possible; `undefined` while none is known. */
  find(blocks: readonly BlockHeader[]): Hex | undefined {
    return this.#addresses.find((address) =>
      blocks.every(({ logsBloom }) => logsBloom !== undefined && bloomMayContain(logsBloom, address)),
    );
  }

  /** Takes note of all the logs of a block: who is not among them is forgotten, unless nobody would be left. */
  learn(logs: readonly Log[]): void {
    const events = Map.groupBy(logs, ({ address }) => address);
    const still = this.#addresses.filter((address) => events.has(address));
    const count = (address: Hex): number => events.get(address)?.length ?? 0;
    this.#addresses = (still.length > 0 ? still : [...events.keys()]).sort((a, b) => count(a) - count(b));
  }
}
