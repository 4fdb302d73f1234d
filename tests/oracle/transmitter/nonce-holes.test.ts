import { beforeEach, expect, test } from "vitest";
import { createLogger } from "../../../oracle/log.ts";
import type { Store } from "../../../oracle/store/store.ts";
import type { OpenTransaction } from "../../../oracle/store/transactions/transaction.ts";
import { NonceHoles } from "../../../oracle/transmitter/nonce-holes.ts";
import { ChainError } from "../../../protocol/errors.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { createPgliteStore, useStore } from "../support/stores.ts";

const FIRST: Hex = `0x${"01".repeat(20)}`;
const SECOND: Hex = `0x${"02".repeat(20)}`;
const HASH: Hex = `0x${"ab".repeat(32)}`;
const HEAD = { number: 1, hash: HASH, parentHash: HASH, timestamp: 0, baseFeePerGas: 40n };
const BUMP_MS = 100;
const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });

let store: Store;
let holes: NonceHoles;
let time: number;
let isAway: boolean;

useStore(createPgliteStore, (opened) => {
  store = opened;
});

beforeEach(() => {
  [time, isAway] = [0, false];
  const limits = { bumpAfterMs: BUMP_MS, feeCap: 500n };
  holes = new NonceHoles({ chainId: 7, store, log, now: () => time, ...limits });
});

function open(signer: Hex, nonce: number): OpenTransaction {
  const sent = { id: nonce, kind: "other", gasLimit: 21_000, feeCap: 1n, sentAt: 0, attempts: [] } as const;
  return { ...sent, signer, nonce };
}

/** What the chain counts of the first key, whose lowest nonce in flight is 20. */
function note(count: number): void {
  holes.note([open(FIRST, 20), open(FIRST, 22)], new Map([[FIRST, count]]));
}

/** The nonces that are filled, or would be. */
async function filled(baseFeePerGas = 40n): Promise<number[]> {
  const signer = {
    address: FIRST,
    sign: ({ nonce }: { readonly nonce: number }) =>
      isAway && nonce > 18
        ? Promise.reject(new ChainError({ code: "CHAIN_SIGNER_UNAVAILABLE", message: "away" }))
        : Promise.resolve({ hash: HASH, raw: "0x02" as const }),
    check: () => Promise.resolve(),
  };
  return (await holes.fill(signer, { ...HEAD, baseFeePerGas }, 1n)).map(({ nonce }) => nonce);
}

test("is due a waiting time after it was first seen, below the lowest nonce of its own key", async () => {
  const pending = [open(SECOND, 3), open(FIRST, 20), open(FIRST, 22)];
  const counts = new Map([
    [FIRST, 18],
    [SECOND, 3],
  ]);
  holes.note(pending, counts);
  time = BUMP_MS;
  holes.note(pending, counts);
  expect(holes.isDue(FIRST)).toBe(false);
  time += 1;
  expect([FIRST, SECOND].map((address) => holes.isDue(address))).toEqual([true, false]);
  expect(await filled()).toEqual([18, 19]);
  expect(holes.isDue(FIRST)).toBe(false);
});

test("is counted from where it was seen, whatever a server counts that lags", async () => {
  note(19);
  time = BUMP_MS + 1;
  note(17);
  expect(holes.isDue(FIRST)).toBe(true);
  expect(await filled()).toEqual([19]);
});

test("is another when it grew smaller, was none meanwhile, or another node held the lease", () => {
  for (const between of [
    () => {
      note(18);
    },
    () => {
      note(20);
    },
    () => {
      holes.clear();
    },
  ]) {
    note(17);
    time += BUMP_MS + 1;
    between();
    note(18);
    expect(holes.isDue(FIRST)).toBe(false);
    holes.clear();
  }
});

test("is filled a part at a time, and as far as the signer goes", async () => {
  note(2);
  expect(await filled()).toEqual(Array.from({ length: 16 }, (_, index) => 2 + index));
  isAway = true;
  note(17);
  expect(await filled()).toEqual([17, 18]);
});

test("is left open while gas costs more than is ever offered", async () => {
  note(18);
  expect(await filled(501n)).toEqual([]);
});
