import { request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import type * as z from "zod";
import { TransitionReply } from "../../coprocessor/epochs/transition-call.ts";
import { SnapshotReply } from "../../coprocessor/snapshots/snapshot-call.ts";
import { fromUtf8, type Hex } from "../../protocol/bytes.ts";
import { COSE_RECEIPT_MEDIA_TYPE } from "../../protocol/cose-receipt.ts";
import {
  AttestationReply,
  BatchReply,
  ErrorReply,
  HealthReply,
  ModelsReply,
  QuoteReply,
  SignedAnswer,
} from "../../protocol/enclave-api.ts";
import { AdytonError, InputError, type InputErrorCode, UpstreamError } from "../../protocol/errors.ts";
import { MAX_RECEIPT_BYTES } from "../../protocol/limits.ts";
import type { SealedSecret } from "../../protocol/sealed-secret.ts";
import { withDeadline } from "../engine/deadline.ts";
import { PinnedAgent } from "../../client/pinned-agent.ts";

export interface EnclaveClientOptions {
  readonly url: string;
  readonly callerToken: string;
  /** SHA-256 of the attested TLS key's SubjectPublicKeyInfo. */
  readonly tlsKeyHash: Hex;
  /** Longest that one answer may take, model included. */
  readonly answerTimeoutMs: number;
  readonly maxSockets: number;
}

interface HttpReply {
  readonly status: number;
  readonly body: Uint8Array;
}

interface HttpCall {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  /** JSON where it is a text. */
  readonly body?: string | Uint8Array;
  /** JSON, where it is not said. */
  readonly accept?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Without the caller's credential. */
  readonly anonymous?: boolean;
  /** W3C Trace Context, for what stands between here and the enclave; the enclave itself reads no such header. */
  readonly traceparent?: string;
}

const CONTROL_TIMEOUT_MS = 15_000;
/** A thousand rows are judged in some seconds, behind other ledgers'. */
const SNAPSHOT_TIMEOUT_MS = 120_000;

/** The enclave's API (protocol/enclave-api.ts) over TLS pinned to its attested key. */
export class EnclaveClient {
  readonly #options: EnclaveClientOptions;
  readonly #agent: PinnedAgent;
  readonly #url: URL;

  constructor(options: EnclaveClientOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    this.#agent = new PinnedAgent(options.tlsKeyHash, options.maxSockets);
  }

  /**
   * `call` is the JSON text of an `AnswerCall`.
   *
   * @throws {InputError} when the enclave refuses the request for good; {UpstreamError} ENCLAVE_UNAVAILABLE otherwise
   */
  async answer(call: string, signal: AbortSignal, traceparent?: string): Promise<SignedAnswer> {
    const { answerTimeoutMs } = this.#options;
    const reply = await this.#send({
      method: "POST",
      path: "/v1/answers",
      body: call,
      timeoutMs: answerTimeoutMs,
      signal,
      ...(traceparent === undefined ? {} : { traceparent }),
    });
    return parseReply(SignedAnswer, reply);
  }

  /**
   * One signature over the answers that the enclave gave to `requestIds`.
   *
   * @throws {InputError} when the enclave has not answered one of them; {UpstreamError} ENCLAVE_UNAVAILABLE otherwise
   */
  async batch(requestIds: readonly Hex[]): Promise<BatchReply> {
    const reply = await this.#send({
      method: "POST",
      path: "/v1/batches",
      body: JSON.stringify({ requestIds }),
      timeoutMs: CONTROL_TIMEOUT_MS,
    });
    return parseReply(BatchReply, reply);
  }

  /** `call` is the JSON text of a `LedgerAnswerCall`. @throws as `answer` */
  async answerEntry(call: string, signal: AbortSignal): Promise<SignedAnswer> {
    const { answerTimeoutMs } = this.#options;
    const request = { method: "POST", path: "/v1/ledger-answers", body: call, signal } as const;
    return parseReply(SignedAnswer, await this.#send({ ...request, timeoutMs: answerTimeoutMs }));
  }

  /** `call` is the JSON text of a `SnapshotCall`. @throws as `answer` */
  async signSnapshot(call: string, signal: AbortSignal): Promise<SnapshotReply> {
    const request = { method: "POST", path: "/v1/snapshots", body: call, signal } as const;
    return parseReply(SnapshotReply, await this.#send({ ...request, timeoutMs: SNAPSHOT_TIMEOUT_MS }));
  }

  /** `call` is the JSON text of a `TransitionCall`. @throws as `answer` */
  async signTransition(call: string): Promise<TransitionReply> {
    const request = { method: "POST", path: "/v1/transitions", body: call } as const;
    return parseReply(TransitionReply, await this.#send({ ...request, timeoutMs: CONTROL_TIMEOUT_MS }));
  }

  /**
   * `call` is the JSON text of an `AccountRunCall`.
   *
   * @throws {InputError} when the enclave refuses the run for good; {UpstreamError} ENCLAVE_UNAVAILABLE otherwise
   */
  async runForAccount(call: string): Promise<SignedAnswer> {
    const { answerTimeoutMs } = this.#options;
    const path = "/v1/agents/account-runs";
    return parseReply(
      SignedAnswer,
      await this.#send({ method: "POST", path, body: call, timeoutMs: answerTimeoutMs }),
    );
  }

  /** `call` is the JSON text of an `EventRunCall`. @throws as `runForAccount` */
  async runForEvent(call: string): Promise<SignedAnswer> {
    const { answerTimeoutMs } = this.#options;
    const path = "/v1/agents/event-runs";
    return parseReply(
      SignedAnswer,
      await this.#send({ method: "POST", path, body: call, timeoutMs: answerTimeoutMs }),
    );
  }

  /** Brings a program, which the enclave keeps by its hash until it restarts. @throws {InputError} for what is none */
  async putProgram(file: Uint8Array): Promise<void> {
    const reply = await this.#send({
      method: "PUT",
      path: "/v1/programs",
      body: file,
      timeoutMs: CONTROL_TIMEOUT_MS,
    });
    if (reply.status !== 200) throw refusalOf(reply);
  }

  /** Without a credential: it is asked before the enclave is known to be one. */
  async attestation(nonce: Hex): Promise<AttestationReply> {
    return parseReply(
      AttestationReply,
      await this.#send({
        method: "GET",
        path: `/v1/attestation?nonce=${nonce}`,
        timeoutMs: CONTROL_TIMEOUT_MS,
        anonymous: true,
      }),
    );
  }

  /** Returns when the enclave answers over the connection that its evidence was verified for. */
  async checkHealth(): Promise<void> {
    parseReply(
      HealthReply,
      await this.#send({
        method: "GET",
        path: "/v1/health",
        timeoutMs: CONTROL_TIMEOUT_MS,
        anonymous: true,
      }),
    );
  }

  /** @throws {UpstreamError} ENCLAVE_UNAVAILABLE when the enclave has no use for the name, or we may not provision */
  async putSecret(name: string, secret: SealedSecret): Promise<void> {
    const reply = await this.#send({
      method: "PUT",
      path: `/v1/secrets/${name}`,
      body: JSON.stringify(secret),
      timeoutMs: CONTROL_TIMEOUT_MS,
    });
    if (reply.status !== 204) throw refusalOf(reply);
  }

  async models(): Promise<ModelsReply> {
    return parseReply(
      ModelsReply,
      await this.#send({ method: "GET", path: "/v1/models", timeoutMs: CONTROL_TIMEOUT_MS }),
    );
  }

  /**
   * A question's worst cost, by the enclave's own prices.
   *
   * @throws {InputError} when the enclave would not ask it as it stands; {UpstreamError} ENCLAVE_UNAVAILABLE otherwise
   */
  async quote(payload: Hex): Promise<QuoteReply> {
    const call = { method: "POST", path: "/v1/quotes", body: JSON.stringify({ payload }) } as const;
    return parseReply(QuoteReply, await this.#send({ ...call, timeoutMs: CONTROL_TIMEOUT_MS }));
  }

  /**
   * The COSE twin of the enclave's answer to `requestId`.
   *
   * @throws {InputError} when the enclave keeps the answer no longer; {UpstreamError} ENCLAVE_UNAVAILABLE otherwise
   */
  async twin(requestId: Hex): Promise<Uint8Array> {
    const reply = await this.#send({
      method: "GET",
      path: `/v1/answers/${requestId}`,
      accept: COSE_RECEIPT_MEDIA_TYPE,
      timeoutMs: CONTROL_TIMEOUT_MS,
    });
    if (reply.status !== 200) throw refusalOf(reply);
    return reply.body;
  }

  /** Lets calls in flight end; opens no further connection that outlives its call. */
  close(): void {
    this.#agent.retire();
  }

  async #send(call: HttpCall): Promise<HttpReply> {
    try {
      return await withDeadline(call.timeoutMs, (signal) => this.#exchange(call, signal), call.signal);
    } catch (cause) {
      if (cause instanceof AdytonError) throw cause;
      throw new UpstreamError({
        code: "ENCLAVE_UNAVAILABLE",
        message: "the enclave cannot be reached",
        details: { host: this.#url.host, timedOut: cause instanceof Error && cause.name === "TimeoutError" },
        cause,
      });
    }
  }

  #exchange(
    { method, path, body, accept, anonymous, traceparent }: HttpCall,
    signal: AbortSignal,
  ): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        {
          host: this.#url.hostname,
          port: this.#url.port === "" ? 443 : this.#url.port,
          method,
          path,
          agent: this.#agent,
          signal,
          headers: {
            ...(anonymous === true ? {} : { authorization: `Bearer ${this.#options.callerToken}` }),
            accept: accept ?? "application/json",
            ...(traceparent === undefined ? {} : { traceparent }),
            ...(body === undefined
              ? {}
              : { "content-type": contentType(body), "content-length": Buffer.byteLength(body) }),
          },
        },
        (response) => {
          readBody(response).then((bytes) => {
            resolve({ status: response.statusCode ?? 0, body: bytes });
          }, reject);
        },
      );
      request.once("error", reject);
      request.end(body);
    });
  }
}

function contentType(body: string | Uint8Array): string {
  return typeof body === "string" ? "application/json" : "application/octet-stream";
}

async function readBody(response: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > MAX_RECEIPT_BYTES) {
      response.destroy();
      throw new RangeError("the enclave's reply is longer than any receipt");
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parseReply<Schema extends z.ZodType>(schema: Schema, { status, body }: HttpReply): z.output<Schema> {
  const json = parseJson(body);
  if (status === 200) {
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    throw malformed(status, parsed.error);
  }
  throw refusalOf({ status, body });
}

function refusalOf({ status, body }: HttpReply): AdytonError {
  const error = ErrorReply.safeParse(parseJson(body));
  return error.success ? toError(status, error.data.error) : malformed(status, error.error);
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(body));
  } catch {
    return undefined;
  }
}

/** Refusals that no repetition changes. The caller's own credential or speed is not the request's fault. */
const FINAL_REFUSALS: ReadonlySet<string> = new Set<InputErrorCode>([
  "INPUT_INVALID",
  "INPUT_TOO_LARGE",
  "INPUT_EXPIRED",
  "INPUT_CONFLICT",
]);

function toError(status: number, error: ErrorReply["error"]): AdytonError {
  if (FINAL_REFUSALS.has(error.code)) {
    return new InputError({
      code: error.code as InputErrorCode,
      message: error.message,
      details: error.details,
    });
  }
  return new UpstreamError({
    code: "ENCLAVE_UNAVAILABLE",
    message: `the enclave does not answer now: ${error.message}`,
    details: { status, enclaveCode: error.code },
  });
}

function malformed(status: number, cause: unknown): UpstreamError {
  return new UpstreamError({
    code: "ENCLAVE_UNAVAILABLE",
    message: "the enclave's reply has another form than its API",
    details: { status },
    cause,
  });
}
