/** What is signed of a run, and what a replay makes of it. `npm run fuzz:agents` asks the same ten thousand times. */

import { sha256 } from "@noble/hashes/sha2.js";
import { expect, test } from "vitest";
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

test("random orders of arrival give one transcript for each set of answers, which replays", async () => {
  expect(await randomOrders(10, 7)).toBe(0);
});

test("whatever one bit is changed in is named, at its place", async () => {
  expect((await mutateReplays(60, 7)).unnamed).toEqual([]);
});
