/** What bisecting the fee of a sealed question costs a host. */

import { expect, test } from "vitest";
import {
  FeeProbes,
  FIRST_CLOSURE_SECONDS,
  LONGEST_CLOSURE_SECONDS,
} from "../../../enclave/answers/fee-probes.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

const QUESTION: Hex = `0x${"01".repeat(32)}`;
const OTHER: Hex = `0x${"02".repeat(32)}`;
const START = 1_800_000_000;

test("a fee that does not cover a question closes it, whatever fee comes next, and no other question", () => {
  const probes = new FeeProbes();
  probes.enter(QUESTION, START)(false, START);
  expect(codeOf(() => probes.enter(QUESTION, START + FIRST_CLOSURE_SECONDS - 1))).toBe("INPUT_RATE_LIMITED");
  expect(codeOf(() => probes.enter(OTHER, START))).toBe("nothing thrown");
  expect(codeOf(() => probes.enter(QUESTION, START + FIRST_CLOSURE_SECONDS))).toBe("nothing thrown");
});

test("a question is asked once at a time, so that fees are not tried side by side", () => {
  const probes = new FeeProbes();
  const leave = probes.enter(QUESTION, START);
  expect(codeOf(() => probes.enter(QUESTION, START))).toBe("INPUT_RATE_LIMITED");
  leave(true, START);
  expect(codeOf(() => probes.enter(QUESTION, START))).toBe("nothing thrown");
});

test("a question whose fees cover it is never closed", () => {
  const probes = new FeeProbes();
  for (let times = 0; times < 100; times += 1) probes.enter(QUESTION, START)(true, START);
  expect(codeOf(() => probes.enter(QUESTION, START))).toBe("nothing thrown");
});

/** Docs: docs/explanation/threat-model.md, Fees tell the model. */
test("bisecting one of a million prices takes more than an hour, and a dozen calls of the model", () => {
  const probes = new FeeProbes();
  const price = 333_333;
  let now = START;
  let calls = 0;
  let [low, high] = [0, 2 ** 20];
  while (high - low > 1) {
    const fee = Math.floor((low + high) / 2);
    for (;;) {
      try {
        const covered = fee >= price;
        probes.enter(QUESTION, now)(covered, now);
        if (covered) [high, calls] = [fee, calls + 1];
        else low = fee;
        break;
      } catch {
        now += 1;
      }
    }
  }
  expect(high).toBe(price);
  expect(now - START).toBeGreaterThan(LONGEST_CLOSURE_SECONDS);
  expect(calls).toBeGreaterThan(11);
});
