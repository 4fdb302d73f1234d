import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Wallet } from "ethers";
import { afterEach, beforeEach, expect } from "vitest";
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
import { openStore, type Store } from "../../../oracle/store/store.ts";
import { Transmitter } from "../../../oracle/transmitter/transmitter.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { type Anvil, startAnvil } from "../../../devnet/anvil.ts";
import { createPgliteStore, type TestStore } from "./stores.ts";
import { TRANSMITTER_KEYS } from "./test-chain.ts";

export const CHAIN_ID = 31_337;
export const KEY = TRANSMITTER_KEYS[0]!;
export const NOWHERE: Hex = `0x${"11".repeat(20)}`;
export const GWEI = 10n ** 9n;
export const FLOOR = 10n ** 15n;
/** Of a planned transaction. */
export const GAS_LIMIT = 30_000n;
export const BUMP_MS = 30_000;
export const POLL = { interval: 20, timeout: 30_000 };
export const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });

/** What a test may look at and change; made anew for each. */
export interface Stage {
  directory: string;
  place: TestStore;
  store: Store;
  anvil: Anvil;
  endpoint: RpcEndpoint;
  lease: HeldLease;
  transmitter: Transmitter;
  funds: Funds;
  /** What `funds` said to be needed. */
  needed: string[];
  head: ChainHead | undefined;
  /** Milliseconds: as the transmitter sees it. */
  time: number;
  wanted: number;
  /** The request that what is wanted fulfills. */
  fulfilled: Hex | undefined;
  /** Whether what is wanted still is when it was planned. */
  isPersistent: boolean;
  /** Wei per gas that what is wanted is worth. */
  worth: bigint;
  /** The same of a further one that is planned before it; `undefined`: there is none. */
  worthOfFirst: bigint | undefined;
  /** The head that the transmitter worked on last. */
  worked: Hex | undefined;
  /** Servers that transactions are sent to; the chain's own by default. */
  servers: readonly RpcEndpoint[] | undefined;
}

export const stage = {} as Stage;

/** Sets the stage before each test of the file, and clears it after. */
export function useTransmitter(): void {
  beforeEach(async () => {
    stage.directory = mkdtempSync(join(tmpdir(), "adyton-transmitter-"));
    stage.place = await createPgliteStore();
    stage.store = await openStore(stage.place.config);
    stage.anvil = await startAnvil({ args: ["--no-mining"] });
    stage.endpoint = new RpcEndpoint({ url: stage.anvil.url, timeoutMs: 10_000, log, now: () => 0 });
    [stage.head, stage.time, stage.wanted, stage.worth, stage.isPersistent, stage.needed] = [
      undefined,
      1_000_000,
      1,
      500n * GWEI,
      false,
      [],
    ];
    [stage.fulfilled, stage.worthOfFirst] = [undefined, undefined];
    // Its clock stands still: the lease lasts.
    const common = { store: stage.store, log, now: () => 0 };
    stage.lease = new HeldLease({
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
    await stage.transmitter.stop();
    await stage.lease.stop();
    await stage.store.close();
    await stage.anvil.stop();
    await stage.place.remove();
    rmSync(stage.directory, { recursive: true, force: true });
  });
}

/** Begins to send with these keys, of which `funds` knows what they have now. */
export async function start(...keys: readonly [Hex, ...Hex[]]): Promise<void> {
  const rpc = new RpcPool({ endpoints: stage.servers ?? [stage.endpoint], log, now: () => 0 });
  const signers = await Promise.all(
    keys.map((key) => {
      const file = join(stage.directory, key);
      writeFileSync(file, key);
      return loadSigner({ kind: "raw", file });
    }),
  );
  let reads = 0;
  stage.funds = new Funds({
    chainId: CHAIN_ID,
    rpc,
    addresses: signers.map(({ address }) => address),
    floor: FLOOR,
    log: createLogger({
      level: "error",
      write: (line) => stage.needed.push((JSON.parse(line) as { needed: string }).needed),
      now: () => 0,
    }),
    // It is always time to read again.
    now: () => (reads += 10_000),
  });
  await stage.funds.refresh();
  stage.transmitter = new Transmitter({
    chainId: CHAIN_ID,
    rpc,
    store: stage.store,
    log,
    signers: signers as [TransactionSigner],
    funds: stage.funds,
    lease: stage.lease,
    plan: ({ latest }) => {
      stage.worked = latest.hash;
      const planned = Array.from({ length: stage.wanted }, () => ({
        kind: stage.fulfilled === undefined ? ("other" as const) : ("fulfill" as const),
        to: NOWHERE,
        data: "0x" as const,
        gasLimit: Number(GAS_LIMIT),
        feeCap: stage.worth,
        requestIds: stage.fulfilled === undefined ? [] : [stage.fulfilled],
      }));
      if (!stage.isPersistent) stage.wanted = 0;
      const [like] = planned;
      const first =
        like === undefined || stage.worthOfFirst === undefined
          ? []
          : [{ ...like, feeCap: stage.worthOfFirst }];
      return Promise.resolve([...first, ...planned]);
    },
    head: () => stage.head,
    now: () => stage.time,
    maxInFlight: 4,
    bumpAfterMs: BUMP_MS,
    feeCap: 500n * GWEI,
  });
}

/** As the journal does. */
export async function read({ number, hash }: BlockHeader): Promise<void> {
  await stage.store.db.insertInto("blocks").values({ chain_id: CHAIN_ID, number, hash }).execute();
}

type Call = Parameters<RpcEndpoint["send"]>[0][number];

/** @param before sent with the block, so that the transmitter does nothing between the two */
export async function mine({
  isRead = true,
  isSettled = false,
  before = [],
}: { isRead?: boolean; isSettled?: boolean; before?: readonly Call[] } = {}): Promise<void> {
  await stage.endpoint.send([...before, { method: "evm_mine", params: [] }]);
  const latest = await readHead(stage.endpoint);
  if (isRead) await read(latest);
  stage.head = { latest, settledNumber: isSettled ? latest.number : 0 };
  stage.transmitter.wake();
  await expect.poll(() => stage.worked, POLL).toBe(latest.hash);
}

export async function sent(): Promise<{ nonce: number; state: string; attempts: number }[]> {
  const rows = await stage.store.db
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
export async function sendElsewhere({ nonce, maxFee }: Offer): Promise<void> {
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
  await stage.endpoint.send([{ method: "eth_sendRawTransaction", params: [raw] }]);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** Somebody else uses our key: same nonce, a better offer. */
export function overtake(nonce: number): Promise<void> {
  return sendElsewhere({ nonce, maxFee: 400n });
}

export async function expectTransferOfNothing(nonce: number): Promise<void> {
  const { address } = new Wallet(KEY);
  const [transfer] = await stage.endpoint.send([
    { method: "eth_getTransactionBySenderAndNonce", params: [address, `0x${nonce.toString(16)}`] },
  ]);
  expect(transfer).toMatchObject({ ok: true, result: { input: "0x", value: "0x0" } });
  expect(transfer).toHaveProperty("result.to", address.toLowerCase());
}

/** The most that each attempt offers in gwei, by its nonce. */
export async function offers(): Promise<Record<number, number[]>> {
  const rows = await stage.store.db
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
export async function mineDear(gwei: bigint): Promise<void> {
  const params = [`0x${(gwei * GWEI).toString(16)}`];
  await stage.endpoint.send([{ method: "anvil_setNextBlockBaseFeePerGas", params }]);
  await mine();
}

/** Lets a waiting time pass on a chain that has become dear, and a step. */
export async function waitAgain(): Promise<void> {
  await mineDear(40n);
  stage.time += BUMP_MS + 1;
  await mineDear(40n);
}

export async function setBalance(wei: bigint, key = KEY): Promise<void> {
  const params = [new Wallet(key).address, `0x${wei.toString(16)}`];
  await stage.endpoint.send([{ method: "anvil_setBalance", params }]);
}

/** What the first attempt may cost, in wei. */
export async function costOfFirst(): Promise<bigint> {
  const row = await stage.store.db.selectFrom("attempts").select("max_fee").executeTakeFirstOrThrow();
  return GAS_LIMIT * BigInt(row.max_fee);
}
