/**
 * Request-to-callback latency and sustained answers per second of the whole path on one machine: anvil, the enclave's
 * process, a model without delay, the oracle's process on the embedded store.
 *
 * npm run -s bench:oracle -- [--json] [--serial N] [--seconds N] [--requests N] [--only latency,single] [--profile FOLDER]
 * Latency is measured serially with a block for each transaction and the oracle looking every 50 ms; throughput with a
 * block a second.
 */

import { parseArgs } from "node:util";
import { measureLatency, type Percentiles } from "./oracle/latency.ts";
import { startStack, type Stack, type StackOptions } from "./oracle/stack.ts";
import { measureThroughput, type Throughput } from "./oracle/throughput.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    serial: { type: "string", default: "100" },
    seconds: { type: "string", default: "60" },
    requests: { type: "string", default: "10000" },
    only: { type: "string", default: "latency,single" },
    profile: { type: "string" },
  },
});
const parts = new Set(options.only.split(","));
/** A block a second, and room in it for a thousand answers. */
const SLOW_BLOCKS = ["--block-time", "1", "--gas-limit", "300000000"];

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function withStack<T>(settings: StackOptions, measure: (stack: Stack) => Promise<T>): Promise<T> {
  const stack = await startStack({ ...settings, profileFolder: options.profile });
  try {
    return await measure(stack);
  } finally {
    await stack.stop();
  }
}

async function latency(): Promise<Percentiles> {
  const found = await withStack({}, (stack) => measureLatency(stack, Number(options.serial)));
  say(`latency, serial, ms: ${JSON.stringify(found)}`);
  return found;
}

async function throughput(name: string, outstanding: number, chain: object): Promise<Throughput> {
  const found = await withStack(
    { anvilArgs: SLOW_BLOCKS, chain: { maxInFlight: 1_000, ...chain } },
    (stack) =>
      measureThroughput(stack, {
        seconds: Number(options.seconds),
        requests: Number(options.requests),
        outstanding,
      }),
  );
  say(`${name}: ${JSON.stringify(found)}`);
  return found;
}

const latencyMs = parts.has("latency") ? await latency() : undefined;
const single = parts.has("single") ? await throughput("single", 1_000, {}) : undefined;
if (options.json) {
  process.stdout.write(
    `${JSON.stringify({
      latencyMs,
      singlePerSecond: single?.perSecond,
      lost: single?.lost,
      duplicated: single?.duplicated,
      cpuSecondsPer1000: single?.cpuSecondsPer1000,
      memoryMb: single?.memoryMb,
    })}\n`,
  );
}
