/**
 * Chaos: requests are asked while oracle nodes and enclaves are killed, the chain is reorganised, RPC servers fail, fees
 * jump, strangers flood the coordinator, and the database crashes or takes no rows. At the end every request of the canonical chain is answered exactly once, and every
 * balance is what the events add up to.
 *
 * npm run test:chaos -- [--store pglite|postgres] [--seed N] [--requests N] [--kills N] [--nodes N] [--enclaves N] [--logs FOLDER]
 * PostgreSQL is a server of the test's own, made of the programs in /usr/lib/postgresql. On the embedded store there is one
 * node, and the death of its process is the database's.
 */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FaultyProxy } from "../oracle/support/faulty-proxy.ts";
import { type Ledger, recomputeLedger } from "../oracle/support/ledger.ts";
import { writeTestConfig } from "../oracle/support/oracle-process.ts";
import { standInBehaviourDigest } from "../oracle/support/stand-in-enclave.ts";
import { startTestChain, type TestChain, TRANSMITTER_KEYS } from "../oracle/support/test-chain.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";
import { Asker } from "./asker.ts";
import { Enclave } from "./enclaves.ts";
import { Killer } from "./killer.ts";
import { Node } from "./node.ts";
import { PostgresServer } from "./postgres-server.ts";
import { Random } from "./random.ts";
import { readSteps } from "./steps.ts";
import { BLOCK_SECONDS, Trouble } from "./trouble.ts";

const { values: options } = parseArgs({
  options: {
    store: { type: "string", default: "pglite" },
    seed: { type: "string", default: "1" },
    requests: { type: "string", default: "500" },
    kills: { type: "string", default: "21" },
    nodes: { type: "string" },
    enclaves: { type: "string", default: "3" },
    logs: { type: "string" },
  },
});
const seed = Number(options.seed);
const wanted = Number(options.requests);
const onPostgres = options.store === "postgres";
const nodeCount = Number(options.nodes ?? (onPostgres ? "3" : "1"));
const logs = options.logs ?? mkdtempSync(join(tmpdir(), "adyton-chaos-logs-"));
/** After the last trouble; what was capped by a fee spike or waits for a dead node's lease needs most of a minute. */
const SETTLED_WITHIN_MS = 300_000;
const ENCLAVE_KILLS = 6;
const DATABASE_CRASHES = 3;
const READ_ONLY_SPELLS = 2;
/** Anvil's sixth account. */
const ASKER = 5;

const began = wallClockMs();
/** One for each that acts by itself, so that their timing does not change each other's plans. */
const [random, randomTrouble, randomKills] = [
  new Random(3 * seed),
  new Random(3 * seed + 1),
  new Random(3 * seed + 2),
];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const seconds = (): string => `${((wallClockMs() - began) / 1_000).toFixed(1)}s`;
const say = (text: string): void => void process.stderr.write(`${seconds()} ${text}\n`);

interface World {
  readonly directory: string;
  readonly chain: TestChain;
  readonly proxies: readonly FaultyProxy[];
  readonly enclaves: readonly Enclave[];
  readonly database: PostgresServer | undefined;
  readonly nodes: readonly Node[];
  /** The logs of nodes that ended though nobody had killed them: must stay empty. */
  readonly endedByThemselves: string[];
}

async function build(): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), "adyton-chaos-"));
  mkdirSync(logs, { recursive: true });
  const database = onPostgres ? await PostgresServer.start() : undefined;
  // Requests outlive the enclaves that were admitted before them: a policy for production would let them end in refunds.
  const chain = await startTestChain({ behaviourDigest: standInBehaviourDigest(), keysBeforeRequest: false });
  await chain.rpc("evm_setIntervalMining", BLOCK_SECONDS);
  const proxies = [await FaultyProxy.start(chain.anvil.url), await FaultyProxy.start(chain.anvil.url)];
  const enclaves = await Enclave.startSeveral(Number(options.enclaves));
  const endedByThemselves: string[] = [];
  const nodes: Node[] = [];
  for (let index = 0; index < nodeCount; index += 1) {
    const config = await writeTestConfig({
      directory: join(directory, `node-${index}`),
      chains: [chain],
      enclaves,
      keys: TRANSMITTER_KEYS,
      confirmations: 2,
      ...(database === undefined ? {} : { store: { kind: "postgres", url: database.url } }),
      rpcUrls: () => proxies.map(({ url }) => url),
      chainChange: { rpcTimeoutMs: 2_000, bumpAfterMs: 6_000, maxFeeGwei: 20_000 },
    });
    const node = new Node(config, join(logs, `node-${index}.log`), (log) => {
      say(`node ${index} ended by itself`);
      endedByThemselves.push(log);
    });
    nodes.push(node);
    await node.start();
  }
  return { directory, chain, proxies, enclaves, database, nodes, endedByThemselves };
}

async function tearDown(world: World): Promise<void> {
  await Promise.all(world.nodes.map((node) => node.stop()));
  await Promise.all(world.enclaves.map((enclave) => enclave.kill()));
  await Promise.all(world.proxies.map((proxy) => proxy.close()));
  await world.chain.stop();
  await world.database?.remove();
  rmSync(world.directory, { recursive: true, force: true });
}

const countDelivered = async ({ coordinator }: TestChain): Promise<number> =>
  (await coordinator.queryFilter(coordinator.filters.Fulfilled(), 0)).length;

async function settleDown(chain: TestChain): Promise<Ledger> {
  const end = wallClockMs() + SETTLED_WITHIN_MS;
  let delivered = await countDelivered(chain);
  while (delivered < wanted && wallClockMs() < end) {
    say(`${delivered} of ${wanted} delivered`);
    await sleep(3_000);
    delivered = await countDelivered(chain);
  }
  return recomputeLedger(chain);
}

/** How many answers came several to a transaction. */
async function countBatched({ coordinator }: TestChain): Promise<number> {
  const delivered = await coordinator.queryFilter(coordinator.filters.Fulfilled(), 0);
  const byTransaction = Map.groupBy(delivered, ({ transactionHash }) => transactionHash);
  return [...byTransaction.values()].filter(({ length }) => length > 1).flat().length;
}

/** Every `every`-th of `total` rounds, `times` in all. */
function isTurn(round: number, total: number, times: number): boolean {
  const every = Math.max(1, Math.floor(total / times));
  return round % every === 0 && round / every < times;
}

/** One kill after the other, each in the middle of work, with the death of enclaves and database between them. */
async function makeHavoc(world: World, asker: Asker, trouble: Trouble, killer: Killer): Promise<void> {
  const { enclaves, database } = world;
  for (let round = 0; killer.remaining > 0; round += 1) {
    // What the remaining kills leave over is asked now.
    const open = wanted - (await asker.requested());
    asker.goal = wanted - Math.floor((open * (killer.remaining - 1)) / killer.remaining);
    const kill = await killer.next(() => trouble.reorg());
    say(`${kill}; ${await asker.requested()} asked, ${await countDelivered(world.chain)} delivered`);
    if (isTurn(round, killer.planned, ENCLAVE_KILLS)) {
      const enclave = random.pick(enclaves);
      await enclave.kill();
      await sleep(random.between(300, 2_000));
      await enclave.start();
      trouble.count("enclave kills");
    }
    if (database !== undefined && isTurn(round, killer.planned, DATABASE_CRASHES)) {
      await database.crashAndRestart();
      trouble.count("database crashes");
    }
    if (database !== undefined && isTurn(round + 1, killer.planned, READ_ONLY_SPELLS)) {
      await database.setReadOnly(true);
      await sleep(random.between(1_000, 6_000));
      await database.setReadOnly(false);
      trouble.count("read-only stores");
    }
    await sleep(random.between(200, 1_200));
  }
}

function findFaults(ledger: Ledger, world: World, trouble: Trouble, killer: Killer): string[] {
  const faults = [
    ...killer.missed.map((step) => `no kill at step ${step}`),
    ...trouble.missing.map((what) => `never happened: ${what}`),
    ...ledger.wrongBalances.map((account) => `wrong balance: ${account}`),
    ...world.endedByThemselves.map((log) => `a node ended by itself: ${log.slice(-2_000)}`),
  ];
  const expect = (what: string, actual: number, expected: number): void => {
    if (actual !== expected) faults.push(`${what}: ${actual} instead of ${expected}`);
  };
  expect("requests on the canonical chain", ledger.requested, wanted);
  expect("delivered", ledger.fulfilled, wanted);
  expect("settled twice", ledger.twice, 0);
  expect("lost", ledger.open.length, 0);
  return faults;
}

async function main(): Promise<void> {
  const world = await build();
  const steps = readSteps();
  say(
    `seed ${seed}: ${wanted} requests, ${nodeCount} node(s) on ${options.store}, ${world.enclaves.length} enclaves`,
  );
  say(`steps: ${steps.join(", ")}; the nodes' logs: ${logs}`);
  const trouble = new Trouble(world.chain, world.proxies, randomTrouble);
  const asker = new Asker(world.chain, await (await world.chain.provider.getSigner(ASKER)).getAddress(), say);
  const killer = new Killer(world.nodes, steps, Number(options.kills), randomKills);
  asker.start();
  trouble.start();
  await makeHavoc(world, asker, trouble, killer);
  while (trouble.missing.length > 0) await sleep(500);
  await trouble.stop();
  // With no more reorgs, what is asked now stays asked.
  asker.goal = wanted;
  while ((await asker.requested()) < wanted) await sleep(500);
  await asker.stop();
  const ledger = await settleDown(world.chain);
  const faults = findFaults(ledger, world, trouble, killer);
  const report = {
    seed,
    store: options.store,
    nodes: nodeCount,
    enclaves: world.enclaves.length,
    requested: ledger.requested,
    delivered: ledger.fulfilled,
    inBatches: await countBatched(world.chain),
    twice: ledger.twice,
    lost: ledger.open.length,
    refunded: ledger.refunded,
    wrongBalances: ledger.wrongBalances.length,
    askedAgainAfterReorgs: asker.asked - ledger.requested,
    oracleKills: killer.total,
    killsAtStep: killer.hits,
    ...trouble.counts,
    faults,
    seconds: Math.round((wallClockMs() - began) / 1_000),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if (faults.length > 0) {
    process.exitCode = 1;
    say(`failed: ${faults.join("; ")}`);
  }
  await tearDown(world);
}

await main();
