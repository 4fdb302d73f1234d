/**
 * Request-to-callback latency and sustained answers per second of the whole path on one machine: anvil, the enclave's
 * process, a model without delay, the oracle's process on the embedded store.
 *
 * npm run -s bench:oracle -- [--json] [--serial N] [--seconds N] [--requests N] [--only latency,peer,single,batched,scale,costs]
 *   [--profile FOLDER] [--postgres URL] [--nodes 1,2,3] [--chains N] [--model-ms N] [--slots N] [--costs FILE]
 * npm run -s bench:oracle -- --simulate [--json] [--seed N] [--seconds N] [--base N] [--costs FILE]
 * Latency is measured serially with a block for each transaction and the oracle looking every 50 ms; throughput with a
 * block a second, for at least so many seconds and so many requests. `lost` and `duplicated` are those of all runs, CPU time
 * is the oracle's without batches, memory the most seen of the oracle's process. `peer` is the same question through the
 * local network of `@chainlink/functions-toolkit`; `ratioP50` is its latency divided by ours. With `--postgres` the store
 * is a database of its own on that server, whose CPU and memory are not in the figures.
 * `--only scale` measures several nodes that share a store on PostgreSQL (--postgres, or DATABASE_URL) and several chains; it takes minutes, and
 * is not part of the default run. `--only costs` measures there what an answer costs each process, and writes it to --costs FILE (by default the one
 * that is kept beside the bench). `--simulate` starts nothing: it reads that file, and says what more load would do.
 */

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { measureLatency, type Percentiles } from "./oracle/latency.ts";
import { measurePeerLatency } from "./oracle/peer.ts";
import { createDatabase } from "./oracle/postgres.ts";
import { measureCosts } from "./oracle/measure-costs.ts";
import { measureScale, type Scale } from "./oracle/scale.ts";
import { SLOW_BLOCKS } from "./oracle/scale-stage.ts";
import { COSTS_FILE, runSimulation } from "./oracle/simulate.ts";
import { startStack, type Stack, type StackOptions } from "./oracle/stack.ts";
import { measureThroughput, type Throughput } from "./oracle/throughput.ts";
import { databaseUrl } from "../tests/oracle/support/config.ts";
import { LOCAL_CHAIN_IDS } from "../tests/oracle/support/test-chain.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    serial: { type: "string", default: "100" },
    seconds: { type: "string", default: "60" },
    requests: { type: "string", default: "10000" },
    only: { type: "string", default: "latency,peer,single,batched" },
    profile: { type: "string" },
    postgres: { type: "string" },
    nodes: { type: "string", default: "1,2,3" },
    chains: { type: "string", default: "2" },
    "model-ms": { type: "string", default: "500" },
    slots: { type: "string", default: "64" },
    costs: { type: "string", default: COSTS_FILE },
    simulate: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    base: { type: "string", default: "1" },
  },
});
const parts = new Set(options.only.split(","));

const say = (text: string): void => void process.stderr.write(`${text}\n`);

if (options.simulate) {
  const simulation = runSimulation(
    options.costs,
    { seed: Number(options.seed), seconds: Number(options.seconds), basePerSecond: Number(options.base) },
    say,
  );
  process.stdout.write(options.json ? `${JSON.stringify(simulation)}\n` : "");
  process.exit(0);
}

async function withStack<T>(settings: StackOptions, measure: (stack: Stack) => Promise<T>): Promise<T> {
  const database = options.postgres === undefined ? undefined : await createDatabase(options.postgres);
  const store = database === undefined ? {} : { store: { kind: "postgres" as const, url: database.url } };
  const stack = await startStack({ ...settings, ...store, profileFolder: options.profile });
  try {
    return await measure(stack);
  } finally {
    await stack.stop();
    await database?.drop();
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
    async (stack) => {
      const figures = await measureThroughput(stack, {
        seconds: Number(options.seconds),
        requests: Number(options.requests),
        outstanding,
      });
      if (figures.lost > 0) say(await describeLost(stack));
      return figures;
    },
  );
  say(`${name}: ${JSON.stringify(found)}`);
  return found;
}

/** Phases before the end; one whose answer settles only late, as after a timeout, is `answered`. */
const OPEN_PHASES = ["seen", "asked", "answered", "refused", "sent"];

/** Why answers did not come in time: what the node knows of those requests, and what it warned of last. */
async function describeLost({ oracle, readOracleLog }: Stack): Promise<string> {
  const rows: string[] = [];
  for (const phase of OPEN_PHASES) {
    const reply = await fetch(`${oracle.ready}/v1/requests?phase=${phase}&limit=5`);
    rows.push(`${phase}: ${await reply.text()}`);
  }
  return ["the node's open requests:", ...rows, "its last warnings:", ...readOracleLog().slice(-20)].join(
    "\n",
  );
}

/** Requests of each chain that are kept waiting: two seconds of what this machine does. */
const SCALE_OUTSTANDING = 1_000;

/** Of parts that cannot do without it. */
function requirePostgres(part: string): string {
  const url = options.postgres ?? databaseUrl();
  if (url !== undefined) return url;
  say(
    `bench:oracle --only ${part} needs PostgreSQL, which nodes share: name a server by --postgres or DATABASE_URL`,
  );
  process.exit(1);
}

/** Fewer than were asked for would be measured, and told as if they were as many. */
function readChains(): number {
  const chains = Number(options.chains);
  if (Number.isInteger(chains) && chains > 0 && chains <= LOCAL_CHAIN_IDS.length) return chains;
  say(
    `bench:oracle --chains takes 1 to ${LOCAL_CHAIN_IDS.length}: simulated evidence is admitted on no other chain than ${LOCAL_CHAIN_IDS.join(" and ")}`,
  );
  process.exit(1);
}

function scale(): Promise<Scale> {
  return measureScale(
    {
      postgres: requirePostgres("scale"),
      nodeCounts: options.nodes.split(",").map(Number),
      chains: readChains(),
      modelMs: Number(options["model-ms"]),
      slots: Number(options.slots),
      seconds: Number(options.seconds),
      outstanding: SCALE_OUTSTANDING,
    },
    say,
  );
}

async function costs(): Promise<void> {
  const date = new Date().toISOString().slice(0, 10);
  const measured = await measureCosts({
    postgres: requirePostgres("costs"),
    seconds: Number(options.seconds),
    date,
  });
  writeFileSync(options.costs, `${JSON.stringify(measured, null, 2)}\n`);
  say(`costs, in ${options.costs}: ${JSON.stringify(measured)}`);
}

/** Several answers in a transaction wherever several wait; without it, a transaction for each. */
const SINGLE = { batches: "never" };
const BATCHED = { batches: { minAnswers: 2 } };

const latencyMs = parts.has("latency") ? await latency() : undefined;
const peerLatencyMs = parts.has("peer") ? await measurePeerLatency(Number(options.serial)) : undefined;
if (peerLatencyMs !== undefined) say(`peer's latency, serial, ms: ${JSON.stringify(peerLatencyMs)}`);
const single = parts.has("single") ? await throughput("single", 1_000, SINGLE) : undefined;
const batched = parts.has("batched") ? await throughput("batched", 2_000, BATCHED) : undefined;
const scaled = parts.has("scale") ? await scale() : undefined;
if (parts.has("costs")) await costs();
const runs = [single, batched].filter((run) => run !== undefined);
const sum = (of: (run: Throughput) => number): number => runs.reduce((total, run) => total + of(run), 0);
const report = {
  latencyMs,
  singlePerSecond: single?.perSecond,
  batchedPerSecond: batched?.perSecond,
  lost: sum(({ lost }) => lost),
  duplicated: sum(({ duplicated }) => duplicated),
  cpuSecondsPer1000: single?.cpuSecondsPer1000,
  memoryMb: Math.max(0, ...runs.map(({ memoryMb }) => memoryMb)),
  peer: peerLatencyMs === undefined ? undefined : { latencyMs: { p50: peerLatencyMs.p50 } },
  ratioP50:
    peerLatencyMs === undefined || latencyMs === undefined
      ? undefined
      : Number((peerLatencyMs.p50 / latencyMs.p50).toFixed(2)),
  scale: scaled,
};
process.stdout.write(`${JSON.stringify(report, null, options.json ? 0 : 2)}\n`);
// The toolkit leaves timers behind.
process.exit(0);
