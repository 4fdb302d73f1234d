/** A node whose only road to the chain is a WebSocket: it would poll once an hour, so whatever it notices it was told. */

import { afterEach, beforeEach, expect, test } from "vitest";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import { ask, type TestChain, untilSettled } from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

let bed: Testbed;
let chain: TestChain;
let oracle: OracleProcess;

beforeEach(async () => {
  bed = await startTestbed();
  ({ chain } = bed);
  oracle = await bed.startNode({
    chainChange: { rpcUrls: [chain.anvil.url.replace("http", "ws")], pollMs: 3_600_000 },
  });
});

afterEach(({ task }) => bed.stop(task));

test("a node follows the chain by a subscription, and stops when asked to", { timeout: 90_000 }, async () => {
  for (let count = 0; count < 3; count += 1) {
    const { requestId } = await ask(chain);
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, status: 1 });
  }
  expect(await oracle.stop("SIGTERM")).toBe(0);
});
