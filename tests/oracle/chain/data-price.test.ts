/** What rollups charge for bytes, by replies in the form in which nitro and op-geth give them. */

import { beforeEach, describe, expect, test } from "vitest";
import { DataPricing } from "../../../oracle/chain/data-price.ts";
import { chainAdapterInterface, registryInterface } from "../../../oracle/chain/contracts/contracts.ts";
import { BlockHeader } from "../../../oracle/chain/rpc/block.ts";
import { RpcEndpoint } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { tapRpc } from "../support/rpc-tap.ts";
import { word } from "../support/requests.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
const REGISTRY: Hex = `0x${"0e".repeat(20)}`;
const ADAPTER: Hex = `0x${"ad".repeat(20)}`;
const ARB_SYS = "0x0000000000000000000000000000000000000064";
const GWEI = 10n ** 9n;

/** Nitro: blocks of a fourth of a second, a limit beyond 2^50, base fee 0.01 gwei. */
const ARBITRUM_BLOCK = {
  ...{ number: "0x1a2b3c4d", hash: word(1), parentHash: word(2), timestamp: "0x6912a1f0" },
  ...{ baseFeePerGas: "0x989680", gasLimit: "0x4000000000000", gasUsed: "0x3d0f6", difficulty: "0x1" },
  ...{ l1BlockNumber: "0x16e3a51", sendCount: "0x2a1c5", sendRoot: word(3), mixHash: word(4) },
};
/** op-geth: base fee 0.005 gwei. */
const OP_BLOCK = {
  ...{ number: "0x8a1b2c3", hash: word(1), parentHash: word(2), timestamp: "0x6912a1f0" },
  ...{ baseFeePerGas: "0x4c4b40", gasLimit: "0x3938700", gasUsed: "0x1e8480", withdrawalsRoot: word(5) },
  ...{ blobGasUsed: "0x0", excessBlobGas: "0x0", parentBeaconBlockRoot: word(6), requestsHash: word(7) },
};

interface Chain {
  readonly adapter: Hex;
  readonly arbSys: Hex;
  readonly dataFee: (bytes: bigint) => bigint;
}

let asked: string[];
let now: number;

beforeEach(() => {
  asked = [];
  now = 0;
});

async function withPricing(chain: Chain, body: (pricing: DataPricing) => Promise<void>): Promise<void> {
  const tap = await tapRpc({
    answer: ({ method, params: [first] }) => {
      const { to = "", data = "0x" } = first as { to?: string; data?: Hex };
      asked.push(method === "eth_call" ? (to === REGISTRY ? "CHAIN" : "dataFee") : method);
      if (method === "eth_getCode") return { result: first === ARB_SYS ? chain.arbSys : "0x" };
      if (to === REGISTRY) {
        expect(data).toBe(registryInterface.encodeFunctionData("CHAIN"));
        return { result: `0x${chain.adapter.slice(2).padStart(64, "0")}` };
      }
      const [bytes] = chainAdapterInterface.decodeFunctionData("dataFee", data) as unknown as [bigint];
      return { result: `0x${chain.dataFee(bytes).toString(16).padStart(64, "0")}` };
    },
  });
  const endpoint = new RpcEndpoint({ url: tap.url, timeoutMs: 5_000, log, now: () => 0 });
  const rpc = new RpcPool({ endpoints: [endpoint], log, now: () => 0 });
  try {
    await body(new DataPricing({ rpc, registry: REGISTRY, now: () => now }));
  } finally {
    await tap.close();
  }
}

/** ArbitrumAdapter: 16 gas of the parent chain a byte, at 3 gwei. */
const ARBITRUM: Chain = {
  ...{ adapter: ADAPTER, arbSys: "0xfe" },
  dataFee: (bytes) => 48n * GWEI * (bytes + 160n),
};
/** OptimismAdapter: `getL1FeeUpperBound`, a line with a floor. */
const OP: Chain = {
  ...{ adapter: ADAPTER, arbSys: "0x" },
  dataFee: (bytes) => (bytes < 200n ? 2_000n : 10n * bytes) * GWEI,
};
const ETHEREUM: Chain = { adapter: `0x${"00".repeat(20)}`, arbSys: "0x", dataFee: () => 0n };

describe("the bytes of a transaction cost", () => {
  test("on Arbitrum gas within its limit: enough for the parent chain's price, also when that rises by a half", async () => {
    const head = BlockHeader.parse(ARBITRUM_BLOCK);
    await withPricing(ARBITRUM, async (pricing) => {
      const price = await pricing.read(head);
      for (const bytes of [0, 1_300, 100_000]) {
        const fee = ARBITRUM.dataFee(BigInt(bytes));
        const gas = BigInt(price.gas(bytes)) * (head.baseFeePerGas ?? 0n);
        expect(gas).toBeGreaterThanOrEqual((fee * 3n) / 2n);
        expect(gas).toBeLessThan((fee * 16n) / 10n);
        expect(price.wei(bytes)).toBe(0n);
      }
      // Above what executing a settlement takes: a limit without it is "intrinsic gas too low".
      expect(price.gas(1_300)).toBeGreaterThan(5_000_000);
    });
  });

  test("on OP Stack chains ether beside the gas, never less than the chain's bound", async () => {
    await withPricing(OP, async (pricing) => {
      const price = await pricing.read(BlockHeader.parse(OP_BLOCK));
      for (const bytes of [0, 100, 1_300, 131_072, 200_000]) {
        expect(price.wei(bytes)).toBeGreaterThanOrEqual(OP.dataFee(BigInt(bytes)));
        expect(price.gas(bytes)).toBe(0);
      }
    });
  });

  test("nothing more where the contracts have no adapter, and nothing more is asked then", async () => {
    await withPricing(ETHEREUM, async (pricing) => {
      for (let time = 0; time < 100_000; time += 10_000) {
        now = time;
        const price = await pricing.read(BlockHeader.parse(OP_BLOCK));
        expect([price.gas(1_300), price.wei(1_300)]).toEqual([0, 0n]);
      }
      expect(asked).toEqual(["CHAIN"]);
    });
  });

  test("what they cost now: read anew every few seconds, the chain's rules once", async () => {
    let perByte = GWEI;
    const rising: Chain = { ...ARBITRUM, dataFee: (bytes) => perByte * (bytes + 160n) };
    const head = BlockHeader.parse(ARBITRUM_BLOCK);
    await withPricing(rising, async (pricing) => {
      const before = (await pricing.read(head)).gas(1_000);
      perByte *= 10n;
      expect((await pricing.read(head)).gas(1_000)).toBe(before);
      now += 3_001;
      const after = (await pricing.read(head)).gas(1_000);
      expect(Math.round(after / before)).toBe(10);
      expect(asked).toEqual(["CHAIN", "eth_getCode", ...Array<string>(4).fill("dataFee")]);
    });
  });
});
