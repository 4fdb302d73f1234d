/** An AgentAccount, from its grant to what a run did: a real enclave signs, `adyton agent act` sends, and the account holds its limits. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { localAddress } from "../../devnet/local-accounts.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { writeNetworkFile } from "../../devnet/network-file.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { isAgentRun } from "../../protocol/receipt.ts";
import { runAdyton, type CommandRun } from "../support/adyton-command.ts";
import { startTestNetwork } from "../support/local-network.ts";
import { DEBT, RUN_FEE, stageTreasury, UNIT, type TreasuryStage } from "../../cli/demo/treasury-stage.ts";

let folder: string;
let networkFile: string;
let network: LocalNetwork;
let stage: TreasuryStage;
let stop: () => Promise<void>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-treasury-"));
  networkFile = join(folder, "network.json");
  ({ network, stop } = await startTestNetwork({ sources: true }));
  writeNetworkFile(networkFile, network.file);
  stage = await stageTreasury(network, folder);
});
afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Acted {
  readonly status: string;
  readonly outcomeOnChain: string;
  readonly refusal: string | null;
  readonly payee: string | null;
  readonly paid: string | null;
  readonly actGas: number | null;
  readonly calls: readonly { readonly op: string }[];
  readonly logs: readonly string[];
  readonly receiptFile: string;
}

const act = async (project = stage.project): Promise<CommandRun> =>
  await runAdyton([
    ...["agent", "act", project, "--network", networkFile, "--json"],
    ...["--account", await stage.account.getAddress(), "--grant", stage.grantId],
  ]);

/** In a slot that begins with this position. */
async function actWith(
  collateral: bigint,
  notice: number,
): Promise<Acted & { readonly code: number | null }> {
  await stage.setPosition(collateral, notice);
  await stage.nextSlot();
  const { code, stdout, stderr } = await act();
  if (stdout === "") throw new Error(stderr);
  return { ...(JSON.parse(stdout) as Acted), code };
}

test("a position that is well sends no transaction", async () => {
  const before = await network.provider.getTransactionCount(localAddress(LocalAccount.asker));
  const idle = await actWith(2n * DEBT, 0);
  expect(idle).toMatchObject({ code: 0, status: "ok", outcomeOnChain: "idle", paid: null });
  expect(idle.calls.some(({ op }) => op === "model")).toBe(false);
  // `set` alone.
  expect(await network.provider.getTransactionCount(localAddress(LocalAccount.asker))).toBe(before + 1);
});

test("a loan near to falling due is paid back in part, the payee is paid, and the run is replayed from its receipt", async () => {
  const acted = await actWith((DEBT * 12n) / 10n, 0);
  expect(acted).toMatchObject({ code: 0, status: "ok", outcomeOnChain: "acted", refusal: null });
  expect(await stage.debt()).toBe((DEBT * 8n) / 10n);
  expect(BigInt(acted.paid ?? 0)).toBeGreaterThan(RUN_FEE);
  expect(await network.provider.getBalance(acted.payee ?? "")).toBeGreaterThan(RUN_FEE);
  const { receipt } = await verifyReceipt(readFileSync(acted.receiptFile));
  expect(isAgentRun(receipt)).toBe(true);
  const replay = await runAdyton(["replay", acted.receiptFile]);
  expect([replay.code, replay.stdout]).toEqual([0, expect.stringMatching(/^equal/)]);
  // The slot has acted.
  const again = await act();
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("the present slot has acted")]);
});

test.for([
  ["sends everything away", 1, /^CallNotPermitted\(0, /],
  ["swaps for somebody else, by a function that is allowed", 2, /^CallNotPermitted\(0, /],
] as const)(
  "a model that was talked into an action that %s is refused by the account",
  async ([, notice, refusal]) => {
    const before = await stage.balance();
    const refused = await actWith(DEBT / 2n, notice);
    expect(refused).toMatchObject({ code: 1, status: "ok", outcomeOnChain: "refused", paid: null });
    expect(refused.refusal).toMatch(refusal);
    expect(await stage.balance()).toBe(before);
  },
);

test("what leaves in a window is bounded, whatever is right: the rest of it is refused", async () => {
  // 200 left already; with no collateral at all, everything would have to be paid back.
  const refused = await actWith(UNIT, 0);
  expect(refused).toMatchObject({ code: 1, outcomeOnChain: "refused" });
  expect(refused.refusal).toMatch(/^(?:CallNotPermitted|OutflowExceeded)\(/);
});

test("a program that was changed has no grant", async () => {
  const changed = join(folder, "changed");
  cpSync(stage.project, changed, { recursive: true });
  const source = join(changed, "src/agent.ts");
  writeFileSync(source, readFileSync(source, "utf8").replace("125n", "999n"));
  const { code, stderr } = await act(changed);
  expect([code, stderr]).toEqual([64, expect.stringContaining("the grant is of the program")]);
});
