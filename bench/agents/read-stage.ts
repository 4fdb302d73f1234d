/** A local chain with what agents read most: a token, a price feed behind its proxy, and Uniswap v3 with its own quoter. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  ContractFactory,
  JsonRpcProvider,
  MaxUint256,
  NonceManager,
  ZeroAddress,
  type Contract,
  type Interface,
  type InterfaceAbi,
} from "ethers";
import { TreasuryToken__factory } from "../../contracts/bindings/index.ts";
import { startAnvil } from "../../devnet/anvil.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { BlockDescription, verifyBlock } from "../../runtime/evm/block-header.ts";
import {
  provenCall,
  type CallOutcome,
  type ShownAccount,
  type StateCall,
} from "../../runtime/evm/proven-call.ts";
import { showState } from "../../runtime/evm/show-state.ts";
import { compileSource } from "../../tests/support/compile-source.ts";

export type ReadName = "balanceOf" | "latestRoundData" | "uniswapQuote" | "uniswapQuoteCrossingTicks";

export interface ReadStage {
  readonly block: BlockDescription;
  readonly calls: Readonly<Record<ReadName, StateCall>>;
  /** Of JSON-RPC; null where the server gave no result. */
  readonly ask: (method: string, params: readonly unknown[]) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

export const CHAIN_ID = 31_337n;
const ONE = 10n ** 18n;
const SUPPLY = 10n ** 30n;
const LIQUIDITY = 1_000n * ONE;
const FAR_FUTURE = 2n ** 40n;
/** Of the pool, in hundredths of a basis point. */
const POOL_FEE = 3_000;
/** A price of 1, as the square root times 2^96. */
const EVEN_PRICE = 2n ** 96n;
/** Ticks between which liquidity lies: a large trade leaves the inner ones. */
const RANGES = [
  [-6_000, 6_000],
  [-600, 600],
  [-1_200, -60],
  [60, 1_200],
] as const;
const CROSSING = 3_000n * ONE;

interface PublishedContract {
  readonly abi: InterfaceAbi;
  readonly bytecode: string;
}

const require = createRequire(import.meta.url);
const POOL_FACTORY =
  require("@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json") as PublishedContract;
const POSITIONS =
  require("@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json") as PublishedContract;
const QUOTER =
  require("@uniswap/v3-periphery/artifacts/contracts/lens/QuoterV2.sol/QuoterV2.json") as PublishedContract;

const send = async (contract: Contract, name: string, args: readonly unknown[]): Promise<void> => {
  const sent = (await contract.getFunction(name)(...args)) as { wait: () => Promise<unknown> };
  await sent.wait();
};

/** With rounds behind it. */
async function createFeed(owner: NonceManager): Promise<Contract> {
  const source = readFileSync(new URL("PriceFeed.sol", import.meta.url), "utf8");
  const deploy = async (name: string, args: readonly string[]): Promise<Contract> => {
    const { abi, bytecode } = compileSource(source, name);
    return (await new ContractFactory(abi, bytecode, owner).deploy(...args)) as Contract;
  };
  const aggregator = await deploy("PriceAggregator", []);
  for (const answer of [3_000n, 3_001n, 2_999n]) await send(aggregator, "push", [answer * 10n ** 8n]);
  return await deploy("PriceFeed", [await aggregator.getAddress()]);
}

/** A pool of the two tokens with liquidity in it, and calls that quote a small trade and one that crosses ticks. */
async function createPool(owner: NonceManager, tokens: readonly Contract[]): Promise<readonly StateCall[]> {
  const deploy = async (
    { abi, bytecode }: PublishedContract,
    ...args: readonly string[]
  ): Promise<Contract> => {
    return (await new ContractFactory(abi, bytecode, owner).deploy(...args)) as Contract;
  };
  const factory = await (await deploy(POOL_FACTORY)).getAddress();
  const positions = await deploy(POSITIONS, factory, ZeroAddress, ZeroAddress);
  const quoter = await deploy(QUOTER, factory, ZeroAddress);
  const at = (await Promise.all(tokens.map((token) => token.getAddress()))).sort((a, b) =>
    a.toLowerCase() < b.toLowerCase() ? -1 : 1,
  );
  await send(positions, "createAndInitializePoolIfNecessary", [...at, POOL_FEE, EVEN_PRICE]);
  const holder = await owner.getAddress();
  for (const token of tokens) await send(token, "approve", [await positions.getAddress(), MaxUint256]);
  for (const range of RANGES) {
    await send(positions, "mint", [
      [...at, POOL_FEE, ...range, LIQUIDITY, LIQUIDITY, 0, 0, holder, FAR_FUTURE],
    ]);
  }
  const to = (await quoter.getAddress()).toLowerCase() as Hex;
  return [ONE, CROSSING].map((amount) => ({
    to,
    data: quoter.interface.encodeFunctionData("quoteExactInputSingle", [[...at, amount, POOL_FEE, 0]]) as Hex,
  }));
}

/** Deploys all of them, and mines the block that is read. */
export async function startReadStage(): Promise<ReadStage> {
  const anvil = await startAnvil();
  const provider = new JsonRpcProvider(anvil.url, undefined, { cacheTimeout: -1, pollingInterval: 10 });
  const owner = new NonceManager(await provider.getSigner(0));
  const holder = await owner.getAddress();
  const token = await new TreasuryToken__factory(owner).deploy(holder, SUPPLY);
  const other = await new TreasuryToken__factory(owner).deploy(holder, SUPPLY);
  const feed = await createFeed(owner);
  const quotes = await createPool(owner, [token as unknown as Contract, other as unknown as Contract]);
  await provider.send("evm_mine", []);

  const ask = async (method: string, params: readonly unknown[]): Promise<unknown> =>
    await provider.send(method, [...params]).catch(() => null);
  const call = async (
    contract: { getAddress: () => Promise<string>; interface: Interface },
    name: string,
    args: readonly unknown[],
  ): Promise<StateCall> => ({
    to: (await contract.getAddress()).toLowerCase() as Hex,
    data: contract.interface.encodeFunctionData(name, args) as Hex,
  });
  const [uniswapQuote, uniswapQuoteCrossingTicks] = quotes;
  if (uniswapQuote === undefined || uniswapQuoteCrossingTicks === undefined)
    throw new Error("nothing is quoted");
  return {
    block: BlockDescription.parse(await ask("eth_getBlockByNumber", ["latest", false])),
    calls: {
      balanceOf: await call(token, "balanceOf", [holder]),
      latestRoundData: await call(feed, "latestRoundData", []),
      ...{ uniswapQuote, uniswapQuoteCrossingTicks },
    },
    ask,
    stop: async () => {
      provider.destroy();
      await anvil.stop();
    },
  };
}

/** What a server has to show of the stage's state for a call to end, and how it ends. */
export async function showCall(
  { block, ask }: Pick<ReadStage, "block" | "ask">,
  call: StateCall,
): Promise<{ readonly outcome: CallOutcome; readonly shown: readonly ShownAccount[] }> {
  const header = verifyBlock(block);
  let last: readonly ShownAccount[] = [];
  const outcome = await showState(call, {
    number: header.number,
    ask,
    run: (shown) => provenCall({ header, chainId: CHAIN_ID }, call, (last = shown)),
  });
  return { outcome, shown: last };
}
