/**
 * Request-to-callback latency and sustained answers per second of the whole path on one machine: anvil, the enclave's
 * process, a model stand-in without delay, the oracle's process on the embedded store.
 *
 * node bench/oracle.ts [--json] [--serial N] [--burst N] [--store pglite|postgres]
 * Latency is measured serially on automine with the oracle polling every 50 ms; throughput with a block a second.
 */

import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { getCreateAddress } from "ethers";
import type { OperatorFile } from "../enclave/configuration/operator.ts";
import { startProgram } from "../cli/network/child-process.ts";
import type { RunningProgram } from "../cli/network/child-process.ts";
import { writeEnclaveFiles } from "../cli/network/enclave-files.ts";
import { chooseModel } from "../cli/network/model-choice.ts";
import type { ModelChoice } from "../cli/network/model-choice.ts";
import { programArguments } from "../cli/network/node-program.ts";
import type { Hex } from "../protocol/bytes.ts";
import { startOracleProcess, writeOracleConfig } from "../tests/oracle/support/oracle-process.ts";
import type { OracleProcess } from "../tests/oracle/support/oracle-process.ts";
import { CALLER_TOKEN } from "../tests/oracle/support/stand-in-enclave.ts";
import {
  ask,
  startTestChain,
  textPayload,
  TRANSMITTER_KEYS,
  until,
} from "../tests/oracle/support/test-chain.ts";
import type { TestChain } from "../tests/oracle/support/test-chain.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    serial: { type: "string", default: "60" },
    burst: { type: "string", default: "6000" },
  },
});
const SERIAL = Number(options.serial);
const BURST = Number(options.burst);
const WARM_UP = 5;
/** anvil's first account (its documentation) deploys; the coordinator is its fourth contract. */
const DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const COORDINATOR_NONCE = 3;
const POLL_MS = 50;
/** How often the bench itself looks for the callback. */
const WATCH_MS = 2;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

interface Stack {
  readonly chain: TestChain;
  readonly oracle: OracleProcess;
  readonly stop: () => Promise<void>;
}

async function startEnclave(
  directory: string,
  model: ModelChoice,
): Promise<{ program: RunningProgram; url: string; behaviourDigest: Hex }> {
  const files = writeEnclaveFiles(directory, {
    model,
    platform: "bench",
    chainId: 31_337n,
    coordinator: getCreateAddress({ from: DEPLOYER, nonce: COORDINATOR_NONCE }).toLowerCase() as Hex,
    payee: `0x${"fe".repeat(20)}`,
    credential: CALLER_TOKEN,
    functionsCredential: "unused",
    firstByteMs: 10_000,
  });
  const operator = JSON.parse(readFileSync(files.operatorFile, "utf8")) as OperatorFile;
  const callers = operator.callers.named.map((caller) => ({
    ...caller,
    quota: { requestsPerMinute: 1_000_000, concurrent: 512 },
  }));
  writeFileSync(
    files.operatorFile,
    JSON.stringify({ ...operator, callers: { ...operator.callers, named: callers } }),
  );
  const program = await startProgram({
    name: "enclave",
    command: process.execPath,
    args: [
      ...programArguments("enclave/main"),
      "--behaviour",
      files.behaviourFile,
      "--operator",
      files.operatorFile,
    ],
    environment: {},
    logFile: join(directory, "enclave.log"),
    readReady: (line) => (JSON.parse(line) as { url?: string }).url,
  });
  return { program, url: program.ready, behaviourDigest: files.behaviourDigest };
}

async function startStack(anvilArgs: readonly string[], change: object): Promise<Stack> {
  const directory = mkdtempSync(join(tmpdir(), "adyton-bench-"));
  const environment = {
    path: process.execPath,
    modelKey: null,
    modelUrl: null,
    modelName: null,
    modelCaFile: null,
  };
  const model = await chooseModel(environment, directory);
  const enclave = await startEnclave(directory, model);
  const chain = await startTestChain({ behaviourDigest: enclave.behaviourDigest, anvilArgs });
  const oracle = await startOracleProcess(
    await writeOracleConfig({
      directory: join(directory, "oracle"),
      chains: [chain],
      enclaves: [enclave],
      keys: TRANSMITTER_KEYS,
      change: { logLevel: "warn", concurrency: 64 },
      chainChange: { pollMs: POLL_MS, ...change },
    }),
  );
  return {
    chain,
    oracle,
    stop: async () => {
      await oracle.stop("SIGTERM");
      await enclave.program.stop();
      await model.program?.stop();
      await chain.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const fulfilledSince = async (chain: TestChain, fromBlock: number): Promise<number> => {
  const logs = (await chain.rpc("eth_getLogs", {
    address: chain.addresses.coordinator,
    topics: [chain.coordinator.interface.getEvent("Fulfilled").topicHash],
    fromBlock: `0x${fromBlock.toString(16)}`,
  })) as unknown[];
  return logs.length;
};

async function measureLatency(stack: Stack): Promise<{ p50: number; p95: number; p99: number }> {
  const { chain } = stack;
  const samples: number[] = [];
  for (let round = 0; round < SERIAL + WARM_UP; round += 1) {
    const before = await chain.provider.getBlockNumber();
    const started = performance.now();
    await ask(chain, { payload: textPayload(`What is ${round} + 1?`) });
    while ((await fulfilledSince(chain, before)) === 0) {
      await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    }
    if (round >= WARM_UP) {
      samples.push(performance.now() - started);
    }
  }
  samples.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((samples[Math.ceil(samples.length * share) - 1] ?? 0) * 10) / 10;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

async function askMany(chain: TestChain, count: number): Promise<void> {
  const from = await (await chain.provider.getSigner(5)).getAddress();
  const head = await chain.provider.getBlock("latest");
  const terms = {
    payer: from,
    refundTo: from,
    subscriptionId: 0,
    policyId: chain.policyId,
    threshold: 1,
    aggregation: 0,
    delivery: 0,
    callbackGasLimit: 50_000,
    maxOutputBytes: 256,
    fee: 10n ** 15n,
    gasPriceCap: 10n ** 13n,
    deadline: (head?.timestamp ?? 0) + 86_400,
  };
  const value = `0x${(await chain.coordinator.requiredEscrow(terms)).toString(16)}`;
  // anvil numbers transactions of one account one at a time: those that arrive together would share a nonce.
  const firstNonce = await chain.provider.getTransactionCount(from);
  for (let sent = 0; sent < count; sent += 100) {
    const calls = Array.from({ length: Math.min(100, count - sent) }, (_, index) => {
      const payload = textPayload(`What is ${sent + index} + 1?`);
      const data = chain.coordinator.interface.encodeFunctionData("request", [terms, payload]);
      return chain.rpc("eth_sendTransaction", {
        from,
        to: chain.addresses.coordinator,
        data,
        value,
        nonce: `0x${(firstNonce + sent + index).toString(16)}`,
        gas: "0x7a120",
        maxFeePerGas: "0x174876e800",
        maxPriorityFeePerGas: "0x3b9aca00",
      });
    });
    await Promise.all(calls);
  }
}

interface Throughput {
  readonly perSecond: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly cpuSecondsPer1000: number;
  readonly memoryMb: number;
}

/** User and system time of a process: proc(5), /proc/pid/stat, fields 14 and 15, in ticks of 1/100 s. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function memoryMb(pid: number): number {
  return Math.round(
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024,
  );
}

async function measureThroughput(stack: Stack): Promise<Throughput> {
  const { chain, oracle } = stack;
  const before = await chain.provider.getBlockNumber();
  const cpu = cpuSeconds(oracle.pid);
  await askMany(chain, BURST);
  const first = await until(
    "first answer",
    async () => ((await fulfilledSince(chain, before)) > 0 ? performance.now() : undefined),
    60_000,
  );
  const early = await fulfilledSince(chain, before);
  let peak = 0;
  await until(
    "all answers",
    async () => {
      peak = Math.max(peak, memoryMb(oracle.pid));
      const done = await fulfilledSince(chain, before);
      await new Promise((resolve) => setTimeout(resolve, 200));
      return done >= BURST ? true : undefined;
    },
    600_000,
  ).catch(() => undefined);
  const seconds = (performance.now() - first) / 1_000;
  const fulfilled = await chain.coordinator.queryFilter(chain.coordinator.filters.Fulfilled(), before);
  const ids = new Set(fulfilled.map(({ args }) => args.requestId));
  return {
    perSecond: Math.round(((ids.size - early) / seconds) * 10) / 10,
    lost: BURST - ids.size,
    duplicated: fulfilled.length - ids.size,
    cpuSecondsPer1000: Math.round(((cpuSeconds(oracle.pid) - cpu) / ids.size) * 1_000 * 100) / 100,
    memoryMb: peak,
  };
}

async function withStack<T>(
  anvilArgs: readonly string[],
  change: object,
  measure: (stack: Stack) => Promise<T>,
): Promise<T> {
  const stack = await startStack(anvilArgs, change);
  try {
    return await measure(stack);
  } finally {
    await stack.stop();
  }
}

const latencyMs = await withStack([], {}, measureLatency);
say(`latency, serial, ms: ${JSON.stringify(latencyMs)}`);
const throughput = await withStack(
  ["--block-time", "1", "--gas-limit", "300000000"],
  { maxInFlight: 500 },
  measureThroughput,
);
say(`throughput: ${JSON.stringify(throughput)}`);
const { perSecond: singlePerSecond, ...rest } = throughput;
if (options.json) {
  process.stdout.write(`${JSON.stringify({ latencyMs, singlePerSecond, ...rest })}\n`);
}
