import { expect, test } from "vitest";
import { BUMP_MS, POLL, stage, useTransmitter, read, mine, sent, overtake } from "../support/sending.ts";

useTransmitter();

test("gives a nonce up that somebody else used with our key, instead of bidding for it for ever", async () => {
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await overtake(0);
  await mine();
  for (let waited = 0; waited < 60_000; waited += BUMP_MS) {
    stage.time += BUMP_MS + 1;
    await mine();
  }
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "lost", attempts: 1 }]);
  stage.wanted = 1;
  await mine();
  await expect.poll(async () => (await sent()).at(-1), POLL).toMatchObject({ nonce: 1 });
});

test("counts the time after which a nonce is lost from when it was seen used, whenever it was sent", async () => {
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  // As a reorg leaves it.
  await stage.store.db.updateTable("transactions").set({ sent_at: 0 }).execute();
  await overtake(0);
  await mine();
  expect(await sent()).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  stage.time += 60_000;
  await mine();
  expect(await sent()).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  stage.time += 1;
  await mine();
  expect(await sent()).toEqual([{ nonce: 0, state: "lost", attempts: 1 }]);
});

test("takes no outcome from a block that the journal has not read, and looks again when it has", async () => {
  await mine();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await mine({ isRead: false });
  stage.time += 2 * BUMP_MS + 1;
  await mine({ isRead: false });
  expect(await sent()).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
  await read(stage.head!.latest);
  stage.transmitter.wake();
  await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "mined", attempts: 1 }]);
});
