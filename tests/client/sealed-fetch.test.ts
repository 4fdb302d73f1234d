/** The browser's client, run in Node against the same parts: sealed calls through a front, and what its carrier can do to them. */

import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AppraisalPolicy } from "../../attestation/index.ts";
import type { AttestedClient } from "../../client/attested-client.ts";
import { createClient } from "../../client/create-client.ts";
import { sealedChannels } from "../../client/sealed-channel.ts";
import { describeSimulator } from "../../devnet/simulator.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";
import { CREDENTIAL } from "../enclave/support/configuration.ts";
import { startFrontedEnclave, type FrontedEnclave } from "./support/fronted-enclave.ts";

const MODEL = "stand-in/stand-in-1";
const PROMPT = "What is 6 * 7?";

let fronted: FrontedEnclave;
let policy: AppraisalPolicy;

beforeAll(async () => {
  fronted = await startFrontedEnclave();
  ({ policy } = await describeSimulator("test", Math.floor(wallClockMs() / 1_000)));
});
afterAll(() => fronted.stop());

/** What the carrier sees and may change. */
interface Carried {
  readonly url: string;
  readonly body: Uint8Array;
}

let carried: Carried[];
let alter: (response: Response) => Response | Promise<Response>;
beforeEach(() => {
  carried = [];
  alter = (response) => response;
});

async function open(now: () => number = wallClockMs): Promise<AttestedClient> {
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const body = new Uint8Array(await request.clone().arrayBuffer());
    carried.push({ url: request.url, body });
    const response = await fronted.fetch(request);
    return request.method === "POST" ? await alter(response) : response;
  };
  return await createClient(fronted.url, { policy, now }, sealedChannels({ fetch, now }));
}

const ask = (client: AttestedClient, stream = false): Promise<Response> =>
  client.fetch("/v1/chat/completions", {
    method: "POST",
    headers: { authorization: `Bearer ${CREDENTIAL}`, "content-type": "application/json" },
    body: JSON.stringify({ model: MODEL, stream, messages: [{ role: "user", content: PROMPT }] }),
  });

const replay = (body: Uint8Array): Promise<Response> =>
  fronted.fetch(
    new Request(`${fronted.url}/v1/sealed`, {
      method: "POST",
      headers: { "content-type": "application/vnd.adyton.sealed" },
      body: new Uint8Array(body),
    }),
  );

const sealedBody = (): Uint8Array => carried.find(({ url }) => url.endsWith("/v1/sealed"))!.body;

test("openai asks through it, streams, and has its receipts", async () => {
  const client = await open();
  expect(client.peer).toMatchObject({ transport: "sealed", keysetId: fronted.enclave.keysetId });
  const openai = new OpenAI({
    baseURL: `${fronted.url}/v1`,
    apiKey: CREDENTIAL,
    maxRetries: 0,
    fetch: client.fetch,
  });
  const messages = [{ role: "user" as const, content: PROMPT }];
  const { data, response } = await openai.chat.completions.create({ model: MODEL, messages }).withResponse();
  expect(data.choices[0]?.message.content).toBe("6 * 7 = 42");
  expect((await client.receipt(response)).receipt.answer.keysetId).toBe(fronted.enclave.keysetId);
  const stream = await openai.chat.completions.create({ model: MODEL, messages, stream: true });
  let text = "";
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
  expect(text).toBe("6 * 7 = 42");
});

test("shows its carrier neither path, credential, prompt nor answer, nor how the call ended", async () => {
  const client = await open();
  const statuses: number[] = [];
  const replies: Uint8Array[] = [];
  alter = async (response) => {
    statuses.push(response.status);
    replies.push(new Uint8Array(await response.clone().arrayBuffer()));
    return response;
  };
  const good = await ask(client);
  expect(await good.text()).toContain("6 * 7 = 42");
  const bad = await client.fetch("/v1/receipts/0x00", { headers: { authorization: "Bearer nobody's" } });
  expect([good.status, bad.status]).toEqual([200, 401]);
  expect(statuses).toEqual([200, 200]);
  const seen = [...carried.map(({ url, body }) => url + Buffer.from(body).toString("latin1"))]
    .concat(replies.map((body) => Buffer.from(body).toString("latin1")))
    .join("\n");
  for (const secret of ["chat/completions", CREDENTIAL, PROMPT, "6 * 7 = 42", "authorization", MODEL])
    expect(seen).not.toContain(secret);
});

describe("a carrier", () => {
  test("that repeats a call has the provider asked once, and reads nothing", async () => {
    const client = await open();
    const asked = fronted.modelCalls();
    await (await ask(client)).text();
    const replies = await Promise.all([replay(sealedBody()), replay(sealedBody())]);
    for (const reply of replies) {
      const bytes = Buffer.from(await reply.arrayBuffer()).toString("latin1");
      expect(bytes).not.toContain("6 * 7 = 42");
      expect(bytes).not.toContain("INPUT_CONFLICT");
    }
    expect(fronted.modelCalls() - asked).toBe(1);
  });

  test("that repeats it before the first is answered has the provider asked once", async () => {
    const client = await open();
    const asked = fronted.modelCalls();
    const first = ask(client);
    while (carried.every(({ url }) => !url.endsWith("/v1/sealed"))) await new Promise(setImmediate);
    await Promise.all([
      first.then((response) => response.text()),
      replay(sealedBody()),
      replay(sealedBody()),
    ]);
    expect(fronted.modelCalls() - asked).toBe(1);
  });

  test.for([
    ["flips a bit of the head", 40],
    ["flips a bit of the nonce", 3],
  ] as const)("that %s of a reply is found out", async ([, at]) => {
    const client = await open();
    alter = async (response) => {
      const body = new Uint8Array(await response.arrayBuffer());
      body[at]! ^= 1;
      return new Response(body, { status: response.status, headers: response.headers });
    };
    await expect(ask(client)).rejects.toMatchObject({ code: "EVIDENCE_BINDING_MISMATCH" });
  });

  test("that cuts a reply at any byte is found out, also between two chunks", async () => {
    const client = await open();
    let whole = new Uint8Array(0);
    alter = async (response) => {
      whole = new Uint8Array(await response.clone().arrayBuffer());
      return response;
    };
    await (await ask(client, true)).text();
    const codes = new Set<string>();
    for (const cut of [0, 31, 32, 36, 60, whole.length - 21, whole.length - 20, whole.length - 1]) {
      alter = async (response) => {
        const body = new Uint8Array(await response.arrayBuffer()).subarray(
          0,
          cut - whole.length || undefined,
        );
        return new Response(body, { status: response.status, headers: response.headers });
      };
      codes.add(
        await ask(client, true)
          .then((response) => response.text())
          .then(
            () => `whole after ${cut}`,
            (error: unknown) => String((error as { code?: string }).code),
          ),
      );
    }
    expect([...codes]).toEqual(["ENCLAVE_REPLY_TRUNCATED"]);
  });

  test("that answers one call with another's reply is found out", async () => {
    const client = await open();
    let other: Uint8Array | null = null;
    alter = async (response) => {
      const bytes = new Uint8Array(await response.arrayBuffer());
      const given = other ?? bytes;
      other = bytes;
      return new Response(new Uint8Array(given), { status: response.status, headers: response.headers });
    };
    await (await ask(client)).text();
    await expect(ask(client)).rejects.toMatchObject({ code: "EVIDENCE_BINDING_MISMATCH" });
  });

  test.for([
    ["a refusal in the clear", { code: "INPUT_TOO_LARGE" }, 413, "INPUT_TOO_LARGE"],
    [
      "a refusal that only an opened call can have",
      { code: "INPUT_UNAUTHORIZED" },
      401,
      "ENCLAVE_UNAVAILABLE",
    ],
    ["a reply of its own", null, 200, "ENCLAVE_UNAVAILABLE"],
  ] as const)("that gives %s is not taken for the enclave", async ([, error, status, code]) => {
    const client = await open();
    alter = () =>
      Response.json(
        error === null
          ? { choices: [] }
          : { error: { ...error, message: "x", details: {}, retryable: false } },
        { status },
      );
    await expect(ask(client)).rejects.toMatchObject({ code });
  });

  test("that says that other keys are there makes nobody send a call twice", async () => {
    const client = await open();
    const lie = { code: "INPUT_NOT_RECIPIENT", message: "x", details: {}, retryable: false };
    alter = () => Response.json({ error: lie }, { status: 409 });
    await expect(ask(client)).rejects.toMatchObject({ code: "ENCLAVE_UNAVAILABLE", retryable: true });
    expect(carried.filter(({ url }) => url.endsWith("/v1/sealed"))).toHaveLength(1);
    expect(carried.filter(({ url }) => url.includes("/v1/attestation"))).toHaveLength(2);
  });
});

test("a call by a clock that is not set is refused by the enclave, in secret", async () => {
  // Ten seconds beyond what is refused: the enclave's time is read from hosts that tell whole seconds.
  const client = await open(() => wallClockMs() - 310_000);
  const asked = fronted.modelCalls();
  const refused = await ask(client);
  expect([refused.status, await refused.json()]).toMatchObject([410, { error: { code: "INPUT_EXPIRED" } }]);
  expect(fronted.modelCalls()).toBe(asked);
});

test("a call that no enclave takes is not sent", async () => {
  const client = await open();
  const before = carried.length;
  for (const [path, method] of [
    ["/v1/sealed", "POST"],
    ["/v1/models", "DELETE"],
    ["/elsewhere", "GET"],
  ] as const)
    await expect(client.fetch(path, { method })).rejects.toMatchObject({ code: "INPUT_INVALID" });
  expect(carried).toHaveLength(before);
});
