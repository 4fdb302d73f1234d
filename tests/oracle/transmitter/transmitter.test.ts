import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Wallet } from "ethers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BlockHeader } from "../../../oracle/chain/rpc/block.ts";
import { readHead } from "../../../oracle/chain/chain-reader.ts";
import type { ChainHead } from "../../../oracle/chain/chain-source.ts";
import { RpcEndpoint } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../oracle/chain/rpc/rpc-pool.ts";
import { loadSigner } from "../../../oracle/chain/signing/signer.ts";
import type { TransactionSigner } from "../../../oracle/chain/signing/transaction-signer.ts";
import { HeldLease } from "../../../oracle/engine/held-lease.ts";
import { createLogger } from "../../../oracle/log.ts";
import { Funds } from "../../../oracle/transmitter/funds.ts";
import { dueRefunds } from "../../../oracle/store/settlements.ts";
import { openStore, type Store } from "../../../oracle/store/store.ts";
import { Transmitter } from "../../../oracle/transmitter/transmitter.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { type Anvil, startAnvil } from "../../../devnet/anvil.ts";
import { aRequest, storeRequest } from "../support/requests.ts";
import { type RpcTap, type TappedReply, tapRpc } from "../support/rpc-tap.ts";
import { createPgliteStore, type TestStore } from "../support/stores.ts";
import { TRANSMITTER_KEYS } from "../support/test-chain.ts";

const CHAIN_ID = 31_337;
const KEY = TRANSMITTER_KEYS[0]!;
const NOWHERE: Hex = `0x${"11".repeat(20)}`;
const GWEI = 10n ** 9n;
const FLOOR = 10n ** 15n;
/** Of a planned transaction. */
const GAS_LIMIT = 30_000n;
const BUMP_MS = 30_000;
const POLL = { interval: 20, timeout: 30_000 };
const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });

let directory: string;
let place: TestStore;
let store: Store;
let anvil: Anvil;
let endpoint: RpcEndpoint;
let lease: HeldLease;
let transmitter: Transmitter;
let funds: Funds;
/** What `funds` said to be needed. */
let needed: string[];
let head: ChainHead | undefined;
/** Milliseconds: as the transmitter sees it. */
let time: number;
let wanted: number;
/** The request that what is wanted fulfills. */
let fulfilled: Hex | undefined;
/** Whether what is wanted still is when it was planned. */
let isPersistent: boolean;
/** Wei per gas that what is wanted is worth. */
let worth: bigint;
/** The same of a further one that is planned before it; `undefined`: there is none. */
let worthOfFirst: bigint | undefined;
/** The head that the transmitter worked on last. */
let worked: Hex | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "adyton-transmitter-"));
  place = await createPgliteStore();
  store = await openStore(place.config);
  anvil = await startAnvil({ args: ["--no-mining"] });
  endpoint = new RpcEndpoint({ url: anvil.url, timeoutMs: 10_000, log, now: () => 0 });
  [head, time, wanted, worth, isPersistent, needed] = [undefined, 1_000_000, 1, 500n * GWEI, false, []];
  [fulfilled, worthOfFirst] = [undefined, undefined];
  // Its clock stands still: the lease lasts.
  const common = { store, log, now: () => 0 };
  lease = new HeldLease({
    ...common,
    name: "chain:1",
    holder: "us",
    leaseMs: 60_000,
    isFit: () => true,
    onTaken: () => undefined,
  });
  await start(KEY);
});

afterEach(async () => {
  await transmitter.stop();
  await lease.stop();
  await store.close();
  await anvil.stop();
  await place.remove();
  rmSync(directory, { recursive: true, force: true });
});

/** Servers that transactions are sent to; the chain's own by default. */
let servers: readonly RpcEndpoint[] | undefined;

/** Begins to send with these keys, of which `funds` knows what they have now. */
async function start(...keys: readonly [Hex, ...Hex[]]): Promise<void> {
  const rpc = new RpcPool({ endpoints: servers ?? [endpoint], log, now: () => 0 });
  const signers = await Promise.all(
    keys.map((key) => {
      const file = join(directory, key);
      writeFileSync(file, key);
      return loadSigner({ kind: "raw", file });
    }),
  );
  let reads = 0;
  funds = new Funds({
    chainId: CHAIN_ID,
    rpc,
    addresses: signers.map(({ address }) => address),
    floor: FLOOR,
    log: createLogger({
      level: "error",
      write: (line) => needed.push((JSON.parse(line) as { needed: string }).needed),
      now: () => 0,
    }),
    // It is always time to read again.
    now: () => (reads += 10_000),
  });
  await funds.refresh();
  transmitter = new Transmitter({
    chainId: CHAIN_ID,
    rpc,
    store,
    log,
    signers: signers as [TransactionSigner],
    funds,
    lease,
    plan: ({ latest }) => {
      worked = latest.hash;
      const planned = Array.from({ length: wanted }, () => ({
        kind: fulfilled === undefined ? ("other" as const) : ("fulfill" as const),
        to: NOWHERE,
        data: "0x" as const,
        gasLimit: Number(GAS_LIMIT),
        feeCap: worth,
        requestIds: fulfilled === undefined ? [] : [fulfilled],
      }));
      if (!isPersistent) wanted = 0;
      const [like] = planned;
      const first =
        like === undefined || worthOfFirst === undefined ? [] : [{ ...like, feeCap: worthOfFirst }];
      return Promise.resolve([...first, ...planned]);
    },
    head: () => head,
    now: () => time,
    maxInFlight: 4,
    bumpAfterMs: BUMP_MS,
    feeCap: 500n * GWEI,
  });
}

/** As the journal does. */
async function read({ number, hash }: BlockHeader): Promise<void> {
  await store.db.insertInto("blocks").values({ chain_id: CHAIN_ID, number, hash }).execute();
}

type Call = Parameters<RpcEndpoint["send"]>[0][number];

/** @param before sent with the block, so that the transmitter does nothing between the two */
async function mine({
  isRead = true,
  isSettled = false,
  before = [],
}: { isRead?: boolean; isSettled?: boolean; before?: readonly Call[] } = {}): Promise<void> {
  await endpoint.send([...before, { method: "evm_mine", params: [] }]);
  const latest = await readHead(endpoint);
  if (isRead) await read(latest);
  head = { latest, settledNumber: isSettled ? latest.number : 0 };
  transmitter.wake();
  await expect.poll(() => worked, POLL).toBe(latest.hash);
}

async function sent(): Promise<{ nonce: number; state: string; attempts: number }[]> {
  const rows = await store.db
    .selectFrom("transactions as t")
    .innerJoin("attempts as a", "a.transaction_id", "t.id")
    .select(["t.nonce", "t.state", ({ fn }) => fn.count<number>("a.hash").as("attempts")])
    .groupBy(["t.id", "t.nonce", "t.state"])
    .orderBy("t.id")
    .execute();
  return rows;
}

interface Offer {
  readonly nonce: number;
  /** Gwei. */
  readonly maxFee: bigint;
}

/** Of our key, and not of our store. */
async function sendElsewhere({ nonce, maxFee }: Offer): Promise<void> {
  const raw = await new Wallet(KEY).signTransaction({
    type: 2,
    chainId: CHAIN_ID,
    nonce,
    to: NOWHERE,
    value: 1n,
    gasLimit: 30_000,
    maxFeePerGas: maxFee * GWEI,
    maxPriorityFeePerGas: least(maxFee, 100n) * GWEI,
  });
  await endpoint.send([{ method: "eth_sendRawTransaction", params: [raw] }]);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** Somebody else uses our key: same nonce, a better offer. */
function overtake(nonce: number): Promise<void> {
  return sendElsewhere({ nonce, maxFee: 400n });
}

async function expectTransferOfNothing(nonce: number): Promise<void> {
  const { address } = new Wallet(KEY);
  const [transfer] = await endpoint.send([
    { method: "eth_getTransactionBySenderAndNonce", params: [address, `0x${nonce.toString(16)}`] },
  ]);
  expect(transfer).toMatchObject({ ok: true, result: { input: "0x", value: "0x0" } });
  expect(transfer).toHaveProperty("result.to", address.toLowerCase());
}

describe("with several servers", () => {
  const taps: RpcTap[] = [];

  afterEach(async () => {
    servers = undefined;
    await Promise.all(taps.splice(0).map((tap) => tap.close()));
  });

  /** Sends through servers before the chain, each of which says this of a transaction. */
  async function startBehind(...replies: readonly (TappedReply | undefined)[]): Promise<void> {
    await transmitter.stop();
    for (const reply of replies) {
      taps.push(
        await tapRpc({
          behind: anvil.url,
          answer: ({ method }) => (method === "eth_sendRawTransaction" ? reply : undefined),
        }),
      );
    }
    servers = taps.map(({ url }) => new RpcEndpoint({ url, timeoutMs: 10_000, log, now: () => 0 }));
    await start(KEY);
  }

  test.for<[string, TappedReply]>([
    ["swallows what it takes", { result: `0x${"07".repeat(32)}` }],
    ["is over its limit", { error: { code: -32_007, message: "50/second request limit reached" } }],
    ["says what nobody has explained", { error: { code: -32_099, message: "flux" } }],
  ])("a first one that %s keeps nothing from the chain", async ([, reply]) => {
    await startBehind(reply, undefined);
    await mine();
    await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
    await expect
      .poll(() => taps.map(({ methods }) => methods.includes("eth_sendRawTransaction")), POLL)
      .toEqual([true, true]);
    await mine();
    await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "mined", attempts: 1 }]);
  });

  test("what none of them took is sent again, and its offer not raised", async () => {
    await startBehind({ error: { code: -32_099, message: "flux" } });
    await mine();
    await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
    for (let round = 0; round < 3; round += 1) {
      time += BUMP_MS + 1;
      await mine();
    }
    expect(await sent()).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
    expect(taps[0]?.methods.filter((method) => method === "eth_sendRawTransaction").length).toBeGreaterThan(
      2,
    );
  });
});

test("raises the offer of what is not mined, once for each waiting time", async () => {
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await endpoint.send([{ method: "anvil_dropAllTransactions", params: [] }]);
  time += BUMP_MS + 1;
  transmitter.wake();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 2 }]);
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "mined", attempts: 2 }]);
});

/** The most that each attempt offers in gwei, by its nonce. */
async function offers(): Promise<Record<number, number[]>> {
  const rows = await store.db
    .selectFrom("transactions as t")
    .innerJoin("attempts as a", "a.transaction_id", "t.id")
    .select(["t.nonce", "a.max_fee"])
    .orderBy("t.nonce")
    .orderBy("a.created_at")
    .execute();
  const byNonce = Map.groupBy(rows, ({ nonce }) => nonce);
  return Object.fromEntries(
    [...byNonce].map(([nonce, attempts]) => [nonce, attempts.map(({ max_fee }) => Number(max_fee) / 1e9)]),
  );
}

/** Blocks in which nothing of ours fits, at this base fee. */
async function mineDear(gwei: bigint): Promise<void> {
  const params = [`0x${(gwei * GWEI).toString(16)}`];
  await endpoint.send([{ method: "anvil_setNextBlockBaseFeePerGas", params }]);
  await mine();
}

/** Lets a waiting time pass on a chain that has become dear, and a step. */
async function waitAgain(): Promise<void> {
  await mineDear(40n);
  time += BUMP_MS + 1;
  await mineDear(40n);
}

test("what is worth less than gas costs now is left, and holds up nothing that was planned with it", async () => {
  worthOfFirst = GWEI;
  await mineDear(40n);
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  const { fee_cap: feeCap } = await store.db
    .selectFrom("transactions")
    .select("fee_cap")
    .executeTakeFirstOrThrow();
  expect(BigInt(feeCap ?? 0)).toBe(worth);
});

test("never offers more than what it does is worth", async () => {
  worth = 5n * GWEI;
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  for (let round = 0; round < 3; round += 1) await waitAgain();
  const all = (await offers())[0] ?? [];
  expect(Math.max(...all)).toBeLessThanOrEqual(5);
});

test("gives its nonce to a transfer of nothing when it is worth less than gas costs, and others wait behind it", async () => {
  worth = 5n * GWEI;
  wanted = 2;
  await mine();
  await expect.poll(sent, POLL).toHaveLength(2);
  await waitAgain();
  await expect.poll(async () => (await offers())[0]?.length, POLL).toBe(2);
  expect(Math.max(...((await offers())[0] ?? []))).toBeGreaterThan(40);
  await mineDear(40n);
  await expect.poll(async () => (await sent())[0]?.state, POLL).toBe("mined");
  expect(Math.max(...((await offers())[1] ?? []))).toBeLessThanOrEqual(5);
  await expectTransferOfNothing(0);
});

test("gives a nonce up that somebody else used with our key, instead of bidding for it for ever", async () => {
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await overtake(0);
  await mine();
  for (let waited = 0; waited < 60_000; waited += BUMP_MS) {
    time += BUMP_MS + 1;
    await mine();
  }
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "lost", attempts: 1 }]);
  wanted = 1;
  await mine();
  await expect.poll(async () => (await sent()).at(-1), POLL).toMatchObject({ nonce: 1 });
});

test("counts the time after which a nonce is lost from when it was seen used, whenever it was sent", async () => {
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  // As a reorg leaves it.
  await store.db.updateTable("transactions").set({ sent_at: 0 }).execute();
  await overtake(0);
  await mine();
  expect(await sent()).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  time += 60_000;
  await mine();
  expect(await sent()).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  time += 1;
  await mine();
  expect(await sent()).toEqual([{ nonce: 0, state: "lost", attempts: 1 }]);
});

test("takes no outcome from a block that the journal has not read, and looks again when it has", async () => {
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await mine({ isRead: false });
  time += 2 * BUMP_MS + 1;
  await mine({ isRead: false });
  expect(await sent()).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await read(head!.latest);
  transmitter.wake();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "mined", attempts: 1 }]);
});

async function setBalance(wei: bigint, key = KEY): Promise<void> {
  const params = [new Wallet(key).address, `0x${wei.toString(16)}`];
  await endpoint.send([{ method: "anvil_setBalance", params }]);
}

/** What the first attempt may cost, in wei. */
async function costOfFirst(): Promise<bigint> {
  const row = await store.db.selectFrom("attempts").select("max_fee").executeTakeFirstOrThrow();
  return GAS_LIMIT * BigInt(row.max_fee);
}

test("a key from which the node takes nothing for want of money is not usable until it has what is needed", async () => {
  // Above the floor, but for the first transaction it is not enough; the transmitter does not know yet.
  await setBalance(FLOOR);
  await mineDear(40n);
  await expect.poll(sent, POLL).toHaveLength(1);
  const cost = await costOfFirst();
  expect(cost).toBeGreaterThan(FLOOR);
  await expect.poll(() => funds.refresh().then(() => funds.hasUsable()), POLL).toBe(false);
  expect(needed).toEqual([String(cost)]);
  await setBalance(cost - 1n);
  await funds.refresh();
  expect(funds.hasUsable()).toBe(false);
  wanted = 1;
  await setBalance(10n * cost);
  await funds.refresh();
  expect(funds.hasUsable()).toBe(true);
  // The committed one first, without waiting until it counts as stuck; then what came meanwhile.
  await mineDear(40n);
  await expect.poll(sent, POLL).toHaveLength(2);
  await mine();
  await mine();
  await expect.poll(sent, POLL).toEqual([
    { nonce: 0, state: "mined", attempts: 1 },
    { nonce: 1, state: "mined", attempts: 1 },
  ]);
});

test("does not offer more for what nobody has taken for want of money", async () => {
  await setBalance(FLOOR);
  await mineDear(40n);
  await expect.poll(() => funds.refresh().then(() => funds.hasUsable()), POLL).toBe(false);
  const cost = await costOfFirst();
  time += BUMP_MS + 1;
  await endpoint.send([{ method: "evm_mine", params: [] }]);
  head = { latest: await readHead(endpoint), settledNumber: 0 };
  transmitter.wake();
  const sentAt = async (): Promise<number | undefined> =>
    (await store.db.selectFrom("transactions").select("sent_at").executeTakeFirst())?.sent_at;
  await expect.poll(sentAt, POLL).toBe(time);
  await setBalance(10n * cost);
  await funds.refresh();
  await mine();
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "mined", attempts: 1 }]);
});

test("commits no nonce with a key that is known to have too little, until it has enough", async () => {
  await setBalance(FLOOR);
  await funds.refresh();
  isPersistent = true;
  await mineDear(40n);
  await expect.poll(() => funds.hasUsable(), POLL).toBe(false);
  expect(Number(needed[0])).toBeGreaterThan(Number(FLOOR));
  expect(await sent()).toEqual([]);
  isPersistent = false;
  await setBalance(10n ** 18n);
  await funds.refresh();
  await mineDear(40n);
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await expect.poll(() => funds.hasUsable(), POLL).toBe(true);
});

test("a key that can pay sends what another cannot", async () => {
  await transmitter.stop();
  const other = TRANSMITTER_KEYS[1]!;
  await setBalance(FLOOR);
  await start(KEY, other);
  wanted = 2;
  await mineDear(40n);
  await expect.poll(sent, POLL).toHaveLength(2);
  const rows = await store.db.selectFrom("transactions").select("signer").execute();
  expect(new Set(rows.map(({ signer }) => signer))).toEqual(
    new Set([new Wallet(other).address.toLowerCase()]),
  );
  expect(needed).toEqual([]);
});

test("a nonce that nobody mines holds up what its key has sent, and nothing that another key can send", async () => {
  await transmitter.stop();
  const other = TRANSMITTER_KEYS[1]!;
  await start(KEY, other);
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  const drop = { method: "anvil_dropAllTransactions", params: [] };
  await endpoint.send([drop]);
  time += BUMP_MS + 1;
  transmitter.wake();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 2 }]);
  wanted = 3;
  await mine({ before: [drop] });
  await expect.poll(sent, POLL).toHaveLength(4);
  const rows = await store.db.selectFrom("transactions").select(["signer", "nonce"]).orderBy("id").execute();
  const [stuck, moving] = [KEY, other].map((key) => new Wallet(key).address.toLowerCase());
  expect(rows.map(({ signer, nonce }) => [signer, nonce])).toEqual([
    [stuck, 0],
    [moving, 0],
    [moving, 1],
    [moving, 2],
  ]);
  await mine();
  await expect
    .poll(async () => (await sent()).map(({ state }) => state), POLL)
    .toEqual(["pending", "mined", "mined", "mined"]);
});

test("gives its nonce to a transfer of nothing when it can only revert, and its request to be refunded", async () => {
  const { timestamp } = await readHead(endpoint);
  const deadline = timestamp + 1_000;
  fulfilled = await storeRequest(store, aRequest({ deadline: BigInt(deadline) }));
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await mine({
    before: [
      { method: "anvil_dropAllTransactions", params: [] },
      { method: "evm_setNextBlockTimestamp", params: [deadline + 1] },
    ],
  });
  time += BUMP_MS + 1;
  transmitter.wake();
  // Nothing waits behind it, and a higher offer for what it did would not have been too dear.
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 2 }]);
  const due = { chainId: CHAIN_ID, time: deadline + 1, limit: 9 };
  expect(await dueRefunds(store, due)).toEqual([]);
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "mined", attempts: 2 }]);
  await expectTransferOfNothing(0);
  await mine({ isSettled: true });
  expect(await dueRefunds(store, due)).toMatchObject([{ requestId: fulfilled }]);
});

test("fills with transfers of nothing what a lost store has left in the mempool, or what is gone from there", async () => {
  await sendElsewhere({ nonce: 0, maxFee: 3n });
  await sendElsewhere({ nonce: 1, maxFee: 3n });
  head = { latest: await readHead(endpoint), settledNumber: 0 };
  transmitter.wake();
  const ours = { nonce: 2, state: "pending", attempts: 1 };
  await expect.poll(sent, POLL).toEqual([ours]);
  // anvil drops what is too cheap for a block.
  await mineDear(40n);
  await sendElsewhere({ nonce: 0, maxFee: 41n });
  time += BUMP_MS + 1;
  transmitter.wake();
  const transfers = [0, 1].map((nonce) => ({ ...ours, nonce }));
  await expect.poll(sent, POLL).toEqual([{ ...ours, attempts: 2 }, ...transfers]);
  await mineDear(50n);
  const mined = [2, 0, 1].map((nonce) => `${nonce} mined`);
  await expect.poll(async () => (await sent()).map(({ nonce, state }) => `${nonce} ${state}`)).toEqual(mined);
  await expectTransferOfNothing(0);
  await expectTransferOfNothing(1);
});

test("fills nothing before a waiting time has passed since it saw the hole", async () => {
  await sendElsewhere({ nonce: 0, maxFee: 3n });
  head = { latest: await readHead(endpoint), settledNumber: 0 };
  transmitter.wake();
  const ours = { nonce: 1, state: "pending", attempts: 1 };
  await expect.poll(sent, POLL).toEqual([ours]);
  time += BUMP_MS;
  await mineDear(40n);
  time += BUMP_MS;
  await mineDear(40n);
  expect((await sent()).map(({ nonce }) => nonce)).toEqual([1]);
  time += 1;
  await mineDear(40n);
  expect((await sent()).map(({ nonce }) => nonce)).toEqual([1, 0]);
});
