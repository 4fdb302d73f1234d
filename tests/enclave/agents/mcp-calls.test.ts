/** Tools of the official SDK's server, called by programs in a real enclave: recorded whole, replayed, and only what the manifest has. */

import type { ServerResponse } from "node:http";
import { sha256 } from "@noble/hashes/sha2.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { loadSandbox } from "../../../cli/replay/load-sandbox.ts";
import { encodeProgram, programHash, type ManifestFile } from "../../../protocol/agent-program.ts";
import { boundName } from "../../../protocol/agent-secret.ts";
import { fromHex, fromUtf8, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { AttestationReply } from "../../../protocol/enclave-api.ts";
import { keysetId } from "../../../protocol/keyset.ts";
import type { Receipt } from "../../../protocol/receipt.ts";
import { sealSecret } from "../../../protocol/sealed-secret.ts";
import { understoodEvent, type TranscriptEvent } from "../../../protocol/transcript.ts";
import { ReplayDivergence, type Divergence } from "../../../runtime/agents/replay-verdict.ts";
import { replayReceipt } from "../../../runtime/agents/replay.ts";
import { agentPayload, runAgent, startAgentNetwork, type AgentNetwork } from "../support/agent-network.ts";
import { CREDENTIAL } from "../support/configuration.ts";
import { startOfficialServer } from "../support/mcp-server.ts";

const servers = {
  "/json": startOfficialServer({ as: "json", sessions: true }),
  "/events": startOfficialServer({ as: "events", sessions: true }),
  "/stateless": startOfficialServer({ as: "events", sessions: false }),
};

let network: AgentNetwork;
beforeAll(async () => {
  network = await startAgentNetwork({
    respond: (response, request, _socket, body) => {
      const path = request.url ?? "";
      if (path in servers) servers[path as keyof typeof servers].respond(request, response, body);
      else if (path === "/endless") stream(response);
      else response.writeHead(307, { location: `${network.origin}/json` }).end();
    },
  });
});
afterAll(async () => {
  // Opening a secret takes a part of WebCrypto that Node warns of.
  const said = network.enclave.stderr().split("\n");
  expect(said.filter((line) => !/ExperimentalWarning|--trace-warnings|^$/.test(line))).toEqual([]);
  await network.stop();
});

/** Notifications without an end. */
function stream(response: ServerResponse): void {
  response.setHeader("content-type", "text/event-stream");
  const line = `data: ${JSON.stringify({ jsonrpc: "2.0", method: "n", params: { x: "x".repeat(1_000) } })}\n\n`;
  const write = (): void => {
    while (!response.destroyed && response.write(line));
  };
  response.on("drain", write);
  write();
}

const sandbox = loadSandbox();

const manifestOf = (path: string, change: ManifestFile = {}): ManifestFile => ({
  mcp: [{ url: `${network.origin}${path}`, tools: ["measure", "fail"] }],
  ...change,
});

const PROGRAM = `export default async ({ url, calls }, host) => {
  const server = host.mcp({ url });
  const tools = await server.tools();
  const said = [];
  for (const [name, args] of calls) said.push(await server.call(name, args).catch((error) => error.code + ": " + error.message));
  return { tools: tools.map(({ name }) => name), said };
};`;

async function run(
  path: string,
  calls: readonly (readonly [string, object])[],
  change: ManifestFile = {},
): Promise<{ readonly value: unknown; readonly receipt: Receipt; readonly status: string }> {
  const input = { url: `${network.origin}${path}`, calls };
  const payload = agentPayload(PROGRAM, { manifest: manifestOf(path, change), input });
  const { reply, receipt, value } = await runAgent(network, payload);
  const verified = await verifyReceipt(receipt);
  return { value, receipt: verified.receipt, status: reply.status };
}

describe.for(Object.keys(servers))("the official server at %s", (path) => {
  test("lists its tools and runs them, and the receipt replays", async () => {
    const { value, receipt } = await run(path, [
      ["measure", { word: "owl" }],
      ["fail", { word: "owl" }],
      ["measure", { word: 3 }],
    ]);
    const said = (text: string, isError: boolean): object => ({
      content: [{ type: "text", text }],
      structuredContent: null,
      isError,
    });
    expect(value).toMatchObject({
      tools: ["measure", "fail"],
      said: [said("owl has 3 letters", false), said("no", true), { isError: true }],
    });
    const { end } = await replayReceipt(receipt, sandbox);
    // Two to greet, one to list, three to call.
    expect(end).toMatchObject({ outcome: "returned", calls: 6 });
  });
});

test("each run opens a session of its own", async () => {
  const before = servers["/json"].sessions();
  await run("/json", []);
  await run("/json", []);
  expect(servers["/json"].sessions()).toBe(before + 2);
});

describe("a replay names where a receipt was changed", () => {
  async function divergence(change: (receipt: Receipt) => Receipt): Promise<Divergence | null> {
    const { receipt } = await run("/events", [["measure", { word: "owl" }]]);
    const error: unknown = await replayReceipt(change(receipt), sandbox).catch((caught: unknown) => caught);
    return error instanceof ReplayDivergence ? error.divergence : null;
  }
  const withEvents = (receipt: Receipt, change: (event: TranscriptEvent) => TranscriptEvent): Receipt => ({
    ...receipt,
    transcript: receipt.transcript.map((leaf) => {
      const event = understoodEvent(leaf);
      return event === undefined || !("salt" in leaf) ? leaf : { salt: leaf.salt, event: change(event) };
    }),
  });

  test("what a tool said, under a name put right", async () => {
    const found = await divergence((receipt) => {
      const [name, hex] = Object.entries(receipt.bodies).find(([, body]) =>
        fromUtf8(fromHex(body)).includes("has 3 letters"),
      )!;
      const body = toUtf8(fromUtf8(fromHex(hex)).replace("has 3", "has 4"));
      const renamed = toHex(sha256(body));
      return {
        ...withEvents(receipt, (event) =>
          event.type === "response.received" && event.bodyHash === name
            ? { ...event, bodyHash: renamed }
            : event,
        ),
        bodies: { ...receipt.bodies, [renamed]: toHex(body) },
      };
    });
    expect(found).toMatchObject({
      at: "result",
      call: 3,
      actual: expect.stringContaining("4 letters") as string,
    });
  });

  test("the request that was posted", async () => {
    let posts = 0;
    const found = await divergence((receipt) =>
      withEvents(receipt, (event) =>
        event.type === "request.forwarded" && (posts += 1) === 4
          ? { ...event, bodyHash: `0x${"11".repeat(32)}` }
          : event,
      ),
    );
    expect(found).toMatchObject({ at: "request", call: 3 });
  });

  test("the session that the server named", async () => {
    const found = await divergence((receipt) =>
      withEvents(receipt, (event) =>
        event.type === "call.exchanged" && event.headers !== null && "mcp-session-id" in event.headers
          ? { ...event, headers: { ...event.headers, "mcp-session-id": "another" } }
          : event,
      ),
    );
    expect(found).toMatchObject({ at: "result", call: 0 });
  });
});

interface Attempt {
  readonly path: string;
  readonly options?: object;
  readonly manifest?: ManifestFile;
  /** Requests that went out before the one that was refused. */
  readonly sent: number;
}

describe("what the manifest does not have is REFUSED, and not sent", () => {
  const source = `export default ({ options, tool }, host) =>
    host.mcp(options).call(tool).catch((error) => error.code + ": " + error.message);`;
  test.for([
    ["another tool", { path: "/json", sent: 2 }],
    ["another server", { path: "/events", manifest: { mcp: [] }, sent: 0 }],
    ["a secret", { path: "/json", options: { secrets: { authorization: "key" } }, sent: 0 }],
  ] satisfies readonly (readonly [string, Attempt])[])("%s", async ([, attempt]) => {
    const { path, options = {}, manifest = {}, sent }: Attempt = attempt;
    const posts = (): number => network.server.received.filter((line) => line.startsWith("POST ")).length;
    const before = posts();
    const input = { options: { url: `${network.origin}${path}`, ...options }, tool: "other" };
    const payload = agentPayload(source, { manifest: manifestOf(path, manifest), input });
    const { value } = await runAgent(network, payload);
    expect(value).toMatch(/^REFUSED: /);
    expect(posts() - before).toBe(sent);
  });
});

test("a secret fills a header of each request, and is not in the receipt", async () => {
  const value = "Bearer of-the-agent-Anaximander-7";
  const url = `${network.origin}/json`;
  const manifest = {
    mcp: [{ url, tools: ["measure"], secrets: { authorization: "key" } }],
  };
  const source = `export default ({ url }, host) =>
    host.mcp({ url, secrets: { authorization: "key" } }).call("measure", { word: "owl" });`;
  const payload = agentPayload(source, { manifest, input: { url } });
  const { json } = await network.enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`);
  const { keyset } = z.decode(AttestationReply, json as z.input<typeof AttestationReply>);
  const program = programHash(encodeProgram(source, manifest));
  const binding = { program, origin: network.origin, header: "authorization", name: "key" };
  const target = { keysetId: keysetId(keyset), sealingKey: keyset.sealingKey };
  const sealed = await sealSecret(target, boundName(binding), value);
  const brought = await network.enclave.call(
    "PUT",
    "/v1/agents/secrets",
    JSON.stringify({ binding, sealed }),
    `Bearer ${CREDENTIAL}`,
  );
  expect(brought.status).toBe(204);
  const { receipt } = await runAgent(network, payload);
  expect(network.server.received.filter((line) => line.includes(value))).toHaveLength(3);
  const { receipt: verified } = await verifyReceipt(receipt);
  const shown = [fromUtf8(receipt), ...Object.values(verified.bodies).map((body) => fromUtf8(fromHex(body)))];
  expect(shown.filter((text) => text.includes("Anaximander"))).toEqual([]);
});

test("a redirect is not followed", async () => {
  const { status, receipt } = await run("/elsewhere", []);
  expect(status).toBe("programFailed");
  await expect(replayReceipt(receipt, sandbox)).resolves.toBeDefined();
});

test("an endless stream ends at the size that the manifest allows", async () => {
  const { status, receipt } = await run("/endless", [], { limits: { responseBytes: 65_536 } });
  expect(status).toBe("programFailed");
  const settled = receipt.transcript.map(understoodEvent).find((event) => event?.type === "call.settled");
  expect(settled).toMatchObject({ code: "TOO_LARGE" });
  await expect(replayReceipt(receipt, sandbox)).resolves.toBeDefined();
});
