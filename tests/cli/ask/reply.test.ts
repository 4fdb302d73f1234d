/** What `adyton ask` says of an answer: the enclave's own reason stands beside ours. */

import { expect, test } from "vitest";
import type { Answered } from "../../../cli/ask/ask-contract.ts";
import { readReply } from "../../../cli/ask/reply.ts";
import { AnswerStatus, type AnswerStatusName } from "../../../protocol/answer.ts";
import { encodeReceipt, parseReceipt } from "../../../protocol/receipt.ts";
import { createSampleReceipt } from "../../support/sample-receipt.ts";

/** A receipt that ends so; nothing here verifies it. */
async function receiptWith(status: AnswerStatus, reason: string | null): Promise<Uint8Array> {
  const sample = parseReceipt(await createSampleReceipt({ where: "on chain" }));
  const transcript = sample.transcript.map((leaf) =>
    "event" in leaf && leaf.event.type === "output.returned"
      ? { ...leaf, event: { ...leaf.event, status, reason } }
      : leaf,
  );
  return encodeReceipt({ ...sample, answer: { ...sample.answer, status }, transcript, output: "0x" });
}

function answered(status: AnswerStatusName, reason: string | null = null): Answered {
  const gas = { requestGas: 1n, fulfillGas: 1n, fulfillTx: null, requestTx: "0x", msToAnswer: 0 };
  return { ...gas, requestId: `0x${"11".repeat(32)}`, status, reason, delivered: false, callback: null };
}

test.for([
  ["invalidOutput", AnswerStatus.invalidOutput, "severity must be an integer from 0 to 10"],
  ["invalidRequest", AnswerStatus.invalidRequest, "m cannot be asked this: it takes no seed"],
  ["upstreamFailed", AnswerStatus.upstreamFailed, "m gave no answer: no connection (MODEL_UNREACHABLE)"],
] as const)("the receipt's reason for %s is told", async ([name, status, reason]) => {
  const sources = { delivered: null, receipt: await receiptWith(status, reason) };
  expect(readReply(answered(name), null, sources).problem).toContain(`(${reason})`);
  const silent = { delivered: null, receipt: await receiptWith(status, null) };
  expect(readReply(answered(name), null, silent).problem).not.toContain(reason);
});

test("what the oracle said before the chain did comes first, as it has the time as well", async () => {
  const sources = { delivered: null, receipt: await receiptWith(AnswerStatus.upstreamFailed, "old") };
  const said = "m is down: settles from 2026-11-01T00:00:00.000Z on";
  expect(readReply(answered("upstreamFailed", said), null, sources).problem).toMatch(`(${said})`);
});
