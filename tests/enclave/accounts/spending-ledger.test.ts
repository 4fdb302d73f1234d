import { expect, test } from "vitest";
import { SpendingLedger } from "../../../enclave/accounts/spending-ledger.ts";
import type { ProviderKey } from "../../../protocol/provider-key.ts";

const NOW = 1_800_000_000;
const KEY: ProviderKey = {
  models: ["openai/gpt"],
  key: "sk-1",
  owner: { payer: `0x${"aa".repeat(20)}` },
  cap: { inputTokens: 100, outputTokens: 100 },
  expiresAt: NOW + 60,
};
const tokens = (inputTokens: number, outputTokens: number) => ({ inputTokens, outputTokens });
const reached = expect.objectContaining({ code: "INPUT_CAP_REACHED" }) as unknown;

test("what was used counts, and what was set aside beyond it comes back", () => {
  const ledger = new SpendingLedger();
  ledger.reserve(KEY, tokens(80, 80), NOW)(tokens(10, 5));
  ledger.reserve(KEY, tokens(90, 95), NOW)(tokens(90, 95));
  expect(() => ledger.reserve(KEY, tokens(1, 0), NOW)).toThrow(reached);
});

test("calls at the same time share the cap: the second is refused while the first may still need it", () => {
  const ledger = new SpendingLedger();
  const settle = ledger.reserve(KEY, tokens(60, 60), NOW);
  expect(() => ledger.reserve(KEY, tokens(41, 0), NOW)).toThrow(reached);
  settle(tokens(0, 1));
  expect(() => ledger.reserve(KEY, tokens(41, 0), NOW)).not.toThrow();
});

test("where nobody knows what was used, the worst case is", () => {
  const ledger = new SpendingLedger();
  ledger.reserve(KEY, tokens(100, 1), NOW)(null);
  expect(() => ledger.reserve(KEY, tokens(1, 0), NOW)).toThrow(reached);
});

test("either kind of token reaches the cap by itself", () => {
  const ledger = new SpendingLedger();
  expect(() => ledger.reserve(KEY, tokens(101, 0), NOW)).toThrow(reached);
  expect(() => ledger.reserve(KEY, tokens(0, 101), NOW)).toThrow(reached);
  expect(() => ledger.reserve(KEY, tokens(100, 100), NOW)).not.toThrow();
});

test("sealing a key anew, for other models or another owner, does not make it another key", () => {
  const ledger = new SpendingLedger();
  ledger.reserve(KEY, tokens(100, 100), NOW)(null);
  const again = {
    ...KEY,
    models: ["openai/other"],
    owner: { credentialSha256: `0x${"cc".repeat(32)}` } as const,
  };
  expect(() => ledger.reserve(again, tokens(1, 0), NOW)).toThrow(reached);
  // Its owner may raise the cap: what was spent stays spent.
  const raised = { ...KEY, cap: tokens(110, 110) };
  expect(() => ledger.reserve(raised, tokens(11, 0), NOW)).toThrow(reached);
  expect(() => ledger.reserve(raised, tokens(10, 0), NOW)).not.toThrow();
  // A lower cap than what is spent leaves nothing.
  expect(() => ledger.reserve({ ...KEY, cap: tokens(1, 1) }, tokens(1, 0), NOW)).toThrow(reached);
});

test("another key, and the same at another provider, have caps of their own", () => {
  const ledger = new SpendingLedger();
  ledger.reserve(KEY, tokens(100, 100), NOW)(null);
  expect(() => ledger.reserve({ ...KEY, key: "sk-2" }, tokens(100, 100), NOW)).not.toThrow();
  expect(() => ledger.reserve({ ...KEY, models: ["xai/grok"] }, tokens(100, 100), NOW)).not.toThrow();
});

test("keys that cost nothing, since their provider refused them, are not remembered", () => {
  const ledger = new SpendingLedger(1);
  for (const key of ["sk-1", "sk-2", "sk-3"])
    ledger.reserve({ ...KEY, key }, tokens(1, 1), NOW)(tokens(0, 0));
  expect(ledger.size).toBe(0);
});

test("a full ledger refuses a further key, and forgets none that could still be used", () => {
  const ledger = new SpendingLedger(1);
  ledger.reserve(KEY, tokens(100, 100), NOW)(null);
  const other = { ...KEY, key: "sk-2" };
  const full = expect.objectContaining({ code: "INPUT_RATE_LIMITED" }) as unknown;
  expect(() => ledger.reserve(other, tokens(1, 1), NOW + 31 * 86_400)).toThrow(full);
  expect(() => ledger.reserve(KEY, tokens(1, 1), NOW)).toThrow(reached);
  expect(() => ledger.reserve(other, tokens(1, 1), NOW + 31 * 86_400 + 1)).not.toThrow();
});
