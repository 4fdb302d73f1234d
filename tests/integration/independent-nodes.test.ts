/** Nodes that share nothing but the chain: each has its own store, key and enclave. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assign } from "../../oracle/relay/asking/assignment.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import {
  ask,
  outcomeOf,
  type TestChain,
  TRANSMITTER_KEYS,
  until,
  untilSettled,
} from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

/** Long enough for a busy machine to settle a request, short enough to wait for. */
const TURN_SECONDS = 15;
const REQUESTS = 8;

let bed: Testbed;
let chain: TestChain;
let enclaves: readonly StandInEnclave[];
let nodes: OracleProcess[] = [];

beforeAll(async () => {
  bed = await startTestbed(["one", "two"]);
  ({ chain, enclaves } = bed);
  nodes = await Promise.all(
    enclaves.map((enclave, index) =>
      bed.startNode({
        name: String(index),
        enclaves: [enclave],
        keys: TRANSMITTER_KEYS.slice(index, index + 1),
        chainChange: { turnSeconds: TURN_SECONDS },
      }),
    ),
  );
  await bed.untilAdmitted();
});

afterAll(() => bed.stop());

const callsOf = (requestId: Hex): number[] => enclaves.map(({ calls }) => calls.get(requestId) ?? 0);

/** The enclave on the platform whose turn is first, as anybody computes it from the chain's events. */
async function firstOf(requestId: Hex, blockNumber: number): Promise<StandInEnclave | undefined> {
  const events = await chain.registry.queryFilter(chain.registry.filters.EnclaveAdmitted(), 0);
  const keysets = events.map(({ args, blockNumber: since }) => ({
    keysetId: args.keysetId as Hex,
    platform: args.platformId as Hex,
    since,
  }));
  const [platform] = assign(requestId, blockNumber, keysets).order;
  const keysetId = keysets.find((keyset) => keyset.platform === platform)?.keysetId;
  return enclaves.find((enclave) => enclave.keysetId === keysetId);
}

describe("two nodes that share nothing but the chain", () => {
  test(
    "ask one model for each request: that of the platform whose turn it is",
    { timeout: 90_000 },
    async () => {
      for (let count = 0; count < REQUESTS; count += 1) {
        const { requestId, receipt } = await ask(chain);
        expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, refunded: 0, status: 1 });
        const first = await firstOf(requestId, receipt.blockNumber);
        expect(callsOf(requestId)).toEqual(enclaves.map((enclave) => (enclave === first ? 1 : 0)));
      }
    },
  );

  test("when one dies, the other answers its requests after their turn", { timeout: 180_000 }, async () => {
    await nodes[0]?.stop("SIGKILL");
    const asked: Hex[] = [];
    // Until one falls to the dead node: the other one stands by for it.
    const orphan = await until(
      "a request whose turn is the dead node's",
      async () => {
        const { requestId } = await ask(chain);
        asked.push(requestId);
        return until("somebody's decision", () =>
          Promise.resolve(
            callsOf(requestId)[1] === 1
              ? { requestId: undefined }
              : nodes[1]
                    ?.log()
                    .includes(`"answer.standing-by","chainId":31337,"requestId":"${requestId}"`) === true
                ? { requestId }
                : undefined,
          ),
        ).then((found) => found.requestId);
      },
      90_000,
    );
    expect(await outcomeOf(chain, orphan)).toMatchObject({ fulfilled: 0 });
    for (const requestId of asked) {
      expect(await untilSettled(chain, requestId, 60_000)).toMatchObject({ fulfilled: 1, status: 1 });
      expect(callsOf(requestId)).toEqual([0, 1]);
    }
  });
});
