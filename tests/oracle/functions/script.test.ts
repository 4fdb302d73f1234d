import { inflateRawSync } from "node:zlib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fromHex, toHex, type Hex } from "../../../protocol/bytes.ts";
import {
  askEnclave,
  type FunctionsHttpReply,
  type FunctionsHttpRequest,
} from "../../../oracle/functions/script.ts";

const SECRETS = { enclaveUrl: "https://enclave.example", enclaveCredential: "s3cret" };
const CALL: Hex = `0x${"00".repeat(200)}${"ab".repeat(100)}`;
const ANSWER: FunctionsHttpReply = { error: false, status: 200, data: { response: "0x02ff" } };
const PENDING: FunctionsHttpReply = { error: false, status: 202, data: {} };

/** Runs the script against replies, one after the other; the last is repeated. Time is the test's. */
async function run(
  replies: readonly FunctionsHttpReply[],
  options: {
    readonly call?: Hex;
    readonly secrets?: Record<string, string>;
    readonly msPerCall?: number;
  } = {},
): Promise<{ readonly result: string; readonly requests: readonly FunctionsHttpRequest[] }> {
  const requests: FunctionsHttpRequest[] = [];
  const asked = askEnclave({
    secrets: options.secrets ?? SECRETS,
    bytesArgs: [options.call ?? CALL],
    Functions: {
      makeHttpRequest: async (request) => {
        requests.push(request);
        await new Promise((done) => setTimeout(done, Math.min(options.msPerCall ?? 0, request.timeout)));
        return replies[Math.min(requests.length, replies.length) - 1]!;
      },
    },
  }).then(
    (bytes) => toHex(bytes),
    (error: unknown) => (error as Error).message,
  );
  let result: string | undefined;
  void asked.then((value) => (result = value));
  // The body is deflated outside the test's time: until the first call, no time passes.
  while (result === undefined && requests.length === 0) await new Promise((turn) => setImmediate(turn));
  while (result === undefined) await vi.advanceTimersByTimeAsync(100);
  return { result, requests };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("posts the call, deflated, with the credential, and returns the enclave's bytes as they are", async () => {
  const { result, requests } = await run([ANSWER]);
  expect(result).toBe("0x02ff");
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({
    url: "https://enclave.example/v1/functions/answers",
    method: "POST",
    headers: { authorization: "Bearer s3cret", "content-type": "application/json" },
  });
  const sent = inflateRawSync(Buffer.from(requests[0]!.data["call"]!, "base64"));
  expect(toHex(new Uint8Array(sent))).toBe(CALL);
});

test("asks again while the model is slow", async () => {
  const { result, requests } = await run([PENDING, PENDING, ANSWER], { msPerCall: 1_700 });
  expect(result).toBe("0x02ff");
  expect(requests).toHaveLength(3);
});

test("asks again after a failure that may pass", async () => {
  const failures: readonly FunctionsHttpReply[] = [
    { error: true },
    { error: true, code: "503" },
    { error: true, response: { status: 429 } },
    ANSWER,
  ];
  const { result, requests } = await run(failures);
  expect(result).toBe("0x02ff");
  expect(requests).toHaveLength(4);
});

test("never makes more than five calls", async () => {
  const { result, requests } = await run([PENDING], { msPerCall: 10 });
  expect(result).toBe("adyton: the model is slow");
  expect(requests).toHaveLength(5);
});

test("ends before the ten seconds of Functions do, and never lets one call run past them", async () => {
  const start = performance.now();
  const { result, requests } = await run([PENDING], { msPerCall: 60_000 });
  expect(result).toBe("adyton: the model is slow");
  expect(requests).toHaveLength(3);
  expect(performance.now() - start).toBeLessThan(10_000);
});

test.for(["400", "401", "409", "410", "413"])(
  "does not repeat a call that the enclave refuses with %s",
  async (code) => {
    const { result, requests } = await run([{ error: true, code }, ANSWER]);
    expect(result).toBe(`adyton: HTTP ${code}`);
    expect(requests).toHaveLength(1);
  },
);

test("says so when the secrets are not there, and calls nobody", async () => {
  const { result, requests } = await run([ANSWER], { secrets: { enclaveUrl: "https://enclave.example" } });
  expect(result).toMatch(/^adyton: secrets/);
  expect(requests).toHaveLength(0);
});

test("refuses a question that does not fit a request body of Functions, and calls nobody", async () => {
  let state = 1;
  const noise = Array.from({ length: 1_600 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state & 0xff).toString(16).padStart(2, "0");
  }).join("");
  const { result, requests } = await run([ANSWER], { call: `0x${noise}` });
  expect(result).toBe("adyton: the question is too long for Functions");
  expect(requests).toHaveLength(0);
  const padded = await run([ANSWER], { call: `0x${"00".repeat(60_000)}` });
  expect(padded.requests).toHaveLength(1);
  expect(fromHex(padded.result)).toHaveLength(2);
});
