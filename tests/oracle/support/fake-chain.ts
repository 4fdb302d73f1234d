import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { concatBytes, fromHex, type Hex, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { keccak } from "../../../protocol/struct-hash.ts";

export interface FakeBlock {
  readonly number: number;
  readonly hash: Hex;
  readonly parentHash: Hex;
  readonly logs: readonly Hex[];
}

export const STRANGER: Hex = `0x${"5a".repeat(20)}`;
export const WATCHED: Hex = `0x${"c0".repeat(20)}`;
const GENESIS: Hex = `0x${"00".repeat(32)}`;

/** A chain in memory behind JSON-RPC over HTTP, with forks and faults on demand. */
export class FakeChain {
  blocks: FakeBlock[] = [];
  chainId = 1;
  /** Blocks that it gives the logs of at once. */
  widestRange = Infinity;
  /** Answers with HTTP 503 while true. */
  down = false;
  /** Says "no logs" for these blocks, whatever they hold. */
  readonly unindexed = new Set<Hex>();
  /** Topics of events that another contract emits, in blocks whose bloom filter contains these two by chance. */
  readonly foreign = new Map<Hex, Hex>();
  /** Runs before each reply: reorganise the chain in the middle of a read. */
  onCall: (method: string) => void = () => undefined;
  readonly calls: string[] = [];
  /** Numbers of blocks whose headers were asked for, in hex; the newest is asked for as "latest", and not here. */
  readonly headers: string[] = [];
  #forks = 0;
  #server = createServer();

  /** Adds blocks on top; `logs` names the events of each. */
  mine(...logsOfBlocks: readonly (readonly string[])[]): void {
    for (const names of logsOfBlocks) {
      const parent = this.blocks[this.blocks.length - 1];
      const number = parent === undefined ? 0 : parent.number + 1;
      const hash = keccak(
        toUtf8(`fork ${this.#forks} block ${number} ${parent?.hash ?? ""} ${names.join()}`),
      );
      const logs = names.map((name) => keccak(toUtf8(name)));
      this.blocks.push({ number, hash, parentHash: parent?.hash ?? GENESIS, logs });
    }
  }

  /** Drops the last `depth` blocks; what is mined next has other hashes. */
  reorg(depth: number): void {
    this.#forks += 1;
    this.blocks.length -= depth;
  }

  async listen(): Promise<string> {
    this.#server = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (part: string) => (text += part));
      request.on("end", () => {
        if (this.down) {
          response.writeHead(503).end();
          return;
        }
        const body = JSON.parse(text) as RpcBody | RpcBody[];
        const replies = [body].flat().map((call) => ({ jsonrpc: "2.0", id: call.id, ...this.#reply(call) }));
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(Array.isArray(body) ? replies : replies[0]));
      });
    });
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #reply(call: RpcBody): object {
    this.calls.push(call.method);
    this.onCall(call.method);
    return this.#isTooWide(call)
      ? { error: { code: -32_602, message: "query exceeds max block range" } }
      : { result: this.#result(call) };
  }

  #isTooWide({ params: [filter] }: RpcBody): boolean {
    const { fromBlock, toBlock } = (filter ?? {}) as {
      readonly fromBlock?: string;
      readonly toBlock?: string;
    };
    return Number.parseInt(toBlock ?? "0", 16) - Number.parseInt(fromBlock ?? "0", 16) >= this.widestRange;
  }

  #result({ method, params }: RpcBody): unknown {
    switch (method) {
      case "eth_chainId":
        return `0x${this.chainId.toString(16)}`;
      case "eth_getBlockByNumber": {
        const [tag] = params as [string];
        if (tag !== "latest") this.headers.push(tag);
        const block = tag === "latest" ? this.blocks.at(-1) : this.blocks[Number.parseInt(tag, 16)];
        return block === undefined ? null : toHeader(block);
      }
      case "eth_getLogs": {
        const [filter] = params as [
          { address?: Hex[]; blockHash?: Hex; fromBlock?: string; toBlock?: string },
        ];
        const inRange = (block: FakeBlock): boolean =>
          filter.blockHash === undefined
            ? block.number >= Number.parseInt(filter.fromBlock ?? "", 16) &&
              block.number <= Number.parseInt(filter.toBlock ?? "", 16)
            : block.hash === filter.blockHash;
        return this.blocks
          .filter((block) => inRange(block) && !this.unindexed.has(block.hash))
          .flatMap((block) => toLogs(block, this.foreign))
          .filter(({ address }) => filter.address?.includes(address) !== false);
      }
      default:
        throw new Error(`the fake chain knows no ${method}`);
    }
  }
}

interface RpcBody {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

function toHeader(block: FakeBlock): object {
  return {
    number: `0x${block.number.toString(16)}`,
    hash: block.hash,
    parentHash: block.parentHash,
    timestamp: `0x${(1_700_000_000 + block.number).toString(16)}`,
    logsBloom: block.logs.length === 0 ? `0x${"00".repeat(256)}` : bloomOf(WATCHED, STRANGER),
    baseFeePerGas: "0x1",
  };
}

function toLogs(block: FakeBlock, foreign: ReadonlyMap<Hex, Hex>): { readonly address: Hex }[] {
  return block.logs.map((topic, index) => ({
    address: foreign.get(topic) ?? WATCHED,
    topics: [topic],
    data: "0x",
    blockNumber: `0x${block.number.toString(16)}`,
    blockHash: block.hash,
    transactionHash: keccak(concatBytes(fromHex(topic), fromHex(block.hash))),
    logIndex: `0x${index.toString(16)}`,
  }));
}

/** The bloom of some values: Ethereum Yellow Paper §4.4.3. */
function bloomOf(...values: readonly Hex[]): Hex {
  const bits = new Uint8Array(256);
  for (const value of values) {
    const hash = fromHex(keccak(fromHex(value)));
    for (const at of [0, 2, 4]) {
      const bit = ((hash[at]! << 8) | hash[at + 1]!) & 0x7ff;
      bits[255 - (bit >> 3)]! |= 1 << (bit & 7);
    }
  }
  return toHex(bits);
}

export function topicOf(name: string): Hex {
  return keccak(toUtf8(name));
}
