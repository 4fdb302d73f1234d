/** A run ends with a receipt that can be read, whatever its program and its servers do. */

import { expect, test } from "vitest";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { MAX_RECEIPT_BYTES, MAX_TRANSCRIPT_EVENTS } from "../../../protocol/limits.ts";
import { CallRecorder } from "../../../enclave/agents/call-recorder.ts";
import { ReceiptRoom } from "../../../enclave/agents/receipt-room.ts";

const MOST_CALLS = 512;
const KIB = 1024;
const MIB = 1024 * 1024;

function recorderOf(number: number, args: string): CallRecorder {
  return new CallRecorder(() => undefined, { number, op: "http", args: toUtf8(args), areArgsKept: true });
}

function forward(record: CallRecorder, body: Uint8Array): void {
  record.forwarded(null, { url: new URL("https://a.example/"), method: "POST", body });
}

test("every call may be made, and be refused, in the smallest room", () => {
  const room = new ReceiptRoom(MOST_CALLS, 2 * MIB);
  expect(room.left.events).toBeGreaterThan(0);
  expect(room.left.characters).toBeGreaterThan(4 * MIB);
});

test("what calls hold together never comes to more than a receipt", () => {
  const room = new ReceiptRoom(MOST_CALLS, 0);
  let bodies = 0;
  let refused = 0;
  for (let number = 0; number < MOST_CALLS; number += 1) {
    const args = `${number} ${"a".repeat(50 * KIB)}`;
    if (!room.fits(args.length)) {
      refused += 1;
      continue;
    }
    const record = recorderOf(number, args);
    room.open(record);
    const request = new Uint8Array(20 * KIB).fill(number).fill(number >> 8, 1, 2);
    const most = room.holdExchange(record, { requestBytes: request.length, mostBytes: 100 * KIB });
    if (most > 0) forward(record, request);
    bodies += args.length + (most > 0 ? request.length + most : 0);
    const response = new Uint8Array(most).fill(7).fill(number, 1, 2);
    if (most > 0) record.keep(response.fill(number >> 8, 2, 3));
    room.close(record);
  }
  expect(refused).toBeGreaterThan(0);
  expect(2 * bodies).toBeLessThan(MAX_RECEIPT_BYTES);
  // And most of a receipt is used.
  expect(2 * bodies).toBeGreaterThan(MAX_RECEIPT_BYTES / 2);
});

test("what is set aside for an open exchange is nobody else's", () => {
  const room = new ReceiptRoom(1, 0);
  const [one, other] = [recorderOf(0, "one"), recorderOf(1, "other")];
  room.open(one);
  expect(room.holdExchange(one, { requestBytes: 0, mostBytes: 64 * MIB })).toBeGreaterThan(5 * MIB);
  room.open(other);
  expect(room.holdExchange(other, { requestBytes: 0, mostBytes: 1 })).toBe(0);
  room.close(one);
  expect(room.holdExchange(other, { requestBytes: 0, mostBytes: 1 })).toBe(1);
});

test("events are bounded as bytes are: exchanges end before the transcript's room does", () => {
  const room = new ReceiptRoom(MOST_CALLS, 0);
  const record = recorderOf(0, "");
  room.open(record);
  let exchanges = 0;
  while (
    exchanges < MAX_TRANSCRIPT_EVENTS &&
    room.holdExchange(record, { requestBytes: 0, mostBytes: 1 }) > 0
  ) {
    for (let event = 0; event < 4; event += 1) forward(record, new Uint8Array());
    exchanges += 1;
  }
  expect(4 * exchanges + 2 * MOST_CALLS).toBeLessThan(MAX_TRANSCRIPT_EVENTS);
  expect(exchanges).toBeGreaterThanOrEqual(MOST_CALLS);
});

test("a body that is there already takes no room again", () => {
  const room = new ReceiptRoom(2, 0);
  const first = recorderOf(0, "x".repeat(MIB));
  room.open(first);
  room.close(first);
  const before = room.left.characters;
  const second = recorderOf(1, "x".repeat(MIB));
  room.open(second);
  room.close(second);
  expect(room.left.characters).toBe(before);
});
