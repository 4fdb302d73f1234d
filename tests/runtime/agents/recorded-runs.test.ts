/** What is signed of a run, and what a replay makes of it. `npm run fuzz:agents` asks the same ten thousand times. */

import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { replayFile } from "../../../cli/replay/replay-file.ts";
import * as p from "../../../protocol/index.ts";
import { mutateReplays, randomOrders } from "../../support/agent-campaign.ts";
import { answerOf, recordRun, type SignedRecord } from "../../support/recorded-run.ts";

const SOURCE = `export default async (input, host) => {
  const { json } = await host.http({ url: "https://prices.example/eth" });
  return { sell: json.price > 4000 };
};`;

const HONEST = '{"price":3999}';

const record = (lie?: (record: SignedRecord) => SignedRecord): Promise<p.OffChainReceipt> =>
  recordRun({
    source: SOURCE,
    exchangeOf: () => answerOf("prices.example", HONEST),
    ...(lie === undefined ? {} : { lie }),
  });

test("a run is signed, verifies and replays", async () => {
  const { receipt } = await verifyReceipt(p.encodeReceipt(await record()));
  expect(await replayFile(receipt, null)).toMatchObject({ verdict: "equal", calls: 1 });
});

test("an enclave that signs a result which its own body contradicts is genuine, and refused by replay", async () => {
  // The body says what an honest program would sell on; the result, and the output, are those of another one.
  const body = p.toUtf8('{"price":4001}');
  const name = p.toHex(sha256(body));
  const lying = await record(({ events, bodies }) => {
    const honest = p.toHex(sha256(p.toUtf8(HONEST)));
    const kept = Object.entries(bodies).filter(([hash]) => hash !== honest);
    return {
      events: events.map((event) =>
        event.type === "response.received" ? { ...event, bodyHash: name, bodyBytes: body.length } : event,
      ),
      bodies: { ...Object.fromEntries(kept), [name]: p.toHex(body) },
    };
  });
  const { receipt } = await verifyReceipt(p.encodeReceipt(lying));
  expect(await replayFile(receipt, null)).toMatchObject({
    verdict: "diverged",
    divergence: { at: "result", call: 0, actual: expect.stringContaining("4001") as string },
  });
});

test.for([
  ["no URL", "http", "host.http({ url: 5 })"],
  ["no arguments", "http", "host.http()"],
  ["no MCP server", "mcp", "host.mcp({ url: 5 }).tools()"],
])("a call with %s is refused by the enclave, and its run replays", async ([, , call]) => {
  const receipt = await recordRun({
    source: `export default async (input, host) => await ${call}.catch(({ code }) => code);`,
    exchangeOf: () => null,
  });
  expect(p.fromUtf8(p.fromHex(receipt.output))).toBe('"REFUSED"');
  expect(await replayFile(receipt, null)).toMatchObject({ verdict: "equal", calls: 1 });
});

describe("a transcript that says more than the run is not believed unread", () => {
  const replayed = async (change: (events: readonly p.TranscriptEvent[]) => p.TranscriptEvent[]) =>
    await replayFile(await record((made) => ({ ...made, events: change(made.events) })), null);
  const twice = (type: p.TranscriptEvent["type"]) => (events: readonly p.TranscriptEvent[]) =>
    events.flatMap((event) => (event.type === type ? [event, event] : [event]));
  const without = (type: p.TranscriptEvent["type"]) => (events: readonly p.TranscriptEvent[]) =>
    events.filter((event) => event.type !== type);

  test.for(["call.made", "call.settled", "request.forwarded", "response.received"] as const)(
    "%s twice",
    async (type) => {
      expect(await replayed(twice(type))).toMatchObject({ verdict: "notReplayable", because: "noProgram" });
    },
  );

  test("a request of no call", async () => {
    const change = (events: readonly p.TranscriptEvent[]): p.TranscriptEvent[] =>
      events.flatMap((event): readonly p.TranscriptEvent[] =>
        event.type === "request.forwarded"
          ? [event, { ...event, exchange: 7, url: "https://other.example/" }]
          : [event],
      );
    expect(await replayed(change)).toMatchObject({ verdict: "notReplayable", because: "noProgram" });
  });

  test("an answer to a request that nobody sent", async () => {
    expect(await replayed(without("request.forwarded"))).toMatchObject({
      verdict: "diverged",
      divergence: { at: "request", call: 0 },
    });
  });
});

test("random orders of arrival give one transcript for each set of answers, which replays", async () => {
  expect(await randomOrders(10, 7)).toBe(0);
});

test("whatever one bit is changed in is named, at its place", async () => {
  expect((await mutateReplays(60, 7)).unnamed).toEqual([]);
});
