/**
 * The whole road, on the toolkit's local network over anvil: question → script on the nodes → gateway → enclave → callback. Slow:
 * each question runs deno four times.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../devnet/config.ts";
import { askFunctions, type FunctionsAnswered } from "../../cli/functions/ask-functions.ts";
import { connectFunctions, type FunctionsConnection } from "../../cli/functions/connect.ts";
import { leaveSecrets } from "../../cli/functions/leave-secrets.ts";
import { startLocalFunctions, type LocalFunctions } from "../../cli/functions/local.ts";
import { simulateFunctions } from "../../cli/functions/simulate.ts";
import { startNetwork, type LocalNetwork } from "../../devnet/start.ts";
import { FunctionsConcierge__factory } from "../../contracts/bindings/factories/index.ts";
import { checkDeno } from "../../oracle/functions/toolkit.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { forged, startLyingNodes, theTruth, type LyingNodes } from "./lying-nodes.ts";

function hasDeno(): boolean {
  try {
    checkDeno();
    return true;
  } catch {
    console.warn(
      "SKIPPED: Chainlink Functions end to end. deno is neither pinned for this platform nor on PATH.",
    );
    return false;
  }
}

const MODERATION = "(bool flagged, uint8 severity 0..10, string reason)";
const WORDS =
  "Say something that is longer than one hundred and twenty bytes, so that it cannot travel inline at all.";

describe.skipIf(!hasDeno())("Chainlink Functions, end to end", () => {
  const folder = mkdtempSync(join(tmpdir(), "adyton-functions-"));
  const wallMs = (): number => new Date().getTime();
  let network: LocalNetwork;
  let functions: LocalFunctions;
  let connection: FunctionsConnection;
  let nodes: LyingNodes;

  beforeAll(async () => {
    network = await startNetwork({
      environment: readEnvironment(),
      folder: join(folder, "network"),
      now: () => Math.floor(wallMs() / 1000),
      signal: new AbortController().signal,
      onStep: () => undefined,
    });
    functions = await startLocalFunctions({
      network: network.file,
      folder,
      now: wallMs,
      onStep: () => undefined,
      standBetween: async (gatewayUrl) => {
        nodes = await startLyingNodes(gatewayUrl);
        return nodes.url;
      },
    });
    connection = connectFunctions(functions.file, functions.loaded);
  });
  afterAll(async () => {
    connection.provider.destroy();
    await functions.stop();
    await nodes.stop();
    await network.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => {
    nodes.tell(theTruth);
  });

  async function ask(question: string, outputType: string | null = null): Promise<FunctionsAnswered> {
    return await askFunctions({
      file: functions.file,
      ...connection,
      question,
      model: functions.file.model,
      outputType,
      timeoutMs: 150_000,
      monotonicMs: () => performance.now(),
      onStep: () => undefined,
    });
  }

  /** What asking throws, and the request that stays open. */
  async function askInVain(question: string): Promise<AdytonError> {
    const error: unknown = await ask(question).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(AdytonError);
    return error as AdytonError;
  }

  async function replyTo(requestId: string): Promise<{ status: bigint; output: string }> {
    const consumer = FunctionsConcierge__factory.connect(functions.file.consumer, connection.provider);
    const { status, output } = await consumer.replyTo(requestId);
    return { status, output };
  }

  test("a typed answer arrives inline and decoded, of one model call and four equal responses", async () => {
    const answered = await ask("I hate you, idiot", MODERATION);
    expect(answered).toMatchObject({ status: "ok", inline: true, deliverTx: null });
    expect(answered.answer).toMatchObject({ flagged: true, severity: 7n });
    expect((await replyTo(answered.requestId)).status).toBe(1n);
    const responses = nodes.replies.filter(({ status }) => status === 200).map(({ body }) => body);
    expect(responses).toHaveLength(4);
    expect(new Set(responses).size).toBe(1);
  });

  test("an output that does not fit arrives by its hash, and then by anyone", async () => {
    const answered = await ask(WORDS);
    expect(answered).toMatchObject({ status: "ok", inline: false });
    expect(answered.deliverTx).toMatch(/^0x/);
    expect(answered.answer).toContain(WORDS);
    const { output } = await replyTo(answered.requestId);
    expect(Buffer.from(output.slice(2), "hex").toString("utf8")).toBe(answered.answer);
  });

  test("secrets are left with the nodes, encrypted, and the next question refers to them", async () => {
    const left: { method: string; payload: { payload: string; slot_id: number } }[] = [];
    const donGateway = createServer((request, response) => {
      void (async () => {
        const parts: Buffer[] = [];
        for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
        const { params } = JSON.parse(Buffer.concat(parts).toString("utf8")) as {
          params: { body: (typeof left)[number] };
        };
        left.push(params.body);
        const node = { body: { payload: { success: true } } };
        const result = { body: { payload: { success: true, node_responses: [node, node] } } };
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ result }));
      })();
    });
    await new Promise<void>((resolve) => donGateway.listen(0, "127.0.0.1", resolve));
    const { reference } = await leaveSecrets({
      file: functions.file,
      ...connection,
      gatewayUrls: [`http://127.0.0.1:${(donGateway.address() as AddressInfo).port}`],
      slotId: 3,
      minutesUntilExpiration: 10,
    });
    donGateway.close();
    expect(left).toMatchObject([{ method: "secrets_set", payload: { slot_id: 3 } }]);
    expect(Buffer.from(left[0]!.payload.payload, "base64").toString("latin1")).not.toContain(
      functions.file.enclaveCredential,
    );
    expect(reference).toMatch(/^0x[0-9a-f]+$/);
    expect(await ask("What is 1 + 1?")).toMatchObject({ status: "ok", answer: "1 + 1 = 2" });
  });

  test("simulateScript of the same source gives a signed answer", async () => {
    const simulated = await simulateFunctions({
      file: functions.file,
      toolkit: functions.loaded.toolkit,
      provider: connection.provider,
      question: "What is 6 + 7?",
      model: functions.file.model,
      outputType: null,
      now: Math.floor(wallMs() / 1000),
    });
    expect(simulated).toMatchObject({ status: "ok", answer: "6 + 7 = 13", inline: true });
  });

  test("four nodes of which one lies bring the enclave's answer", async () => {
    nodes.tell((reply, call) => (call === 0 ? forged(reply) : reply));
    const answered = await ask("What is 2 + 3?");
    expect(answered).toMatchObject({ status: "ok", answer: "2 + 3 = 5" });
    expect(new Set(nodes.replies.map(({ body }) => body)).size).toBe(2);
  });

  test("four nodes that all lie bring nothing, and the true answer can still be relayed", async () => {
    nodes.tell(forged);
    const error = await askInVain("What is 3 + 4?");
    expect(error).toMatchObject({ code: "CHAIN_REVERTED", details: { result: "userCallbackError" } });
    const requestId = await lastRequestId();
    expect((await replyTo(requestId)).status).toBe(0n);
    const { response } = JSON.parse(forged(nodes.replies.at(-1)!).body) as { response: Hex };
    const consumer = FunctionsConcierge__factory.connect(functions.file.consumer, connection.signer);
    await (await consumer.relay(requestId, response)).wait();
    expect((await replyTo(requestId)).status).toBe(1n);
  });

  test("an error of the nodes leaves the question open", async () => {
    nodes.tell(() => ({ status: 401, body: "{}" }));
    const error = await askInVain("What is 4 + 5?");
    expect(error).toMatchObject({ code: "CHAIN_REVERTED", details: { error: "adyton: HTTP 401" } });
    expect((await replyTo(await lastRequestId())).status).toBe(0n);
  });

  async function lastRequestId(): Promise<string> {
    const consumer = FunctionsConcierge__factory.connect(functions.file.consumer, connection.provider);
    const events = await consumer.queryFilter(consumer.filters.QuestionAsked());
    return events.at(-1)!.args.requestId;
  }
});
