/** `adyton/client` in Node: the clients that people use, and everything that a host or a route can put in between. */

import Anthropic from "@anthropic-ai/sdk";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { createServer, type AddressInfo, type Server } from "node:net";
import { TLSSocket, createSecureContext, getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { attestedFetch } from "../../client/node.ts";
import type { AttestedClient, AttestedFetchOptions } from "../../client/attested-client.ts";
import { describeSimulator } from "../../devnet/simulator.ts";
import { startStandInModel, type StandInModel } from "../../devnet/stand-in-model.ts";
import { createThrowawayAuthority, type ServerCredentials } from "../../devnet/throwaway-authority.ts";
import type { AppraisalPolicy } from "../../attestation/index.ts";
import { fromHex, fromUtf8 } from "../../protocol/bytes.ts";
import { behaviourFile, CREDENTIAL, operatorFile } from "../enclave/support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../enclave/support/enclave-process.ts";
import { startHostileServer, type HostileServer } from "../enclave/support/hostile-server.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";
import { simulatedServer } from "../support/simulated-evidence.ts";
import { startDiverter, type Diverter } from "./support/diverter.ts";

const MODEL = "stand-in/stand-in-1";
const PROMPT = "What is 6 * 7?";
const HOUR_MS = 3_600_000;

let model: StandInModel;
let enclave: EnclaveProcess;
let policy: AppraisalPolicy;
const opened: AttestedClient[] = [];

async function open(
  url: string = enclave.url,
  change: Partial<AttestedFetchOptions> = {},
): Promise<AttestedClient> {
  const client = await attestedFetch(url, { policy, ...change });
  opened.push(client);
  return client;
}

function openaiOver({ fetch }: AttestedClient, apiKey = CREDENTIAL, baseURL = enclave.url): OpenAI {
  return new OpenAI({ baseURL: `${baseURL}/v1`, apiKey, maxRetries: 0, fetch });
}

beforeAll(async () => {
  model = await startStandInModel(new Date());
  enclave = await startEnclaveProcess({ behaviour: behaviourFile(model), operator: operatorFile() });
  ({ policy } = await describeSimulator("test", Math.floor(wallClockMs() / 1_000)));
});

afterEach(() => {
  for (const client of opened.splice(0)) client.close();
});

afterAll(async () => {
  expect(enclave.stderr()).toBe("");
  await enclave.stop();
  await model.stop();
});

describe("serves the clients that people have", () => {
  test("openai: text with its receipt, and a stream in pieces", async () => {
    const client = await open();
    const openai = openaiOver(client);
    const messages = [{ role: "user" as const, content: PROMPT }];
    const { data, response } = await openai.chat.completions
      .create({ model: MODEL, messages })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe("6 * 7 = 42");
    const { receipt, checks } = await client.receipt(response);
    expect(receipt.answer.keysetId).toBe(client.peer.keysetId);
    expect(checks.map(({ name }) => name)).toContain("binding");
    expect(JSON.parse(fromUtf8(fromHex(receipt.output)))).toMatchObject({ content: "6 * 7 = 42" });

    const streamed = await openai.chat.completions
      .create({ model: MODEL, messages, stream: true })
      .withResponse();
    let text = "";
    for await (const { choices } of streamed.data) text += choices[0]?.delta.content ?? "";
    expect(text).toBe("6 * 7 = 42");
    expect((await client.receipt(streamed.response)).receipt.answer.keysetId).toBe(enclave.keysetId);
  });

  test("ai: text with its receipt from the headers alone, and a stream", async () => {
    const client = await open();
    const provider = createOpenAI({ baseURL: `${enclave.url}/v1`, apiKey: CREDENTIAL, fetch: client.fetch });
    const { text, finalStep } = await generateText({ model: provider.chat(MODEL), prompt: PROMPT });
    expect(text).toBe("6 * 7 = 42");
    const { receipt } = await client.receipt({ headers: finalStep.response.headers ?? {} });
    expect(receipt.answer.keysetId).toBe(enclave.keysetId);
    let streamed = "";
    const { textStream } = streamText({ model: provider.chat(MODEL), prompt: PROMPT });
    for await (const piece of textStream) streamed += piece;
    expect(streamed).toBe("6 * 7 = 42");
  });

  test("@anthropic-ai/sdk: an answer of the enclave's", async () => {
    const client = await open();
    const anthropic = new Anthropic({
      baseURL: enclave.url,
      authToken: CREDENTIAL,
      apiKey: null,
      maxRetries: 0,
      fetch: client.fetch,
    });
    const message = await anthropic.messages.create({
      model: MODEL,
      max_tokens: 64,
      messages: [{ role: "user", content: PROMPT }],
    });
    expect(message.content).toEqual([{ type: "text", text: "6 * 7 = 42" }]);
  });

  test("changes nothing of the process", async () => {
    const authorities = getCACertificates("default");
    const global = globalThis.fetch;
    const client = await open();
    await openaiOver(client).models.list();
    expect(getCACertificates("default")).toEqual(authorities);
    expect(globalThis.fetch).toBe(global);
    await expect(globalThis.fetch(`${enclave.url}/v1/health`)).rejects.toThrow("fetch failed");
  });

  test("takes a path, a URL and a Request, and hands on status, headers and an abort", async () => {
    const client = await open();
    const health = await client.fetch("/v1/health");
    expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
    expect(health.url).toBe(`${enclave.url}/v1/health`);
    expect((await client.fetch(new Request(`${enclave.url}/v1/models`))).status).toBe(401);
    const reason = new Error("the caller's own");
    await expect(client.fetch("/v1/health", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("sends nothing", () => {
  test.for(["https://example.org/v1/models", "http://127.0.0.1/v1/models"])(
    "to %s: it is another origin",
    async (url) => {
      const client = await open();
      const call = client.fetch(url, { headers: { authorization: `Bearer ${CREDENTIAL}` } });
      await expect(call).rejects.toMatchObject({ code: "INPUT_INVALID" });
    },
  );

  test("over plain http", async () => {
    await expect(open("http://127.0.0.1:1")).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });

  test("to a server with a public certificate that is valid, and another key", async () => {
    const authority = await createThrowawayAuthority(new Date());
    const server = await startRecorder(await authority.issue(["127.0.0.1"]));
    const diverter = await startDiverter(enclave.url);
    const client = await open(diverter.url);
    const before = getCACertificates("default");
    try {
      setDefaultCACertificates([...before, authority.certificate]);
      // Anybody who asks authorities is fooled.
      expect((await globalThis.fetch(`${server.url}/v1/health`)).status).toBe(200);
      const seenBefore = server.applicationBytes();
      await diverter.divertTo(server.url);
      const call = client.fetch("/v1/chat/completions", {
        method: "POST",
        headers: { authorization: `Bearer ${CREDENTIAL}` },
        body: PROMPT,
      });
      await expect(call).rejects.toMatchObject({ code: "EVIDENCE_UNSUPPORTED" });
      await expect(open(diverter.url)).rejects.toMatchObject({ code: "EVIDENCE_UNSUPPORTED" });
      expect(server.applicationBytes() - seenBefore).toBe(0);
    } finally {
      setDefaultCACertificates(before);
      await diverter.stop();
      await server.stop();
    }
  });

  test("to a machine whose evidence is genuine and was made for another key", async () => {
    const foreign = await startHostileServer({
      credentials: await simulatedServer(`0x${"00".repeat(32)}`, true),
      respond: (response) => response.end("{}"),
    });
    const now = (): number => 1_793_491_200_000;
    const call = open(`https://127.0.0.1:${foreign.port}`, { now });
    await expect(call).rejects.toMatchObject({ code: "EVIDENCE_BINDING_MISMATCH" });
    expect(foreign.received).toEqual([]);
    await foreign.stop();
  });
});

describe("a diverted connection", () => {
  let diverter: Diverter;
  let client: AttestedClient;
  let seen: string[];
  beforeAll(async () => {
    diverter = await startDiverter(enclave.url);
  });
  afterAll(() => diverter.stop());

  async function start(change: Partial<AttestedFetchOptions> = {}): Promise<void> {
    await diverter.divertTo(enclave.url);
    diverter.cutAfter(Number.POSITIVE_INFINITY);
    seen = [];
    client = await open(diverter.url, { onVerified: ({ keysetId }) => void seen.push(keysetId), ...change });
  }

  test("to the same enclave with other keys, as after a restart, is judged anew and served", async () => {
    await start();
    const restarted = await startEnclaveProcess({
      behaviour: behaviourFile(model),
      operator: operatorFile(),
    });
    try {
      const ask = (): Promise<{ readonly response: Response }> =>
        openaiOver(client, CREDENTIAL, diverter.url)
          .chat.completions.create({ model: MODEL, messages: [{ role: "user", content: PROMPT }] })
          .withResponse();
      const { response: first } = await ask();
      await diverter.divertTo(restarted.url);
      const { response } = await ask();
      expect(seen).toEqual([enclave.keysetId, restarted.keysetId]);
      expect(client.peer.keysetId).toBe(restarted.keysetId);
      expect((await client.receipt(response)).receipt.answer.keysetId).toBe(restarted.keysetId);
      // The other machine has no receipt of the first: nothing is taken for one.
      await expect(client.receipt(first)).rejects.toMatchObject({ code: "INPUT_NOT_FOUND" });
    } finally {
      await restarted.stop();
    }
  });

  test("to a genuine enclave that the policy refuses gets nothing, and the way back is open", async () => {
    await start();
    const operator = operatorFile({ attester: { kind: "simulator", platform: "elsewhere" } });
    const other = await startEnclaveProcess({ behaviour: behaviourFile(model), operator });
    try {
      await diverter.divertTo(other.url);
      await expect(client.fetch("/v1/health")).rejects.toMatchObject({
        code: expect.stringMatching(/^APPRAISAL_/) as string,
      });
      expect(client.peer.keysetId).toBe(enclave.keysetId);
      await diverter.divertTo(enclave.url);
      expect((await client.fetch("/v1/health")).status).toBe(200);
      expect(seen).toEqual([enclave.keysetId, enclave.keysetId]);
    } finally {
      await other.stop();
    }
  });

  test("is refused where the caller's own check refuses", async () => {
    await start();
    const refusal = new Error("not this one");
    const call = open(diverter.url, { onVerified: () => Promise.reject(refusal) });
    await expect(call).rejects.toBe(refusal);
  });

  test("that ends in the middle of a stream is an error of the stream", async () => {
    await start();
    // Past the head of the answer and long before its end, in however few pieces it comes.
    diverter.cutAfter(20_000);
    const stream = await openaiOver(client, CREDENTIAL, diverter.url).chat.completions.create({
      model: MODEL,
      stream: true,
      messages: [{ role: "user", content: "Is water wet, in exactly 5000 bytes?" }],
    });
    let pieces = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of stream) {
        expect(chunk.object).toBe("chat.completion.chunk");
        pieces += 1;
      }
    };
    await expect(read()).rejects.toThrow();
    expect(pieces).toBeGreaterThan(0);
  });

  test("gives whoever captured it neither prompt nor credential", async () => {
    await start();
    await openaiOver(client, CREDENTIAL, diverter.url).chat.completions.create({
      model: MODEL,
      messages: [{ role: "user", content: PROMPT }],
    });
    const wire = diverter.captured().toString("latin1");
    expect(wire.length).toBeGreaterThan(1_000);
    for (const secret of [PROMPT, CREDENTIAL]) expect(wire).not.toContain(secret);
  });
});

describe("evidence", () => {
  test("is judged again when it is an hour old, also while the key stays", async () => {
    let nowMs = wallClockMs();
    const seen: string[] = [];
    const client = await open(enclave.url, {
      now: () => nowMs,
      onVerified: ({ keysetId }) => void seen.push(keysetId),
    });
    nowMs += HOUR_MS - 1;
    await client.fetch("/v1/health");
    expect(seen).toHaveLength(1);
    nowMs += 1;
    await Promise.all([client.fetch("/v1/health"), client.fetch("/v1/health")]);
    expect(seen).toEqual([enclave.keysetId, enclave.keysetId]);
  });

  test("that has expired by then is refused, and nothing more is sent", async () => {
    let nowMs = wallClockMs();
    const client = await open(enclave.url, { now: () => nowMs });
    nowMs += 48 * HOUR_MS;
    const call = client.fetch("/v1/health");
    await expect(call).rejects.toMatchObject({ code: "EVIDENCE_CHAIN_EXPIRED" });
  });

  test("is judged by each client's own policy, two of them in one process", async () => {
    const { policy: elsewhere } = await describeSimulator("elsewhere", Math.floor(wallClockMs() / 1_000));
    const results = await Promise.allSettled([
      open(enclave.url),
      open(enclave.url, { policy: elsewhere }),
      open(enclave.url),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: { code: expect.stringMatching(/^APPRAISAL_/) as string } });
  });
});

describe("a redirect", () => {
  let server: HostileServer;
  let client: AttestedClient;
  let elsewhere: HostileServer;
  beforeAll(async () => {
    const authority = await createThrowawayAuthority(new Date());
    elsewhere = await startHostileServer({
      credentials: await authority.issue(["127.0.0.1"]),
      respond: (response) => response.end("{}"),
    });
  });
  afterAll(() => elsewhere.stop());

  test("of an enclave is not followed: what it leads to was not attested", async () => {
    const { startRedirectingEnclave } = await import("./support/redirecting-enclave.ts");
    const redirecting = await startRedirectingEnclave(
      `https://127.0.0.1:${elsewhere.port}/v1/chat/completions`,
    );
    server = redirecting.server;
    client = await open(`https://127.0.0.1:${server.port}`);
    const init = { method: "POST", headers: { authorization: `Bearer ${CREDENTIAL}` }, body: PROMPT };
    await expect(client.fetch("/v1/chat/completions", init)).rejects.toMatchObject({
      code: "ENCLAVE_REDIRECTED",
      retryable: false,
    });
    const seen = await client.fetch("/v1/chat/completions", { ...init, redirect: "manual" });
    expect(seen.status).toBe(307);
    expect(elsewhere.received).toEqual([]);
    await server.stop();
  });
});

describe("a stolen credential", () => {
  test("shows nobody the receipts of its owner's calls without the owner's client", async () => {
    const mine = await open();
    const theirs = await open();
    const { response } = await openaiOver(mine)
      .chat.completions.create({ model: MODEL, messages: [{ role: "user", content: PROMPT }] })
      .withResponse();
    await expect(theirs.receipt(response)).rejects.toMatchObject({ code: "INPUT_NOT_FOUND" });
    const path = response.headers.get("adyton-receipt") ?? "";
    const stolen = await theirs.fetch(path, { headers: { authorization: "Bearer of-somebody-else" } });
    expect(stolen.status).toBe(401);
  });

  test("is no way to have a receipt of another call taken for this one's", async () => {
    const client = await open();
    const ask = (content: string): Promise<{ readonly response: Response }> =>
      openaiOver(client)
        .chat.completions.create({ model: MODEL, messages: [{ role: "user", content }] })
        .withResponse();
    const [one, two] = [await ask("first"), await ask("second")];
    const first = await client.receipt(one.response);
    const second = await client.receipt(two.response);
    expect(first.receipt.payload).not.toBe(second.receipt.payload);
    await expect(client.receipt(new Headers())).rejects.toMatchObject({ code: "INPUT_NOT_FOUND" });
  });
});

interface Recorder {
  readonly url: string;
  readonly applicationBytes: () => number;
  readonly stop: () => Promise<void>;
}

/** A TLS server that answers anything with 200 and counts every decrypted byte, of whatever protocol. */
async function startRecorder({ key, cert }: ServerCredentials): Promise<Recorder> {
  let bytes = 0;
  const server: Server = createServer((raw) => {
    const socket = new TLSSocket(raw, { isServer: true, secureContext: createSecureContext({ key, cert }) });
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    applicationBytes: () => bytes,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}
