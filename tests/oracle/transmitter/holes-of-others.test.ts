import { expect, test } from "vitest";
import { readHead } from "../../../oracle/chain/chain-reader.ts";
import {
  BUMP_MS,
  POLL,
  stage,
  useTransmitter,
  sent,
  sendElsewhere,
  expectTransferOfNothing,
  mineDear,
} from "../support/sending.ts";

useTransmitter();

test("fills with transfers of nothing what a lost store has left in the mempool, or what is gone from there", async () => {
  await sendElsewhere({ nonce: 0, maxFee: 3n });
  await sendElsewhere({ nonce: 1, maxFee: 3n });
  stage.head = { latest: await readHead(stage.endpoint), settledNumber: 0 };
  stage.transmitter.wake();
  const ours = { nonce: 2, state: "pending", attempts: 1 };
  await expect.poll(sent, POLL).toEqual([ours]);
  // anvil drops what is too cheap for a block.
  await mineDear(40n);
  await sendElsewhere({ nonce: 0, maxFee: 41n });
  stage.time += BUMP_MS + 1;
  stage.transmitter.wake();
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
  stage.head = { latest: await readHead(stage.endpoint), settledNumber: 0 };
  stage.transmitter.wake();
  const ours = { nonce: 1, state: "pending", attempts: 1 };
  await expect.poll(sent, POLL).toEqual([ours]);
  stage.time += BUMP_MS;
  await mineDear(40n);
  stage.time += BUMP_MS;
  await mineDear(40n);
  expect((await sent()).map(({ nonce }) => nonce)).toEqual([1]);
  stage.time += 1;
  await mineDear(40n);
  expect((await sent()).map(({ nonce }) => nonce)).toEqual([1, 0]);
});
