/**
 * `npm run -s bench:functions -- --json [--requests N]`: the road through Chainlink Functions beside a plain Functions request of
 * the same question, one after the other, on the toolkit's local network over anvil with a block for each transaction.
 *
 * The plain one believes its nodes: its script asks a model without TLS and brings the ABI-encoded answer. Gas is that of the whole
 * transaction that fulfils, the toolkit's, which checks no node's signature. Latency is from the request's block to the fulfilment's,
 * as this process sees them; it is mostly deno's start, four times, and so this machine's load.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { ContractTransactionResponse, JsonRpcProvider } from "ethers";
import { readEnvironment } from "../devnet/config.ts";
import { startLocalFunctions, type LocalFunctions } from "../cli/functions/local.ts";
import { LocalAccount } from "../devnet/local-chain.ts";
import { localSigner } from "../devnet/local-accounts.ts";
import { startNetwork, type LocalNetwork } from "../devnet/start.ts";
import {
  FunctionsBenchConsumer__factory,
  PlainFunctionsConsumer__factory,
} from "../contracts/bindings/factories/index.ts";
import { toHex, type Hex } from "../protocol/bytes.ts";
import { encodeOutput } from "../protocol/output-abi.ts";
import { parseOutputType } from "../protocol/output-type.ts";
import { encodePayload, PayloadType } from "../protocol/payload.ts";
import { PROVIDER_DEFAULT_SAMPLING } from "../protocol/prompt.ts";
import { plainSource, startPlainModel } from "./functions/plain.ts";

const QUESTION = "I hate you, idiot";
const TYPE = "(bool flagged, uint8 severity 0..10, string reason)";
/** What the stand-in says of it, for the plain road. */
const REASON = "the text is hateful (rule of the stand-in)";
/** Wei: above what the toolkit's nodes pay, or the router finds the request's estimate too small. */
const GAS_PRICE = 5_000_000_000n;
const TIMEOUT_MS = 120_000;
const FALLBACK_WINDOW_SECONDS = 60;

interface Sample {
  readonly ms: number;
  readonly gas: number;
}

interface Stage {
  readonly functions: LocalFunctions;
  readonly provider: JsonRpcProvider;
}

const { values } = parseArgs({
  options: { json: { type: "boolean" }, requests: { type: "string", default: "10" } },
});
const report = await bench(Number(values.requests));
process.stdout.write(`${JSON.stringify(report, null, values.json === true ? 0 : 2)}\n`);
process.exit(0);

async function bench(requests: number): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-bench-functions-"));
  console.log = console.info = console.error;
  const network = await startNetwork({
    environment: readEnvironment(),
    folder: join(folder, "network"),
    now: () => Math.floor(Date.now() / 1000),
    signal: new AbortController().signal,
    onStep: () => undefined,
  });
  const model = await startPlainModel(toHex(encodeOutput(parseOutputType(TYPE), [true, 7n, REASON])));
  try {
    const functions = await startLocalFunctions({
      network: network.file,
      folder,
      now: () => Date.now(),
      onStep: () => undefined,
    });
    try {
      await network.provider.send("evm_setIntervalMining", [0]);
      await network.provider.send("evm_setAutomine", [true]);
      return await measure({ functions, provider: network.provider }, network, model.url, requests);
    } finally {
      await functions.stop();
    }
  } finally {
    model.stop();
    await network.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  stage: Stage,
  network: LocalNetwork,
  modelUrl: string,
  requests: number,
): Promise<object> {
  const { file, client, loaded } = stage.functions;
  const signer = localSigner(stage.provider, LocalAccount.asker);
  const donId = loaded.ethers.utils.formatBytes32String(file.donId);
  const ours = await new FunctionsBenchConsumer__factory(signer).deploy(
    file.router,
    network.file.contracts.enclaveRegistry,
    file.policyId,
    donId,
    file.subscriptionId,
    FALLBACK_WINDOW_SECONDS,
  );
  const plain = await new PlainFunctionsConsumer__factory(signer).deploy(
    file.router,
    donId,
    file.subscriptionId,
  );
  for (const consumer of [ours, plain]) {
    await consumer.waitForDeployment();
    await client.addConsumer(file.subscriptionId, (await consumer.getAddress()) as Hex);
  }
  const payload = toHex(questionPayload(file.model));
  const source = plainSource(modelUrl);
  const argument = toHex(new TextEncoder().encode(QUESTION));
  const samples: { readonly ours: Sample[]; readonly plain: Sample[] } = { ours: [], plain: [] };
  // The first of each is not counted: it fills caches, and slots that were empty.
  for (let round = -1; round < requests; round += 1) {
    const own = await fulfil(stage, () => ours.ask(payload, { gasPrice: GAS_PRICE }));
    const other = await fulfil(stage, () => plain.ask(source, argument, { gasPrice: GAS_PRICE }));
    if (round < 0) continue;
    samples.ours.push(own);
    samples.plain.push(other);
  }
  const callbackGas = median(samples.ours.map(({ gas }) => gas));
  const plainFunctionsCallbackGas = median(samples.plain.map(({ gas }) => gas));
  return {
    latencyMs: percentiles(samples.ours),
    plainFunctionsLatencyMs: percentiles(samples.plain),
    callbackGas,
    plainFunctionsCallbackGas,
    extraGas: callbackGas - plainFunctionsCallbackGas,
    requests,
  };
}

async function fulfil(
  { functions, provider }: Stage,
  send: () => Promise<ContractTransactionResponse>,
): Promise<Sample> {
  const receipt = await (await send()).wait();
  if (receipt === null) throw new Error("the request was not mined");
  const started = performance.now();
  // The router's `RequestStart` names its id first, and is its only event here with four topics.
  const requestStart = receipt.logs.find(
    ({ address, topics }) => address.toLowerCase() === functions.file.router && topics.length === 4,
  );
  const functionsRequestId = requestStart?.topics[1] as Hex;
  const fulfillment = await functions.client.awaitFulfillment(
    functionsRequestId,
    receipt.blockNumber,
    AbortSignal.timeout(TIMEOUT_MS),
  );
  const ms = Math.round(performance.now() - started);
  if (fulfillment.result !== "fulfilled" || fulfillment.error !== "")
    throw new Error(`not fulfilled: ${fulfillment.result} ${fulfillment.error}`);
  const transaction = await provider.getTransactionReceipt(fulfillment.transactionHash);
  return { ms, gas: Number(transaction?.gasUsed ?? 0n) };
}

function questionPayload(model: string): Uint8Array {
  return encodePayload({
    type: PayloadType.inference,
    prompt: {
      models: [model],
      panelRule: 0,
      panelQuorum: 0,
      messages: [{ role: 2, content: QUESTION }],
      maxOutputTokens: 256,
      sampling: PROVIDER_DEFAULT_SAMPLING,
      format: { kind: 4, schema: TYPE, choices: [] },
      parts: [],
    },
  });
}

function percentiles(samples: readonly Sample[]): { readonly p50: number; readonly p95: number } {
  const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
