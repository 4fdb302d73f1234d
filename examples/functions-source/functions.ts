/**
 * What a source of Chainlink Functions finds around it, over what an agent's program has: `adyton agent build` puts this before a source
 * whose `agent.json` says `"kind": "functions"`. It does what the sandbox of @chainlink/functions-toolkit 0.3.2 does, to the byte of the
 * answer; what it cannot do, it refuses by name.
 */

import type { CallError, Host, HttpMethod, HttpResponse, Json } from "../agent/agent.d.ts";

/** The toolkit's limits, as far as they decide what a source is given. */
const MAX_REQUESTS = 5;
const MAX_URL_LENGTH = 2_048;
const MAX_REQUEST_BYTES = 2_048;
const MAX_ANSWER_BYTES = 256;

interface FunctionsInput {
  readonly args?: readonly string[];
  readonly bytesArgs?: readonly string[];
}

interface RequestOptions {
  readonly url: string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly data?: unknown;
  readonly timeout?: number;
  readonly responseType?: string;
}

/** By the names under which a source finds them. */
type Scope = Readonly<Record<string, unknown>>;

/** @param secrets names that the manifest lets the program use */
export function functionsProgram(
  secrets: readonly string[],
  source: (scope: Scope) => () => Promise<unknown>,
): (input: FunctionsInput | null, host: Host) => Promise<{ readonly response: string }> {
  return async (input, host) => {
    const scope = { ...globals(host), ...given(input, secrets), Functions: createFunctions(host) };
    const answer = await source(scope)().catch(asError);
    if (!(answer instanceof ArrayBuffer) && !(answer instanceof Uint8Array))
      throw new Error("returned value not an ArrayBuffer or Uint8Array");
    const bytes = new Uint8Array(answer);
    if (bytes.length > MAX_ANSWER_BYTES) throw new Error(`response >${MAX_ANSWER_BYTES} bytes`);
    return { response: `0x${hexOf(bytes)}` };
  };
}

/** As the toolkit names what is thrown and is no error. */
function asError(thrown: unknown): never {
  if (thrown instanceof Error) throw thrown;
  throw new Error(typeof thrown === "string" ? thrown : `invalid value thrown of type ${typeof thrown}`);
}

/** The toolkit's own: an object where a list was not given. */
function given(input: FunctionsInput | null, secrets: readonly string[]): Scope {
  const named = Object.fromEntries(secrets.map((name) => [name, placeholder(name)]));
  return { args: input?.args ?? {}, bytesArgs: input?.bytesArgs ?? {}, secrets: named };
}

const REFUSED = [
  "fetch",
  "Deno",
  "Buffer",
  "crypto",
  "setTimeout",
  "setInterval",
  "URL",
  "URLSearchParams",
  "Headers",
  "Request",
  "Response",
  "require",
  "process",
] as const;

function globals(host: Host): Scope {
  const say = (...values: readonly unknown[]): void => {
    host.log(...values.map(printable));
  };
  return {
    ...Object.fromEntries(REFUSED.map((name) => [name, refused(name)])),
    console: { log: say, info: say, warn: say, error: say, debug: say },
    TextEncoder: class {
      encode(text: unknown = ""): Uint8Array {
        return encodeUtf8(String(text));
      }
    },
    btoa: (text: unknown) => {
      if (secretsIn(String(text)).length > 0) throw onlyInHeaders(String(text));
      return btoa(String(text));
    },
  };
}

/** Whatever is done with it says what it is. */
function refused(name: string): unknown {
  const say = (): never => {
    throw new Error(`${name} is not there for a source that runs as an agent: use Functions.makeHttpRequest`);
  };
  return new Proxy(say, { get: say, apply: say, construct: say });
}

function printable(value: unknown): Json {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return (JSON.parse(JSON.stringify(value)) as Json | undefined) ?? String(value);
  } catch {
    return String(value);
  }
}

function createFunctions(host: Host): object {
  let requests = 0;
  return {
    makeHttpRequest: async (options: RequestOptions) => {
      try {
        requests += 1;
        return await makeHttpRequest(host, options, requests);
      } catch (error) {
        if (error instanceof Refused) throw error;
        return { error: true, message: String(error) };
      }
    },
    encodeUint256,
    encodeInt256,
    encodeString: (text: unknown = "") => encodeUtf8(String(text)),
  };
}

/** Not what a server does, but what this place does not have: it ends the run, and is no answer. */
class Refused extends Error {}

async function makeHttpRequest(host: Host, options: RequestOptions, number: number): Promise<object> {
  const { url, method = "get", params, headers = {}, data, responseType = "json" } = options;
  for (const [what, value] of Object.entries({ params, headers })) {
    if (value !== undefined && (typeof value !== "object" || Array.isArray(value)))
      throw new Refused(`${what} are given as an object here`);
  }
  const target = params ? `${url}?${formEncoded(params)}` : url;
  const body = Boolean(data) ? JSON.stringify(data) : undefined;
  const sent = method.toUpperCase();
  if (body !== undefined && (sent === "GET" || sent === "HEAD"))
    throw new TypeError("Request with GET/HEAD method cannot have body");
  if (secretsIn(target + (body ?? "")).length > 0) throw onlyInHeaders(target + (body ?? ""));
  const limit = limitOf(number, target, body);
  if (limit !== null) return failed(limit);
  try {
    const response = await host.http({
      url: target,
      method: sent as HttpMethod,
      ...headersOf(headers, body),
      ...(body === undefined ? {} : { body }),
    });
    if (response.status >= 400) return failed(response);
    if (response.status >= 300) {
      throw new Refused(
        `redirects are not followed: name the address that ${target} leads to, ${response.headers["location"] ?? "which it does not say"}`,
      );
    }
    return {
      error: false,
      status: response.status,
      statusText: statusText(response.status),
      headers: response.headers,
      data: dataOf(response, responseType),
    };
  } catch (error) {
    const { code, message } = error as CallError;
    if (code === "REFUSED" || code === "OUT_OF_BUDGET") throw new Refused(message);
    if (code === "TOO_LARGE") return failed({ status: 413 });
    // The toolkit's proxy says no more of a connection that fails.
    if (typeof code === "string") return failed({ status: 400 });
    throw error;
  }
}

type Answered = Pick<HttpResponse, "status"> & Partial<HttpResponse>;

/** As the toolkit's proxy refuses it. */
function limitOf(number: number, url: string, body: string | undefined): Answered | null {
  if (number > MAX_REQUESTS) return { status: 429 };
  if (url.length > MAX_URL_LENGTH) return { status: 414 };
  return encodeUtf8(body ?? "").length > MAX_REQUEST_BYTES ? { status: 413 } : null;
}

function failed(answered: Answered): object {
  const { status, headers = {}, text = "" } = answered;
  const response = {
    ok: false,
    status,
    statusText: statusText(status),
    headers: { get: (name: string) => headers[name.toLowerCase()] ?? null },
    text: () => Promise.resolve(withoutMark(text)),
    json: () => Promise.resolve(JSON.parse(withoutMark(text)) as Json),
  };
  return { error: true, message: response.statusText, code: String(status), response };
}

function dataOf({ text }: HttpResponse, responseType: string): unknown {
  switch (responseType) {
    case "json":
      return JSON.parse(withoutMark(text)) as Json;
    case "text":
    case "document":
      return withoutMark(text);
    case "arraybuffer":
      // What was no UTF-8 has been replaced by this character, and cannot be told from it.
      if (text.includes("\ufffd")) throw new Refused("an arraybuffer of what is no UTF-8 is not there");
      return encodeUtf8(text).buffer;
    case "stream":
      throw new Refused("a stream is not there: use text");
    default:
      throw new Error("invalid response type");
  }
}

function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/** Of characters that no encoding of a URL changes, so that it is found there. */
const MARK = "adyton-secret";

function placeholder(name: string): string {
  return `${MARK}.${name}.`;
}

function secretsIn(text: string): readonly string[] {
  return [...text.matchAll(new RegExp(`${MARK}\\.([A-Za-z0-9_-]+)\\.`, "g"))].map(([, name = ""]) => name);
}

function onlyInHeaders(text: string): Refused {
  return new Refused(`the secret ${secretsIn(text).join(", ")} may stand in a header alone`);
}

/** A header with a secret in it is filled by the secret, whole: whoever brings it brings also what stands around it. */
function headersOf(
  headers: Readonly<Record<string, unknown>>,
  body: string | undefined,
): { readonly headers: Record<string, string>; readonly secrets: Record<string, string> } {
  // A request's own, as `fetch` sets them.
  const plain: Record<string, string> = {
    accept: "*/*",
    ...(body === undefined ? {} : { "content-type": "text/plain;charset=UTF-8" }),
  };
  const secrets: Record<string, string> = {};
  for (const [spelled, value] of Object.entries(headers)) {
    const name = spelled.toLowerCase();
    const [secret, more] = secretsIn(String(value));
    if (more !== undefined) throw new Refused(`the header ${name} has two secrets`);
    if (secret === undefined) plain[name] = String(value);
    else secrets[name] = secret;
  }
  return { headers: plain, secrets };
}

/** application/x-www-form-urlencoded, as URLSearchParams writes a record. */
function formEncoded(params: Readonly<Record<string, unknown>>): string {
  const encode = (text: unknown): string =>
    encodeURIComponent(String(text).toWellFormed())
      .replaceAll(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll("%20", "+");
  return Object.entries(params)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join("&");
}

function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  const escaped = encodeURIComponent(text.toWellFormed());
  const bytes = new Uint8Array(escaped.length);
  let length = 0;
  for (let at = 0; at < escaped.length; at += 1) {
    const isEscape = escaped[at] === "%";
    bytes[length] = isEscape ? parseInt(escaped.slice(at + 1, at + 3), 16) : escaped.charCodeAt(at);
    length += 1;
    if (isEscape) at += 2;
  }
  return bytes.slice(0, length);
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const WORD = 2n ** 256n;

function encodeUint256(value: bigint | number): Uint8Array {
  const number = integerOf("encodeUint256", value);
  if (number < 0n) throw new Error("input into Functions.encodeUint256 is negative");
  if (number >= WORD) throw new Error("input into Functions.encodeUint256 is too large");
  return word(number);
}

function encodeInt256(value: bigint | number): Uint8Array {
  const number = integerOf("encodeInt256", value);
  if (number < -WORD / 2n) throw new Error("input into Functions.encodeInt256 is too small");
  if (number >= WORD / 2n) throw new Error("input into Functions.encodeInt256 is too large");
  return word(number < 0n ? WORD + number : number);
}

function integerOf(name: string, value: unknown): bigint {
  if (typeof value !== "number" && typeof value !== "bigint")
    throw new Error(`input into Functions.${name} is not a number or bigint`);
  if (typeof value === "number" && !Number.isInteger(value))
    throw new Error(`input into Functions.${name} is not an integer`);
  return BigInt(value);
}

function word(number: bigint): Uint8Array {
  const hex = number.toString(16).padStart(64, "0");
  return Uint8Array.from({ length: 32 }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non Authoritative Information",
  204: "No Content",
  206: "Partial Content",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  413: "Payload Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  418: "I'm a teapot",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** The phrase of a status: no server's own is recorded. */
function statusText(status: number): string {
  return STATUS_TEXTS[status] ?? "";
}
