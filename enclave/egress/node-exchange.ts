import { createHash } from "node:crypto";
import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, type Agent } from "node:https";
import { TLSSocket } from "node:tls";
import { joinBytes } from "../../protocol/bytes.ts";
import { UpstreamError, type UpstreamErrorCode } from "../../protocol/errors.ts";
import type { Transport } from "../../protocol/transcript.ts";
import type { Limits } from "../configuration/behaviour.ts";
import type { CompleteResponse, Exchange, ExchangeOutcome, OutgoingRequest } from "./exchange.ts";

/** Bytes of response headers: providers send two to four thousand. */
const MAX_HEADER_BYTES = 32 * 1024;

/**
 * Pieces of a body that may be of any size. Beyond them, the pieces have MIN_PIECE_BYTES on average: each costs this process ten
 * microseconds, and a server that sends its megabyte byte by byte would have ten seconds of it.
 */
const FREE_PIECES = 4_096;
const MIN_PIECE_BYTES = 16;

/** Responses that have no body, whatever else they say (RFC 9112 §6.3). */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);

function hasBody(method: OutgoingRequest["method"]): boolean {
  return method !== "GET" && method !== "HEAD";
}

export interface ExchangeSettings {
  readonly agent: Agent;
  readonly limits: Limits;
  /**
   * Called once per TLS session, before the request is written.
   *
   * @throws {UpstreamError} MODEL_TLS_REFUSED for a session that must not be used
   */
  readonly judgeSession: (socket: TLSSocket) => Transport;
}

/**
 * HTTP/1.1 over node:https. No redirect is followed, nothing is retried, no compression is taken that the request does not name, and a response whose
 * end its own framing does not show is refused, since whoever owns the network could have cut it short.
 */
export function createExchange(settings: ExchangeSettings): Exchange {
  const sessions = new WeakMap<object, Transport>();
  return (request) =>
    new Promise((resolve) => {
      new RunningExchange(request, settings, sessions, resolve).start();
    });
}

class RunningExchange {
  readonly #request: OutgoingRequest;
  readonly #settings: ExchangeSettings;
  readonly #sessions: WeakMap<object, Transport>;
  readonly #resolve: (outcome: ExchangeOutcome) => void;
  readonly #chunks: Uint8Array[] = [];
  readonly #hash = createHash("sha256");
  #client: ClientRequest | undefined;
  #transport: Transport | null = null;
  /** Whether a byte of the request may have left. From then on it is never sent again: nobody can know that it was not read. */
  #isWritten = false;
  #size = 0;
  #done = false;
  #phase: NodeJS.Timeout | undefined;
  #whole: NodeJS.Timeout | undefined;

  constructor(
    request: OutgoingRequest,
    settings: ExchangeSettings,
    sessions: WeakMap<object, Transport>,
    resolve: (outcome: ExchangeOutcome) => void,
  ) {
    this.#request = request;
    this.#settings = settings;
    this.#sessions = sessions;
    this.#resolve = resolve;
  }

  start(): void {
    const { limits } = this.#settings;
    this.#whole = setTimeout(() => {
      this.#fail("MODEL_TIMEOUT", "the exchange took too long");
    }, limits.wholeExchangeMs);
    this.#wait(limits.connectMs, "no connection in time");
    this.#request.signal?.addEventListener(
      "abort",
      () => {
        this.#fail("MODEL_TIMEOUT", "the call was given up");
      },
      { once: true },
    );
    this.#connect();
  }

  #connect(): void {
    const { url, method, headers, body } = this.#request;
    const { agent } = this.#settings;
    const secure = url.protocol === "https:";
    const options = {
      method,
      headers: {
        ...headers,
        "accept-encoding": [...(this.#request.encodings ?? []), "identity"].join(", "),
        ...(hasBody(method) ? { "content-length": body.length } : {}),
      },
      maxHeaderSize: MAX_HEADER_BYTES,
    };
    try {
      const client = secure
        ? httpsRequest(url, { ...options, agent })
        : httpRequest(url, { ...options, agent: false });
      this.#client = client;
      client.on("socket", (socket) => {
        if (socket instanceof TLSSocket) {
          this.#onTlsSocket(client, socket);
        } else if (socket.connecting) {
          socket.once("connect", () => {
            this.#onConnected(loopback(socket.remoteAddress));
          });
        } else {
          this.#onConnected(loopback(socket.remoteAddress));
        }
      });
      client.on("response", (response) => {
        // Of a kept connection, what was not asked for answers nothing (RFC 9112 §9.2).
        if (this.#isUnused(client)) this.#takeAnother(client);
        else this.#onResponse(response);
      });
      client.on("error", (cause) => {
        if (this.#isUnused(client)) this.#takeAnother(client);
        else if (client === this.#client) this.#onError(cause);
      });
      client.on("upgrade", () => {
        this.#fail("MODEL_RESPONSE_MALFORMED", "the server changed protocols");
      });
    } catch (cause) {
      this.#fail("MODEL_UNREACHABLE", "the request could not be made", cause);
    }
  }

  #onTlsSocket(client: ClientRequest, socket: TLSSocket): void {
    const known = this.#sessions.get(socket);
    if (known !== undefined) {
      // Two turns of the loop, between which it hears what has arrived: a server may have closed what was kept.
      setImmediate(() =>
        setImmediate(() => {
          if (client !== this.#client || this.#done) return;
          if (socket.writable) this.#onConnected(() => known);
          else this.#takeAnother(client);
        }),
      );
    } else {
      socket.once("secureConnect", () => {
        this.#onConnected(() => this.#judge(socket));
      });
    }
  }

  /** A kept connection to which nothing of the request was written. */
  #isUnused(client: ClientRequest): boolean {
    return client === this.#client && client.reusedSocket && !this.#isWritten && !this.#done;
  }

  /** The connection was closed while it was idle: nothing was sent on it, so that the request goes over another. */
  #takeAnother(client: ClientRequest): void {
    this.#client = undefined;
    client.destroy();
    this.#connect();
  }

  #judge(socket: TLSSocket): Transport {
    const transport = this.#settings.judgeSession(socket);
    this.#sessions.set(socket, transport);
    return transport;
  }

  /** Nothing of the request, its headers included, is written before the peer is judged. */
  #onConnected(describe: () => Transport): void {
    if (this.#done) return;
    try {
      this.#transport = describe();
      this.#request.admit?.(this.#transport);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      this.#settle({ kind: "failed", error, transport: this.#transport });
      return;
    }
    this.#isWritten = true;
    this.#client?.end(this.#request.body);
    this.#wait(this.#settings.limits.firstByteMs, "no response in time");
  }

  #onResponse(response: IncomingMessage): void {
    const { limits } = this.#settings;
    // Of an error the status is what counts: a proxy in front of an overloaded server compresses, or ends by closing.
    const isError = (response.statusCode ?? 0) >= 400;
    const encoding = response.headers["content-encoding"]?.toLowerCase() ?? "identity";
    const isTaken = encoding === "identity" || (this.#request.encodings ?? []).includes(encoding);
    if (!isTaken && !isError) {
      this.#fail("MODEL_RESPONSE_MALFORMED", "the body is compressed, which was not asked for");
      return;
    }
    const announced = response.headers["content-length"];
    // Names of codings are case-insensitive (RFC 9112 §7).
    const chunked = response.headers["transfer-encoding"]?.toLowerCase() === "chunked";
    const isBodiless = this.#request.method === "HEAD" || BODILESS.has(response.statusCode ?? 0);
    const isFramed = announced !== undefined || chunked || isBodiless;
    if (!isFramed && !isError) {
      this.#fail("MODEL_RESPONSE_TRUNCATED", "nothing in the response says where it ends");
      return;
    }
    this.#wait(limits.stallMs, "the body stalled");
    response.on("data", (chunk: Buffer) => {
      this.#onChunk(response.statusCode ?? 0, chunk);
    });
    response.on("error", (cause) => {
      this.#fail("MODEL_RESPONSE_TRUNCATED", "the connection ended inside the body", cause);
    });
    response.on("end", () => {
      if (response.complete) this.#complete(response);
      else this.#fail("MODEL_RESPONSE_TRUNCATED", "the connection ended inside the body");
    });
  }

  #onChunk(status: number, chunk: Buffer): void {
    if (this.#done) return;
    this.#size += chunk.length;
    const { responseBytes } = this.#settings.limits;
    if (this.#size > Math.min(responseBytes, this.#request.maxResponseBytes ?? responseBytes)) {
      this.#fail("MODEL_OUTPUT_TOO_LARGE", "the response is larger than allowed");
      return;
    }
    this.#chunks.push(chunk);
    if (this.#chunks.length > FREE_PIECES && this.#size < this.#chunks.length * MIN_PIECE_BYTES) {
      this.#fail("MODEL_RESPONSE_MALFORMED", "the body comes in crumbs");
      return;
    }
    this.#wait(this.#settings.limits.stallMs, "the body stalled");
    this.#hash.update(chunk);
    if (status >= 200 && status < 300) this.#request.onChunk?.(chunk);
  }

  #complete(message: IncomingMessage): void {
    if (this.#done || this.#transport === null) return;
    const headers = Object.fromEntries(
      Object.entries(message.headers).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      ),
    );
    const response: CompleteResponse = {
      status: message.statusCode ?? 0,
      headers,
      body: joinBytes(this.#chunks),
      bodySha256: this.#hash.digest(),
      transport: this.#transport,
    };
    this.#settle({ kind: "complete", response });
  }

  #onError(cause: Error): void {
    const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
    if (isTlsFailure(code))
      this.#fail("MODEL_TLS_REFUSED", "the server's identity could not be verified", cause);
    else if (code.startsWith("HPE_"))
      this.#fail("MODEL_RESPONSE_MALFORMED", "the response is not HTTP", cause);
    else if (this.#transport === null) this.#fail("MODEL_UNREACHABLE", "no connection to the server", cause);
    else this.#fail("MODEL_RESPONSE_TRUNCATED", "the connection failed before a whole response", cause);
  }

  #wait(ms: number, message: string): void {
    clearTimeout(this.#phase);
    if (this.#done) return;
    this.#phase = setTimeout(() => {
      this.#fail("MODEL_TIMEOUT", message);
    }, ms);
  }

  #fail(code: UpstreamErrorCode, message: string, cause?: unknown): void {
    if (this.#done) return;
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : null;
    const details = { host: this.#request.url.host, ...(reason === null ? {} : { reason }) };
    const error = new UpstreamError({ code, message, details, cause });
    this.#settle({ kind: "failed", error, transport: this.#transport });
  }

  #settle(outcome: ExchangeOutcome): void {
    this.#done = true;
    clearTimeout(this.#phase);
    clearTimeout(this.#whole);
    // Also ends a response that is still coming. A whole one has left its socket to the agent already.
    if (outcome.kind === "failed") this.#client?.destroy();
    this.#resolve(outcome);
  }
}

/** Names of OpenSSL and Node for a peer that is not who it should be, or a handshake that failed. */
function isTlsFailure(code: string): boolean {
  return (
    code.startsWith("ERR_TLS_") ||
    code.startsWith("ERR_SSL_") ||
    code.startsWith("CERT_") ||
    code.startsWith("UNABLE_TO_") ||
    /^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED|ERROR_IN_CERT_.*|EPROTO)$/.test(
      code,
    )
  );
}

/** Plain HTTP never leaves the machine, whatever the address was written like. */
function loopback(address: string | undefined): () => Transport {
  return () => {
    if (address === undefined || !/^(?:127\.|::1$|::ffff:127\.)/.test(address)) {
      throw new UpstreamError({
        code: "MODEL_TLS_REFUSED",
        message: "plain HTTP is for loopback only",
        details: { address: address ?? null },
      });
    }
    return { kind: "plain-loopback", address };
  };
}
