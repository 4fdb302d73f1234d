import { expect, test } from "vitest";
import { readHead } from "../../../oracle/chain/chain-reader.ts";
import { dueRefunds } from "../../../oracle/store/settlements.ts";
import { aRequest, storeRequest } from "../support/requests.ts";
import {
  CHAIN_ID,
  GWEI,
  BUMP_MS,
  POLL,
  stage,
  useTransmitter,
  mine,
  sent,
  expectTransferOfNothing,
  offers,
  mineDear,
  waitAgain,
} from "../support/sending.ts";

useTransmitter();

test("raises the offer of what is not mined, once for each waiting time", async () => {
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await stage.endpoint.send([{ method: "anvil_dropAllTransactions", params: [] }]);
  stage.time += BUMP_MS + 1;
  stage.transmitter.wake();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 2 }]);
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "mined", attempts: 2 }]);
});

test("what is worth less than gas costs now is left, and holds up nothing that was planned with it", async () => {
  stage.worthOfFirst = GWEI;
  await mineDear(40n);
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  const { fee_cap: feeCap } = await stage.store.db
    .selectFrom("transactions")
    .select("fee_cap")
    .executeTakeFirstOrThrow();
  expect(BigInt(feeCap ?? 0)).toBe(stage.worth);
});

test("never offers more than what it does is worth", async () => {
  stage.worth = 5n * GWEI;
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  for (let round = 0; round < 3; round += 1) await waitAgain();
  const all = (await offers())[0] ?? [];
  expect(Math.max(...all)).toBeLessThanOrEqual(5);
});

test("gives its nonce to a transfer of nothing when it is worth less than gas costs, and others wait behind it", async () => {
  stage.worth = 5n * GWEI;
  stage.wanted = 2;
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

test("gives its nonce to a transfer of nothing when it can only revert, and its request to be refunded", async () => {
  const { timestamp } = await readHead(stage.endpoint);
  const deadline = timestamp + 1_000;
  stage.fulfilled = await storeRequest(stage.store, aRequest({ deadline: BigInt(deadline) }));
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await mine({
    before: [
      { method: "anvil_dropAllTransactions", params: [] },
      { method: "evm_setNextBlockTimestamp", params: [deadline + 1] },
    ],
  });
  stage.time += BUMP_MS + 1;
  stage.transmitter.wake();
  // Nothing waits behind it, and a higher offer for what it did would not have been too dear.
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 2 }]);
  const due = { chainId: CHAIN_ID, time: deadline + 1, limit: 9 };
  expect(await dueRefunds(stage.store, due)).toEqual([]);
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "mined", attempts: 2 }]);
  await expectTransferOfNothing(0);
  await mine({ isSettled: true });
  expect(await dueRefunds(stage.store, due)).toMatchObject([{ requestId: stage.fulfilled }]);
});
