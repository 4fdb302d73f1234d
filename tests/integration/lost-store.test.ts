import { afterEach, beforeEach, expect, test } from "vitest";
import type { Hex } from "../../protocol/bytes.ts";
import { recomputeLedger } from "../oracle/support/ledger.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { describeStores, type TestStore } from "../oracle/support/stores.ts";
import {
  ask,
  mempoolOf,
  outcomeOf,
  type PendingTransaction,
  type TestChain,
  until,
  untilSettled,
} from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

let bed: Testbed;
let store: TestStore;
let chain: TestChain;
let enclave: StandInEnclave;

beforeEach(async () => {
  bed = await startTestbed();
  ({ chain, enclave } = bed);
});

afterEach(async ({ task }) => {
  await bed.stop(task);
  await store.remove();
});

const start = (): Promise<OracleProcess> => bed.startNode({ store: store.config });

/** Asks `count` times in one block, on a chain that mines when told. */
async function askInOneBlock(count: number): Promise<Hex[]> {
  const asker = (await chain.asker.getAddress()).toLowerCase();
  const asked = Promise.all(Array.from({ length: count }, () => ask(chain)));
  await until("the requests in the mempool", async () => {
    // The oracle's own transactions may wait there too: a block without one of the requests would never be followed.
    const own = (await mempoolOf(chain)).filter(({ from }) => from.toLowerCase() === asker);
    return own.length === count ? true : undefined;
  });
  await chain.rpc("evm_mine");
  return (await asked).map(({ requestId }) => requestId);
}

/** The oracle's transactions that wait to be mined, lowest nonce first, once there are `count`. */
async function pooled(count: number): Promise<PendingTransaction[]> {
  return until("the fulfilments in the mempool", async () => {
    const pool = await mempoolOf(chain);
    const found = pool.filter(({ to }) => to.toLowerCase() === chain.deployment.coordinator);
    return found.length === count ? found.sort((a, b) => Number(a.nonce) - Number(b.nonce)) : undefined;
  });
}

describeStores("an oracle whose store is deleted while it works", (createStore) => {
  beforeEach(async () => {
    store = await createStore();
  });

  // Three times what it takes beside a busy neighbour.
  const timeout = 300_000;

  test(
    "starts with an empty one, loses no request, answers none twice and asks no model again",
    { timeout },
    async () => {
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      const first = await start();
      const settled = [(await ask(chain)).requestId, (await ask(chain)).requestId];
      await Promise.all(settled.map((id) => untilSettled(chain, id)));

      await chain.rpc("evm_setAutomine", false);
      enclave.decide = () => held.then(() => ({ status: 1 }));
      const inFlight = await askInOneBlock(2);
      await until("the calls under way", () =>
        Promise.resolve(inFlight.every((id) => enclave.calls.has(id)) ? true : undefined),
      );
      enclave.decide = () => ({ status: 1 });
      const answered = await askInOneBlock(4);
      const sent = await pooled(4);
      await first.stop("SIGKILL");
      await store.empty();

      // Of the four that were sent, two are mined and never seen, one stays in the mempool, and the network forgets one.
      const raw = await chain.rpc("eth_getRawTransactionByHash", sent[2]?.hash);
      await chain.rpc("anvil_dropTransaction", sent[3]?.hash);
      await chain.rpc("anvil_dropTransaction", sent[2]?.hash);
      await chain.rpc("evm_mine");
      const unseen = await askInOneBlock(2);
      await chain.rpc("eth_sendRawTransaction", raw);
      const outcomes = await Promise.all(answered.map((id) => outcomeOf(chain, id)));
      expect(outcomes.map(({ fulfilled }) => fulfilled).sort()).toEqual([0, 0, 1, 1]);

      const { url } = await start();
      release();
      await chain.rpc("evm_setIntervalMining", 1);
      const all = [...settled, ...inFlight, ...answered, ...unseen];
      for (const id of all) {
        expect(await untilSettled(chain, id, 60_000)).toMatchObject({ fulfilled: 1, refunded: 0, status: 1 });
        expect(enclave.calls.get(id)).toBe(1);
      }
      await until("the new store to know it all", async () => {
        const response = await fetch(`${url}/v1/requests?phase=settled&limit=100`);
        const { requests } = (await response.json()) as { requests: readonly unknown[] };
        return requests.length === all.length ? true : undefined;
      });
      // A second transaction for a request would be in one of the next blocks.
      await chain.rpc("anvil_mine", 3);
      expect(await recomputeLedger(chain)).toEqual({
        requested: all.length,
        fulfilled: all.length,
        twice: 0,
        refunded: 0,
        open: [],
        wrongBalances: [],
      });
    },
  );
});
