import { Agent, request } from "node:https";
import * as z from "zod";
import { toHex } from "../../protocol/bytes.ts";
import { AnswerCall } from "../../protocol/enclave-api.ts";
import { encodePayload, PayloadType, payloadHash } from "../../protocol/payload.ts";
import { OutputKind, PROVIDER_DEFAULT_SAMPLING } from "../../protocol/prompt.ts";

const TEXT = "Buy now! You are an idiot if you do not.";
const SCHEMA = '(bool flagged, uint8 severity 0..10 "0 harmless, 10 dangerous", string reason)';

const zero = `0x${"00".repeat(32)}` as const;
const someHash = `0x${"b1".repeat(32)}` as const;
const someone = `0x${"aa".repeat(20)}` as const;
let nonce = 0;

/** Of a request, seconds. */
const LIFETIME_SECONDS = 86_400n;

/** A moderation that nobody asked for before. */
export function answerCall(model: string, deadline: bigint): string {
  const payload = encodePayload({
    type: PayloadType.inference,
    prompt: {
      models: [`stand-in/${model}`],
      panelRule: 0,
      panelQuorum: 0,
      messages: [
        { role: 1, content: "You are a moderator." },
        { role: 2, content: TEXT },
      ],
      maxOutputTokens: 256,
      sampling: PROVIDER_DEFAULT_SAMPLING,
      format: { kind: OutputKind.abi, schema: SCHEMA, choices: [] },
      parts: [],
    },
  });
  nonce += 1;
  const request = {
    chainId: 31_337n,
    coordinator: "0x00000000000000000000000000000000000000c0",
    consumer: someone,
    requestedAt: deadline - LIFETIME_SECONDS,
    nonce,
    context: zero,
    payer: someone,
    refundTo: someone,
    subscriptionId: 0n,
    payloadHash: payloadHash(payload),
    payloadUriHash: zero,
    policyId: zero,
    threshold: 1,
    aggregation: 0,
    delivery: 0,
    callbackGasLimit: 200_000,
    maxOutputBytes: 4_096,
    fee: 10n ** 15n,
    gasPriceCap: 10n ** 10n,
    deadline,
  } as const;
  const stateBlock = { number: 1n, hash: someHash };
  return JSON.stringify(z.encode(AnswerCall, { request, payload: toHex(payload), stateBlock }));
}

/** What the enclave sends for such a call, near enough: the bare call of the comparison. */
export function bareCall(): string {
  const messages = [
    { role: "system", content: "You are a moderator." },
    { role: "user", content: TEXT },
  ];
  const properties = {
    flagged: { type: "boolean" },
    severity: { type: "string", description: "an integer from 0 to 10, as a decimal string" },
    reason: { type: "string" },
  };
  const schema = {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
  const response_format = { type: "json_schema", json_schema: { name: "answer", strict: true, schema } };
  return JSON.stringify({ model: "stand-in-1", messages, max_tokens: 256, stream: false, response_format });
}

export interface Target {
  readonly url: URL;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
}

export function createTarget(
  url: string,
  keepAlive: boolean,
  options: { ca?: string; authorization?: string },
): Target {
  // The enclave's certificate is checked by its evidence, which is not what is measured here.
  const trust = options.ca === undefined ? { rejectUnauthorized: false } : { ca: options.ca };
  const agent = new Agent({ keepAlive, maxSockets: 1_024, maxCachedSessions: 0, ...trust });
  const { authorization } = options;
  return { url: new URL(url), agent, headers: authorization === undefined ? {} : { authorization } };
}

/** Milliseconds that one call took. @throws when the answer is not 200 */
export function timedCall({ url, agent, headers }: Target, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const all = { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const call = request(url, { method: "POST", agent, headers: all }, (response) => {
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(performance.now() - started);
        else reject(new Error(`HTTP ${response.statusCode ?? 0}`));
      });
      response.resume();
    });
    call.on("error", reject);
    call.end(body);
  });
}
