import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PaymentJournal } from "../../../../oracle/front/payments/payment-journal.ts";
import type { Hex } from "../../../../protocol/bytes.ts";

const NOW = 1_790_000_000;
const CALL: Hex = `0x${"ca".repeat(32)}`;
const paymentOf = (index: number): Hex => `0x${index.toString(16).padStart(64, "0")}`;
const REPLY = { type: "application/json", body: "{}", receipt: "/v1/receipts/0x01" };

let folder: string;
let path: string;
const open: PaymentJournal[] = [];

function journal(now = NOW): PaymentJournal {
  const opened = new PaymentJournal(path, now);
  open.push(opened);
  return opened;
}

function close(opened: PaymentJournal): void {
  opened.close();
  open.splice(open.indexOf(opened), 1);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-journal-"));
  path = join(folder, "payments");
});
afterEach(() => {
  for (const each of open.splice(0)) each.close();
  rmSync(folder, { recursive: true, force: true });
});

test("keeps what became of each payment, and releases what was being asked", () => {
  const first = journal();
  for (const index of [1, 2, 3, 4])
    first.ask({ payment: paymentOf(index), call: CALL, validBefore: NOW + 60 }, NOW);
  for (const index of [2, 3, 4]) first.move(paymentOf(index), { state: "answered", reply: REPLY });
  for (const index of [3, 4]) first.move(paymentOf(index), { state: "settling" });
  first.move(paymentOf(4), { state: "settled", settlement: "e30=" });
  close(first);
  const second = journal();
  expect([1, 2, 3, 4].map((index) => second.find(paymentOf(index))?.state)).toEqual([
    ...["released", "answered", "settling", "settled"],
  ]);
  expect(second.find(paymentOf(4))).toMatchObject({ call: CALL, reply: REPLY, settlement: "e30=" });
});

test("forgets a payment when no token takes it any more, and not before", () => {
  const first = journal();
  first.ask({ payment: paymentOf(1), call: CALL, validBefore: NOW + 60 }, NOW);
  close(first);
  const second = journal(NOW + 60);
  expect(second.find(paymentOf(1))).toBeDefined();
  close(second);
  expect(journal(NOW + 61).find(paymentOf(1))).toBeUndefined();
  expect(readFileSync(path, "utf8")).toBe("");
});

test("holds a thousand payments, and says so", () => {
  const full = journal();
  for (let index = 0; index < 1_000; index += 1)
    full.ask({ payment: paymentOf(index), call: CALL, validBefore: NOW + 60 }, NOW);
  const more = { payment: paymentOf(1_000), call: CALL, validBefore: NOW + 90 };
  expect(() => {
    full.ask(more, NOW);
  }).toThrow(expect.objectContaining({ code: "INPUT_RATE_LIMITED" }));
  full.ask(more, NOW + 61);
  expect(full.find(paymentOf(0))).toBeUndefined();
});

test("belongs to one front, until that has ended", () => {
  journal();
  expect(() => journal()).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  // Of a process that is gone: Linux counts no further than 2^22.
  close(open[0]!);
  writeFileSync(`${path}.lock`, "99999999");
  expect(journal().find(paymentOf(1))).toBeUndefined();
});

test("leaves out what was being written when the front ended, and refuses what it cannot read", () => {
  const first = journal();
  first.ask({ payment: paymentOf(1), call: CALL, validBefore: NOW + 60 }, NOW);
  close(first);
  appendFileSync(path, '{"payment":"0x');
  const second = journal();
  expect(second.find(paymentOf(1))?.state).toBe("released");
  close(second);
  appendFileSync(path, "something else\n");
  expect(() => journal()).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  // It is left as it is, and free for who repairs it.
  expect(readFileSync(path, "utf8")).toContain("something else");
  writeFileSync(path, "");
  expect(journal().find(paymentOf(1))).toBeUndefined();
});

test("is for its owner's eyes alone: answers are in it", () => {
  journal();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
