import { afterEach, describe, expect, test } from "vitest";
import { RpcEndpoint } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { type RpcTap, type TappedReply, tapRpc } from "../support/rpc-tap.ts";
import { KEY, BUMP_MS, POLL, log, stage, useTransmitter, start, mine, sent } from "../support/sending.ts";

useTransmitter();

describe("with several servers", () => {
  const taps: RpcTap[] = [];

  afterEach(async () => {
    stage.servers = undefined;
    await Promise.all(taps.splice(0).map((tap) => tap.close()));
  });

  /** Sends through servers before the chain, each of which says this of a transaction. */
  async function startBehind(...replies: readonly (TappedReply | undefined)[]): Promise<void> {
    await stage.transmitter.stop();
    for (const reply of replies) {
      taps.push(
        await tapRpc({
          behind: stage.anvil.url,
          answer: ({ method }) => (method === "eth_sendRawTransaction" ? reply : undefined),
        }),
      );
    }
    stage.servers = taps.map(({ url }) => new RpcEndpoint({ url, timeoutMs: 10_000, log, now: () => 0 }));
    await start(KEY);
  }

  test.for<[string, TappedReply]>([
    ["swallows what it takes", { result: `0x${"07".repeat(32)}` }],
    ["is over its limit", { error: { code: -32_007, message: "50/second request limit reached" } }],
    ["says what nobody has explained", { error: { code: -32_099, message: "flux" } }],
  ])("a first one that %s keeps nothing from the chain", async ([, reply]) => {
    await startBehind(reply, undefined);
    await mine();
    await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
    await expect
      .poll(() => taps.map(({ methods }) => methods.includes("eth_sendRawTransaction")), POLL)
      .toEqual([true, true]);
    await mine();
    await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "mined", attempts: 1 }]);
  });

  test("what none of them took is sent again, and its offer not raised", async () => {
    await startBehind({ error: { code: -32_099, message: "flux" } });
    await mine();
    await expect.poll(sent, POLL).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
    for (let round = 0; round < 3; round += 1) {
      stage.time += BUMP_MS + 1;
      await mine();
    }
    expect(await sent()).toEqual([{ nonce: 0, state: "pending", attempts: 1 }]);
    expect(taps[0]?.methods.filter((method) => method === "eth_sendRawTransaction").length).toBeGreaterThan(
      2,
    );
  });
});
