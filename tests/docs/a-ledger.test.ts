/** The ledger's tutorial shows the example's contract, and its commands run what there is. */

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const page = readFileSync(join(ROOT, "docs/tutorials/a-ledger.md"), "utf8");
const commands = Array.from(page.matchAll(/^```sh\n(.*?)^```/gms), ([, code = ""]) => code.trim());

test("its contract is the example's, to the byte", () => {
  const [, contract] = /```solidity\n([\s\S]*?)```/.exec(page) ?? [];
  expect(contract).toBe(readFileSync(join(ROOT, "examples/LedgerForum.sol"), "utf8"));
});

test("the tests that it runs are there, and show what it says", () => {
  const forge = readdirSync(join(ROOT, "contracts/test/ledger"))
    .map((file) => readFileSync(join(ROOT, "contracts/test/ledger", file), "utf8"))
    .join("\n");
  expect(commands[0]).toBe("npx forge test --match-contract LedgerForumTest");
  expect(forge).toContain("contract LedgerForumTest");
  expect(forge).toContain("test_RevertWhen_TheRowIsAnotherAccounts");
  expect(commands[1]).toBe("npx vitest run tests/integration/ledger.test.ts");
  const chain = readFileSync(join(ROOT, "tests/integration/ledger.test.ts"), "utf8");
  // The third command is typed there, against the chain.
  expect(commands[2]).toContain("examples/read-ledger.ts RPC LEDGER ACCOUNT LOCAL_KEY");
  expect(chain).toContain("examples/read-ledger.ts");
});
