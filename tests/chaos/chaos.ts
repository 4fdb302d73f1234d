/**
 * Chaos: requests are asked while oracle nodes and enclaves are killed, the chain is reorganised, RPC servers fail, fees
 * jump, strangers flood the coordinator, also while it is reorganised, a second chain's server hangs, and the database crashes, is read-only, or has a full
 * disk. At the end every request of the canonical chains is answered exactly once, every balance is what the events add up to, and no node has called
 * itself well while its store took no rows. Each kind of trouble has a name, and is counted in the report.
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
import {
  LOCAL_CHAIN_IDS,
  startTestChain,
  type TestChain,
  TRANSMITTER_KEYS,
} from "../oracle/support/test-chain.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";
import { Asker } from "./asker.ts";
import { Enclave } from "./enclaves.ts";
import { Killer } from "./killer.ts";
import { Node } from "./node.ts";
import { PostgresServer } from "./postgres-server.ts";
import { Random } from "./random.ts";
import { type Refusal, refuseFor } from "./refusals.ts";
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
/** Of each: read-only, and with a full disk. */
const REFUSING_SPELLS = 2;
/** Of the requests of the first chain, how many the second has. */
const SECOND_SHARE = 0.2;
const wantedOnSecond = Math.max(1, Math.round(wanted * SECOND_SHARE));
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
  readonly second: TestChain;
  readonly secondProxy: FaultyProxy;
  readonly enclaves: readonly Enclave[];
  readonly database: PostgresServer | undefined;
  readonly nodes: readonly Node[];
  /** The logs of nodes that ended though nobody had killed them: must stay empty. */
  readonly endedByThemselves: string[];
  /** What nodes did wrong while their store took no rows: must stay empty. */
  readonly refusalFaults: string[];
}

async function build(): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), "adyton-chaos-"));
  mkdirSync(logs, { recursive: true });
  const database = onPostgres ? await PostgresServer.start() : undefined;
  // Requests outlive the enclaves that were admitted before them: a policy for production would let them end in refunds.
  const terms = { behaviourDigest: standInBehaviourDigest(), keysBeforeRequest: false };
  const chain = await startTestChain(terms);
  const second = await startTestChain({ ...terms, chainId: LOCAL_CHAIN_IDS[1] });
  for (const one of [chain, second]) await one.rpc("evm_setIntervalMining", BLOCK_SECONDS);
  const proxies = [await FaultyProxy.start(chain.anvil.url), await FaultyProxy.start(chain.anvil.url)];
  const secondProxy = await FaultyProxy.start(second.anvil.url);
  const enclaves = await Enclave.startSeveral(Number(options.enclaves));
  const endedByThemselves: string[] = [];
  const nodes: Node[] = [];
  for (let index = 0; index < nodeCount; index += 1) {
    const config = await writeTestConfig({
      directory: join(directory, `node-${index}`),
      chains: [chain, second],
      enclaves,
      keys: TRANSMITTER_KEYS,
      confirmations: 2,
      ...(database === undefined ? {} : { store: { kind: "postgres", url: database.url } }),
      rpcUrls: (one) => (one === chain ? proxies.map(({ url }) => url) : [secondProxy.url]),
      chainChange: { rpcTimeoutMs: 2_000, bumpAfterMs: 6_000, maxFeeGwei: 20_000 },
    });
    const node = new Node(config, join(logs, `node-${index}.log`), (log) => {
      say(`node ${index} ended by itself`);
      endedByThemselves.push(log);
    });
    nodes.push(node);
    await node.start();
  }
  await database?.prepareFull();
  return {
    ...{ directory, chain, proxies, second, secondProxy, enclaves, database, nodes, endedByThemselves },
    refusalFaults: [],
  };
}

async function tearDown(world: World): Promise<void> {
  await Promise.all(world.nodes.map((node) => node.stop()));
  await Promise.all(world.enclaves.map((enclave) => enclave.kill()));
  await Promise.all([...world.proxies, world.secondProxy].map((proxy) => proxy.close()));
  await world.chain.stop();
  await world.second.stop();
  await world.database?.remove();
  rmSync(world.directory, { recursive: true, force: true });
}

const countDelivered = async ({ coordinator }: TestChain): Promise<number> =>
  (await coordinator.queryFilter(coordinator.filters.Fulfilled(), 0)).length;

async function settleDown(chain: TestChain, goal: number): Promise<Ledger> {
  const end = wallClockMs() + SETTLED_WITHIN_MS;
  let delivered = await countDelivered(chain);
  while (delivered < goal && wallClockMs() < end) {
    say(`chain ${chain.chainId}: ${delivered} of ${goal} delivered`);
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
  return round >= 0 && round % every === 0 && round / every < times;
}

/** One kill after the other, each in the middle of work, with the death of enclaves and database between them. */
async function makeHavoc(
  world: World,
  { asker, secondAsker }: { readonly asker: Asker; readonly secondAsker: Asker },
  { trouble, killer }: { readonly trouble: Trouble; readonly killer: Killer },
): Promise<void> {
  const { enclaves, database } = world;
  for (let round = 0; killer.remaining > 0; round += 1) {
    // What the remaining kills leave over is asked now.
    const open = wanted - (await asker.requested());
    asker.goal = wanted - Math.floor((open * (killer.remaining - 1)) / killer.remaining);
    secondAsker.goal = Math.ceil((wantedOnSecond * (killer.planned - killer.remaining + 1)) / killer.planned);
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
    for (const [offset, refusal] of refusalsOf(database).entries()) {
      if (isTurn(round - offset - 1, killer.planned - 2, REFUSING_SPELLS)) {
        world.refusalFaults.push(...(await refuseFor(world.nodes, refusal, random.between(1_000, 6_000))));
        trouble.count(refusal.name);
      }
    }
    await sleep(random.between(200, 1_200));
  }
}

/** Of the embedded store the disk is the process's own: what a full one does to it, and how it ends, its watchdog's test shows. */
function refusalsOf(database: PostgresServer | undefined): readonly Refusal[] {
  if (database === undefined) return [];
  return [
    { name: "read-only stores", set: (isRefusing) => database.setReadOnly(isRefusing) },
    { name: "full disks", set: (isRefusing) => database.setFull(isRefusing) },
  ];
}

function findFaults(world: World, trouble: Trouble, killer: Killer): string[] {
  const refusals = refusalsOf(world.database).map(({ name }) => name);
  return [
    ...killer.missed.map((step) => `no kill at step ${step}`),
    ...trouble.missing.map((what) => `never happened: ${what}`),
    ...refusals
      .filter((name) => trouble.counts[name] !== REFUSING_SPELLS)
      .map((name) => `${name}: ${trouble.counts[name] ?? 0} instead of ${REFUSING_SPELLS}`),
    ...world.refusalFaults,
    ...world.endedByThemselves.map((log) => `a node ended by itself: ${log.slice(-2_000)}`),
  ];
}

function faultsOf(ledger: Ledger, chain: TestChain, goal: number): string[] {
  const faults = ledger.wrongBalances.map((account) => `wrong balance: ${account}`);
  const expect = (what: string, actual: number, expected: number): void => {
    if (actual !== expected) faults.push(`${what}: ${actual} instead of ${expected}`);
  };
  expect("requests on the canonical chain", ledger.requested, goal);
  expect("delivered", ledger.fulfilled, goal);
  expect("settled twice", ledger.twice, 0);
  expect("lost", ledger.open.length, 0);
  return faults.map((fault) => `chain ${chain.chainId}: ${fault}`);
}

async function startAsker(chain: TestChain): Promise<Asker> {
  const asker = new Asker(chain, await (await chain.provider.getSigner(ASKER)).getAddress(), say);
  asker.start();
  return asker;
}

/** With no more reorgs, what is asked now stays asked. */
async function askAll(asker: Asker, goal: number): Promise<void> {
  asker.goal = goal;
  while ((await asker.requested()) < goal) await sleep(500);
  await asker.stop();
}

async function main(): Promise<void> {
  const world = await build();
  const steps = readSteps();
  say(
    `seed ${seed}: ${wanted} requests, ${nodeCount} node(s) on ${options.store}, ${world.enclaves.length} enclaves`,
  );
  say(`steps: ${steps.join(", ")}; the nodes' logs: ${logs}`);
  const trouble = new Trouble(world.chain, world.proxies, world.secondProxy, randomTrouble);
  const asker = await startAsker(world.chain);
  const secondAsker = await startAsker(world.second);
  const killer = new Killer(world.nodes, steps, Number(options.kills), randomKills);
  trouble.start();
  await makeHavoc(world, { asker, secondAsker }, { trouble, killer });
  while (trouble.missing.length > 0) await sleep(500);
  await trouble.stop();
  await askAll(asker, wanted);
  await askAll(secondAsker, wantedOnSecond);
  const ledger = await settleDown(world.chain, wanted);
  const secondLedger = await settleDown(world.second, wantedOnSecond);
  const faults = [
    ...findFaults(world, trouble, killer),
    ...faultsOf(ledger, world.chain, wanted),
    ...faultsOf(secondLedger, world.second, wantedOnSecond),
  ];
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
    secondChain: {
      requested: secondLedger.requested,
      delivered: secondLedger.fulfilled,
      twice: secondLedger.twice,
      lost: secondLedger.open.length,
      wrongBalances: secondLedger.wrongBalances.length,
    },
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
