/**
 * Chaos: requests are asked while oracle and enclaves are killed, the chain is reorganised, RPC servers fail, fees jump and
 * the database drops its connections. At the end every request of the canonical chain is answered exactly once, and every
 * balance is what the events add up to.
 *
 * node tests/chaos/chaos.ts [--store pglite|postgres] [--seed N] [--requests N] [--kills N] [--nodes N]
 * PostgreSQL is the server of DATABASE_URL; everything that is in its schema is dropped first.
 */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import pg from "pg";
import { FaultyProxy } from "../oracle/support/faulty-proxy.ts";
import type { Fault } from "../oracle/support/faulty-proxy.ts";
import { startOracleProcess, writeOracleConfig } from "../oracle/support/oracle-process.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import { standInBehaviourDigest } from "../oracle/support/stand-in-enclave.ts";
import { startTestChain, textPayload, TRANSMITTER_KEYS } from "../oracle/support/test-chain.ts";
import type { TestChain } from "../oracle/support/test-chain.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";
import { databaseUrl } from "../oracle/support/config.ts";
import { recomputeLedger } from "../oracle/support/ledger.ts";
import type { Ledger } from "../oracle/support/ledger.ts";
import { createRandom } from "./random.ts";

/** What the oracle says in its log when it has just done this and not yet the next. */
const STEPS = ["read", "asking", "recorded", "committed", "broadcast", "mined"] as const;
type Step = (typeof STEPS)[number];

const { values: options } = parseArgs({
  options: {
    store: { type: "string", default: "pglite" },
    seed: { type: "string", default: "1" },
    requests: { type: "string", default: "500" },
    kills: { type: "string", default: "20" },
    nodes: { type: "string" },
    enclaves: { type: "string", default: "3" },
  },
});
const seed = Number(options.seed);
const wanted = Number(options.requests);
const kills = Number(options.kills);
const nodes = Number(options.nodes ?? (options.store === "postgres" ? "3" : "1"));
const ENCLAVE_KILLS = 6;
const REORGS = 8;
const random = createRandom(seed);
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const say = (text: string): void =>
  void process.stderr.write(`${((wallClockMs() - began) / 1_000).toFixed(1)}s ${text}\n`);
const began = wallClockMs();

interface Enclave {
  readonly platform: string;
  readonly port: number;
  child: ChildProcess;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

const ENCLAVE_MAIN = new URL("enclave-main.ts", import.meta.url).pathname;

async function startEnclave(platform: string, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [ENCLAVE_MAIN, platform, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => createInterface(child.stdout).once("line", resolve));
  return child;
}

async function killEnclave(enclave: Enclave): Promise<void> {
  enclave.child.kill("SIGKILL");
  await new Promise((resolve) => enclave.child.once("exit", resolve));
  await sleep(300 + random() * 1_500);
  enclave.child = await startEnclave(enclave.platform, enclave.port);
}

/** One oracle node that is started again whenever it dies, and that can be killed as it reaches a step. */
class Node {
  readonly #config: string;
  #process: OracleProcess | undefined;
  #target: Step | undefined;
  #hit: (() => void) | undefined;
  #stopping = false;

  constructor(config: string) {
    this.#config = config;
  }

  async start(): Promise<void> {
    this.#process = await startOracleProcess(this.#config, (text) => {
      if (this.#target !== undefined && text.includes(`"step.${this.#target}"`)) {
        this.#target = undefined;
        this.#process?.stop("SIGKILL").catch(() => undefined);
        this.#hit?.();
      }
    });
    const { exited } = this.#process;
    void exited.then((code) => {
      if (!this.#stopping && code !== null) {
        say(`a node ended by itself with exit code ${code}:\n${this.#process?.log().slice(-3_000)}`);
        process.exitCode = 1;
      }
    });
  }

  /** Dies as soon as it says that it has reached `step`; resolves when it has. */
  dieAt(step: Step): Promise<this> {
    return new Promise((resolve) => {
      this.#hit = () => {
        resolve(this);
      };
      this.#target = step;
    });
  }

  spare(): void {
    this.#target = undefined;
  }

  async restart(): Promise<void> {
    await this.#process?.stop("SIGKILL");
    await this.start();
  }

  log(): string {
    return this.#process?.log() ?? "";
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#process?.stop("SIGTERM");
  }
}

/** Kills the first node that reaches `step`; after `patienceMs`, any node wherever it is. */
async function killAt(running: readonly Node[], step: Step, patienceMs: number): Promise<Step | "anywhere"> {
  const victim = await Promise.race([...running.map((node) => node.dieAt(step)), sleep(patienceMs)]);
  for (const node of running) node.spare();
  await (victim ?? pick(running)).restart();
  return victim === undefined ? "anywhere" : step;
}

async function askOne(chain: TestChain, from: string): Promise<void> {
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
  const value = await chain.coordinator.requiredEscrow(terms);
  const data = chain.coordinator.interface.encodeFunctionData("request", [
    terms,
    textPayload("how much chaos?"),
  ]);
  await chain.rpc("eth_sendTransaction", {
    from,
    to: chain.addresses.coordinator,
    data,
    value: `0x${value.toString(16)}`,
    gas: "0x7a120",
    maxFeePerGas: "0xe8d4a51000",
    maxPriorityFeePerGas: "0x3b9aca00",
  });
}

const requestedCount = async (chain: TestChain): Promise<number> =>
  (await chain.coordinator.queryFilter(chain.coordinator.filters.Requested(), 0)).length;

let killsDone = 0;

/**
 * Keeps asking until the canonical chain holds as many requests as wanted: those that a reorg drops are asked again. Paced
 * by the kills, so that every one of them finds work under way.
 */
async function keepAsking(chain: TestChain, from: string, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    const due = Math.ceil((wanted * (killsDone + 1)) / kills);
    const missing = Math.min(wanted, due) - (await requestedCount(chain));
    for (let count = 0; count < Math.min(missing, 4); count += 1) {
      await askOne(chain, from);
    }
    await sleep(1_200);
  }
}

async function makeTrouble(
  chain: TestChain,
  proxies: readonly FaultyProxy[],
  counts: Record<string, number>,
  isDone: () => boolean,
): Promise<void> {
  const count = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  while (!isDone()) {
    const trouble = random();
    if (trouble < 0.3 && (counts["reorgs"] ?? 0) < REORGS) {
      const depth = 1 + Math.floor(random() * 5);
      await chain.rpc("anvil_reorg", depth, []);
      count("reorgs");
      count(`reorgs of depth ${depth}`);
    } else if (trouble < 0.8) {
      const proxy = pick(proxies);
      proxy.fault = pick<Fault>(["http-503", "cut", "garbage", "slow"]);
      await sleep(200 + random() * 1_500);
      proxy.fault = "none";
      count("RPC faults");
    } else if (trouble < 0.9) {
      for (const proxy of proxies) proxy.fault = "cut";
      await sleep(500 + random() * 1_500);
      for (const proxy of proxies) proxy.fault = "none";
      count("RPC outages");
    } else {
      const gwei = 1 + Math.floor(random() * 300);
      await chain.rpc("anvil_setNextBlockBaseFeePerGas", `0x${(BigInt(gwei) * 10n ** 9n).toString(16)}`);
      count("fee spikes");
    }
    await sleep(300 + random() * 1_500);
  }
}

async function resetDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    "drop schema if exists pgboss cascade; drop schema public cascade; create schema public",
  );
  await client.end();
}

/** What a restart of the server does to its clients, without a restart of a server that others may use. */
async function dropConnections(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  await client.end();
}

async function settleDown(chain: TestChain): Promise<Ledger> {
  const end = wallClockMs() + 240_000;
  for (;;) {
    const ledger = await recomputeLedger(chain);
    if (ledger.open.length === 0 || wallClockMs() > end) {
      return ledger;
    }
    say(`${ledger.open.length} open`);
    await sleep(2_000);
  }
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "adyton-chaos-"));
  const url = options.store === "postgres" ? databaseUrl() : undefined;
  if (options.store === "postgres" && url === undefined) throw new Error("set DATABASE_URL");
  if (url !== undefined) await resetDatabase(url);
  const chain = await startTestChain({ behaviourDigest: standInBehaviourDigest() });
  await chain.rpc("evm_setIntervalMining", 1);
  const proxies = [await FaultyProxy.start(chain.anvil.url), await FaultyProxy.start(chain.anvil.url)];
  const enclaves: Enclave[] = [];
  for (let index = 0; index < Number(options.enclaves); index += 1) {
    const port = await freePort();
    enclaves.push({ platform: `chaos-${index}`, port, child: await startEnclave(`chaos-${index}`, port) });
  }
  const running: Node[] = [];
  for (let index = 0; index < nodes; index += 1) {
    const config = await writeOracleConfig({
      directory: join(directory, `node-${index}`),
      chains: [chain],
      enclaves: enclaves.map(({ port }) => ({ url: `https://127.0.0.1:${port}` })),
      keys: TRANSMITTER_KEYS,
      confirmations: 2,
      ...(url === undefined ? {} : { store: { kind: "postgres", url } }),
      chainChange: {
        rpcUrls: proxies.map((proxy) => proxy.url),
        rpcTimeoutMs: 2_000,
        bumpAfterMs: 6_000,
        maxFeeGwei: 10_000,
      },
    });
    const node = new Node(config);
    running.push(node);
    await node.start();
  }
  say(`seed ${seed}: ${wanted} requests, ${nodes} node(s) on ${options.store}, ${enclaves.length} enclaves`);
  let calm = false;
  const from = await (await chain.provider.getSigner(5)).getAddress();
  const counts: Record<string, number> = {};
  const hits: Record<string, number> = {};
  const asking = keepAsking(chain, from, () => calm);
  const trouble = makeTrouble(chain, proxies, counts, () => calm);
  const killing = (async () => {
    for (let kill = 0; kill < kills; kill += 1) {
      const step = STEPS[kill % STEPS.length]!;
      const hit = await killAt(running, step, 15_000);
      hits[hit] = (hits[hit] ?? 0) + 1;
      killsDone += 1;
      say(`kill ${kill + 1} of ${kills}: at ${hit}`);
      await sleep(200 + random() * 1_000);
      if (kill % Math.ceil(kills / ENCLAVE_KILLS) === 0) {
        await killEnclave(pick(enclaves));
        counts["enclave kills"] = (counts["enclave kills"] ?? 0) + 1;
      }
      if (url !== undefined && kill % 5 === 2) {
        await dropConnections(url);
        counts["database connections cut"] = (counts["database connections cut"] ?? 0) + 1;
      }
    }
  })();
  await killing;
  while ((await requestedCount(chain)) < wanted) await sleep(500);
  calm = true;
  await Promise.all([asking, trouble]);
  const ledger = await settleDown(chain);
  const missed = STEPS.filter((step) => hits[step] === undefined);
  const report = {
    seed,
    store: options.store,
    nodes,
    requested: ledger.requested,
    delivered: ledger.fulfilled,
    twice: ledger.twice,
    lost: ledger.open.length,
    refunded: ledger.refunded,
    wrongBalances: ledger.wrongBalances,
    oracleKills: hits,
    stepsNotHit: missed,
    ...counts,
    seconds: Math.round((wallClockMs() - began) / 1_000),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  const good =
    ledger.requested >= wanted &&
    ledger.fulfilled === ledger.requested &&
    ledger.twice === 0 &&
    ledger.open.length === 0 &&
    ledger.wrongBalances.length === 0 &&
    missed.length === 0;
  if (!good) {
    process.exitCode = 1;
    process.stderr.write(running.map((node) => node.log().slice(-20_000)).join("\n"));
  }
  await Promise.all(running.map((node) => node.stop()));
  for (const { child } of enclaves) child.kill("SIGKILL");
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await chain.stop();
  rmSync(directory, { recursive: true, force: true });
}

await main();
