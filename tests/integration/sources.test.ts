/** A question about a page, from a contract's payload to a receipt that anyone judges, on a whole network. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { OracleCoordinator__factory } from "../../contracts/bindings/factories/index.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { localSigner } from "../../devnet/local-accounts.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { AnswerStatus } from "../../protocol/answer.ts";
import { fromHex, fromUtf8, toHex, type Hex } from "../../protocol/bytes.ts";
import { encodePayload, PayloadType } from "../../protocol/payload.ts";
import { PartKind } from "../../protocol/prompt-part.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { understoodEvent, type TranscriptEvent } from "../../protocol/transcript.ts";
import { prompt, TEXT } from "../enclave/support/calls.ts";
import { ask, until, untilSettled, type AskedChain } from "../oracle/support/test-chain.ts";
import { startTestNetwork } from "../support/local-network.ts";

let running: Awaited<ReturnType<typeof startTestNetwork>>;
let network: LocalNetwork;
let chain: AskedChain;

beforeAll(async () => {
  running = await startTestNetwork({ sources: true });
  ({ network } = running);
  const { provider, file } = network;
  chain = {
    provider,
    asker: localSigner(provider, LocalAccount.asker),
    coordinator: OracleCoordinator__factory.connect(file.contracts.coordinator, provider),
    deployment: { policyId: file.policyId },
  };
}, 240_000);

afterAll(() => running.stop(), 60_000);

async function askAbout(path: string): Promise<Hex> {
  const payload = encodePayload({
    type: PayloadType.inference,
    prompt: prompt({
      messages: [{ role: 2, content: "Has the bridge opened?" }],
      format: TEXT,
      parts: [{ kind: PartKind.page, url: `${network.sourcesOrigin ?? ""}${path}` }],
    }),
  });
  const { requestId } = await ask(chain, { payload: toHex(payload) });
  return requestId;
}

async function receiptOf(requestId: Hex): Promise<Receipt> {
  const file = await until("the receipt", async () => {
    const response = await fetch(`${network.file.oracleUrl}/v1/receipts/${requestId}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  });
  return (await verifyReceipt(file)).receipt;
}

const eventsOf = ({ transcript }: Receipt): readonly TranscriptEvent[] =>
  transcript.flatMap((leaf) => understoodEvent(leaf) ?? []);

test("a page is read, and the receipt holds what was read", { timeout: 120_000 }, async () => {
  const requestId = await askAbout("/sources/wire");
  expect(await untilSettled(chain, requestId, 60_000)).toMatchObject({ fulfilled: 1, status: 1 });
  const receipt = await receiptOf(requestId);
  const read = eventsOf(receipt).find((event) => event.type === "source.read");
  expect(read).toMatchObject({ kind: "page", mediaType: "text/plain", page: { isWhole: true } });
  expect(fromUtf8(fromHex(receipt.bodies[read?.contentHash ?? "0x"] ?? "0x"))).toBe(
    "Aurora, 12 October 2026: the bridge is open to traffic since noon.",
  );
});

test(
  "a page that is not there fails the request, and the oracle tells it at once",
  { timeout: 120_000 },
  async () => {
    const requestId = await askAbout("/sources/nowhere");
    const answer = await until(
      "the status",
      async () => {
        const response = await fetch(`${network.file.oracleUrl}/v1/requests/${requestId}`);
        const view = (await response.json()) as { readonly answer?: { readonly status: number } | null };
        return view.answer ?? undefined;
      },
      60_000,
    );
    expect(answer.status).toBe(AnswerStatus.upstreamFailed);
  },
);
