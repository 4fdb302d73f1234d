import { expect, test } from "vitest";
import type { RpcCall, RpcEndpoint, RpcReply } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { readNextNonce } from "../../../oracle/transmitter/nonces.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { createPgliteStore, useStore } from "../support/stores.ts";

const ADDRESS: Hex = `0x${"11".repeat(20)}`;

let store: Store;

useStore(createPgliteStore, (opened) => {
  store = opened;
});

/** A server that says this of the key. */
function server(name: string, mined: number, waiting: number): RpcEndpoint {
  const say = ({ params: [, tag] }: RpcCall): RpcReply => ({
    ok: true,
    result: `0x${(tag === "pending" ? waiting : mined).toString(16)}`,
  });
  const send = (calls: readonly RpcCall[]): Promise<RpcReply[]> => Promise.resolve(calls.map(say));
  return { name, send } as unknown as RpcEndpoint;
}

function next(...endpoints: readonly RpcEndpoint[]): Promise<number> {
  const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
  return readNextNonce(new RpcPool({ endpoints, log, now: () => 0 }), store, 31_337, ADDRESS);
}

test("the next nonce is above all that waits in the mempool", async () => {
  expect(await next(server("a", 7, 12))).toBe(12);
  expect(await next(server("a", 7, 7 + 4_096))).toBe(7 + 4_096);
});

test("a server that names more than can wait is not believed: nothing under the key would be mined any more", async () => {
  const odd = server("odd", 7, 7 + 4_097);
  expect(await next(odd, server("good", 7, 9))).toBe(9);
  await expect(next(odd)).rejects.toMatchObject({ code: "CHAIN_RPC_UNAVAILABLE" });
});
