/** A contract that asks a model about its own state, on a whole network: what the model was told is proven, and anybody derives it again. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { replayFile } from "../../cli/replay/replay-file.ts";
import { LoanWatch__factory, OracleCoordinator__factory } from "../../contracts/bindings/factories/index.ts";
import type { LoanWatch } from "../../contracts/bindings/index.ts";
import { localSigner } from "../../devnet/local-accounts.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { fromHex, fromUtf8, type Hex } from "../../protocol/bytes.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { understoodEvent } from "../../protocol/transcript.ts";
import { until } from "../oracle/support/test-chain.ts";
import { startTestNetwork } from "../support/local-network.ts";

const UNIT = 10n ** 18n;
const OK = 1n;

let running: Awaited<ReturnType<typeof startTestNetwork>>;
let network: LocalNetwork;
let watch: LoanWatch;

beforeAll(async () => {
  running = await startTestNetwork({ sources: true });
  ({ network } = running);
  const { provider, file, model } = network;
  const asker = localSigner(provider, LocalAccount.asker);
  const name = model.models[0] ?? "";
  watch = await new LoanWatch__factory(asker).deploy(file.contracts.coordinator, file.policyId, name);
  await watch.waitForDeployment();
}, 240_000);

afterAll(() => running.stop(), 60_000);

async function receiptOf(requestId: Hex): Promise<Receipt> {
  const bytes = await until("the receipt", async () => {
    const response = await fetch(`${network.file.oracleUrl}/v1/receipts/${requestId}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  });
  return (await verifyReceipt(bytes)).receipt;
}

test(
  "the model is told what the contract's view returns at the answer's block, and a replay proves it",
  { timeout: 120_000 },
  async () => {
    await (await watch.set(1_500n * UNIT, (1_800n * UNIT) / 7n)).wait();
    const sent = await (await watch.ask(10n ** 15n, { value: 10n ** 17n })).wait();
    const { interface: coordinator } = OracleCoordinator__factory.connect(network.file.contracts.coordinator);
    const asked = sent?.logs.map((log) => coordinator.parseLog(log)).find((log) => log?.name === "Requested");
    const requestId = String(asked?.args["requestId"]) as Hex;
    const judged = await until(
      "the answer",
      async () => (await watch.queryFilter(watch.filters.Judged(requestId)))[0],
      60_000,
    );
    expect(judged.args.status).toBe(OK);

    const receipt = await receiptOf(requestId);
    const value = '{"collateral":"257.142857142857142857","debt":"1500"}';
    const events = receipt.transcript.flatMap((leaf) => understoodEvent(leaf) ?? []);
    const question = events.find((event) => event.type === "request.forwarded" && event.model !== null);
    const body = question?.type === "request.forwarded" ? receipt.bodies[question.bodyHash] : undefined;
    expect(fromUtf8(fromHex(body ?? "0x"))).toContain(JSON.stringify(value).slice(1, -1));
    expect(await replayFile(receipt, null)).toMatchObject({
      verdict: "equal",
      reads: [{ part: 0, label: "the loan", value }],
    });
  },
);
