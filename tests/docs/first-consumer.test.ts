/** The tutorial shows the contract that `adyton init` writes, and the commands that there are. */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const tutorial = readFileSync(join(ROOT, "docs/tutorials/first-consumer.md"), "utf8");

test("its contract is the starter's, to the byte", () => {
  const [, contract] = /```solidity\n([\s\S]*?)```/.exec(tutorial) ?? [];
  expect(contract).toBe(readFileSync(join(ROOT, "examples/starter/src/Founded.sol"), "utf8"));
});

test("the account that it pays with is one that `adyton up` prints", async () => {
  const { localWallet } = await import("../../devnet/local-accounts.ts");
  const { FREE_ACCOUNTS } = await import("../../cli/up/keep-up.ts");
  const [, key] = /^KEY=(0x[0-9a-f]{64})/m.exec(tutorial) ?? [];
  expect(key).toBe(localWallet(FREE_ACCOUNTS[0]).privateKey);
});
