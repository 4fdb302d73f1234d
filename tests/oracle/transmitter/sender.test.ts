import { Wallet } from "ethers";
import { expect, test } from "vitest";
import { readHead } from "../../../oracle/chain/chain-reader.ts";
import { TRANSMITTER_KEYS } from "../support/test-chain.ts";
import {
  KEY,
  FLOOR,
  BUMP_MS,
  POLL,
  stage,
  useTransmitter,
  start,
  mine,
  sent,
  mineDear,
  setBalance,
  costOfFirst,
} from "../support/sending.ts";

useTransmitter();

test("a key from which the node takes nothing for want of money is not usable until it has what is needed", async () => {
  // Above the floor, but for the first transaction it is not enough; the transmitter does not know yet.
  await setBalance(FLOOR);
  await mineDear(40n);
  await expect.poll(sent, POLL).toHaveLength(1);
  const cost = await costOfFirst();
  expect(cost).toBeGreaterThan(FLOOR);
  await expect.poll(() => stage.funds.refresh().then(() => stage.funds.hasUsable()), POLL).toBe(false);
  expect(stage.needed).toEqual([String(cost)]);
  await setBalance(cost - 1n);
  await stage.funds.refresh();
  expect(stage.funds.hasUsable()).toBe(false);
  stage.wanted = 1;
  await setBalance(10n * cost);
  await stage.funds.refresh();
  expect(stage.funds.hasUsable()).toBe(true);
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
  await expect.poll(() => stage.funds.refresh().then(() => stage.funds.hasUsable()), POLL).toBe(false);
  const cost = await costOfFirst();
  stage.time += BUMP_MS + 1;
  await stage.endpoint.send([{ method: "evm_mine", params: [] }]);
  stage.head = { latest: await readHead(stage.endpoint), settledNumber: 0 };
  stage.transmitter.wake();
  const sentAt = async (): Promise<number | undefined> =>
    (await stage.store.db.selectFrom("transactions").select("sent_at").executeTakeFirst())?.sent_at;
  await expect.poll(sentAt, POLL).toBe(stage.time);
  await setBalance(10n * cost);
  await stage.funds.refresh();
  await mine();
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "mined", attempts: 1 }]);
});

test("commits no nonce with a key that is known to have too little, until it has enough", async () => {
  await setBalance(FLOOR);
  await stage.funds.refresh();
  stage.isPersistent = true;
  await mineDear(40n);
  await expect.poll(() => stage.funds.hasUsable(), POLL).toBe(false);
  expect(Number(stage.needed[0])).toBeGreaterThan(Number(FLOOR));
  expect(await sent()).toEqual([]);
  stage.isPersistent = false;
  await setBalance(10n ** 18n);
  await stage.funds.refresh();
  await mineDear(40n);
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await expect.poll(() => stage.funds.hasUsable(), POLL).toBe(true);
});

test("a key that can pay sends what another cannot", async () => {
  await stage.transmitter.stop();
  const other = TRANSMITTER_KEYS[1]!;
  await setBalance(FLOOR);
  await start(KEY, other);
  stage.wanted = 2;
  await mineDear(40n);
  await expect.poll(sent, POLL).toHaveLength(2);
  const rows = await stage.store.db.selectFrom("transactions").select("signer").execute();
  expect(new Set(rows.map(({ signer }) => signer))).toEqual(
    new Set([new Wallet(other).address.toLowerCase()]),
  );
  expect(stage.needed).toEqual([]);
});

test("a nonce that nobody mines holds up what its key has sent, and nothing that another key can send", async () => {
  await stage.transmitter.stop();
  const other = TRANSMITTER_KEYS[1]!;
  await start(KEY, other);
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  const drop = { method: "anvil_dropAllTransactions", params: [] };
  await stage.endpoint.send([drop]);
  stage.time += BUMP_MS + 1;
  stage.transmitter.wake();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 2 }]);
  stage.wanted = 3;
  await mine({ before: [drop] });
  await expect.poll(sent, POLL).toHaveLength(4);
  const rows = await stage.store.db
    .selectFrom("transactions")
    .select(["signer", "nonce"])
    .orderBy("id")
    .execute();
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
