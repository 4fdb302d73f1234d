/**
 * The same question through the local network of `@chainlink/functions-toolkit`, whose nodes are simulated in this process:
 * a block for each transaction, looked at as often as our oracle looks, and the answer taken when its event is there.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id, keccak256 } from "ethers";
import { connectLocally, localAddress, localSigner, localWallet } from "../../devnet/local-accounts.ts";
import { PlainFunctionsConsumer__factory } from "../../contracts/bindings/factories/index.ts";
import { FunctionsClient } from "../../oracle/functions/client.ts";
import {
  checkDeno,
  loadFunctionsToolkit,
  type LoadedToolkit,
  type LocalFunctionsTestnet,
} from "../../oracle/functions/toolkit.ts";
import { toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { encodeOutput } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { startAnvil } from "../../devnet/anvil.ts";
import { LOCAL_CHAIN_ID, LocalAccount } from "../../devnet/local-chain.ts";
import { plainSource, startPlainModel } from "../functions/plain.ts";
import { fallOutOfStep, percentiles, watch, type Percentiles } from "./latency.ts";
import { POLL_MS } from "./processes.ts";

const QUESTION = "What is 1 + 1?";
const ANSWER = "1 + 1 = 2";
const WARM_UP = 3;
/** 1,000 LINK of the local token. */
const SUBSCRIPTION_JUELS = 1_000n * 10n ** 18n;
/** Wei: above what the toolkit's nodes pay, or the router finds the request's estimate too small. */
const GAS_PRICE = 5_000_000_000n;
/** `RequestProcessed` of Chainlink's router. */
const PROCESSED = "RequestProcessed(bytes32,uint64,uint96,address,uint8,bytes,bytes,bytes)";

export async function measurePeerLatency(rounds: number): Promise<Percentiles> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-bench-peer-"));
  // The toolkit writes to stdout, which is for the result.
  console.log = console.info = console.error;
  const anvil = await startAnvil();
  const model = await startPlainModel(toHex(encodeOutput(parseOutputType("(string answer)"), [ANSWER])));
  const loaded = loadFunctionsToolkit();
  checkDeno();
  const testnet = await startTestnet(loaded, anvil.url, folder);
  try {
    return await measure({ loaded, testnet, rpcUrl: anvil.url, modelUrl: model.url }, rounds);
  } finally {
    testnet.functionsRouterContract.provider.removeAllListeners();
    await testnet.close();
    model.stop();
    await anvil.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startTestnet(
  { toolkit }: LoadedToolkit,
  rpcUrl: string,
  folder: string,
): Promise<LocalFunctionsTestnet> {
  const configFile = join(folder, "functions-simulation.json");
  writeFileSync(configFile, JSON.stringify({ secrets: {}, maxExecutionTimeMs: 60_000 }));
  // `attach`: the stand-in for ganache starts no chain, since there is one (tools/ganache-on-anvil).
  const port = Number(new URL(rpcUrl).port);
  const testnet = await toolkit.startLocalFunctionsTestnet(configFile, { attach: true }, port);
  testnet.functionsRouterContract.provider.pollingInterval = POLL_MS;
  return testnet;
}

interface Peer {
  readonly loaded: LoadedToolkit;
  readonly testnet: LocalFunctionsTestnet;
  readonly rpcUrl: string;
  readonly modelUrl: string;
}

async function measure({ loaded, testnet, rpcUrl, modelUrl }: Peer, rounds: number): Promise<Percentiles> {
  const router = testnet.functionsRouterContract.address.toLowerCase() as Hex;
  const client = new FunctionsClient({
    loaded,
    rpcUrl,
    privateKey: localWallet(LocalAccount.deployer).privateKey,
    router,
    linkToken: testnet.linkTokenContract.address.toLowerCase() as Hex,
    donId: testnet.donId,
    pollMs: POLL_MS,
  });
  const subscriptionId = await client.createSubscription(SUBSCRIPTION_JUELS);
  const provider = connectLocally(rpcUrl, LOCAL_CHAIN_ID);
  try {
    const consumer = await new PlainFunctionsConsumer__factory(
      localSigner(provider, LocalAccount.asker),
    ).deploy(router, loaded.ethers.utils.formatBytes32String(testnet.donId), subscriptionId);
    await consumer.waitForDeployment();
    const to = (await consumer.getAddress()).toLowerCase() as Hex;
    await client.addConsumer(subscriptionId, to);
    const data = consumer.interface.encodeFunctionData("ask", [
      plainSource(modelUrl),
      toHex(toUtf8(QUESTION)),
    ]);
    const topic = id(PROCESSED);
    const samples: number[] = [];
    for (let round = -WARM_UP; round < rounds; round += 1) {
      await fallOutOfStep(round);
      const before = await provider.getBlockNumber();
      const started = performance.now();
      await provider.send("eth_sendTransaction", [
        {
          from: localAddress(LocalAccount.asker),
          to,
          data,
          gas: quantity(1_000_000),
          gasPrice: quantity(GAS_PRICE),
        },
      ]);
      await watch(async () => {
        const filter = { address: router, topics: [topic], fromBlock: quantity(before) };
        const logs = (await provider.send("eth_getLogs", [filter])) as readonly {
          readonly blockNumber: string;
        }[];
        return logs.some(({ blockNumber }) => Number(blockNumber) > before);
      });
      if (round >= 0) samples.push(performance.now() - started);
    }
    const response = await consumer.lastHash();
    if (response === keccak256("0x")) throw new Error("the nodes brought an error instead of an answer");
    return percentiles(samples);
  } finally {
    provider.destroy();
  }
}

function quantity(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
