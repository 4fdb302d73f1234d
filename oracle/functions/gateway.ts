/**
 * What stands between the nodes of Chainlink Functions and the enclave. The nodes verify certificates of the public web and know
 * nothing of RA-TLS; this verifies the enclave's evidence for them and passes on two routes. It sees what the nodes send, their
 * credential included, and can keep an answer back; it cannot alter one, which the consumer would refuse.
 *
 * Listens without TLS: put what holds your domain's certificate in front of it.
 */

import express, { type ErrorRequestHandler, type Express, type Request, type Response } from "express";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Hex } from "../../protocol/bytes.ts";
import { MAX_RECEIPT_BYTES } from "../../protocol/limits.ts";
import { withDeadline } from "../engine/deadline.ts";
import { PinnedAgent } from "../enclaves/pinned-agent.ts";

/** Bytes: a request body of Functions has 2,048. */
const MAX_BODY_BYTES = 4_096;
/** Milliseconds: longer than the enclave holds a call, shorter than a script waits. */
const UPSTREAM_TIMEOUT_MS = 3_500;
const MAX_SOCKETS = 64;

/** An enclave whose evidence was verified. */
export interface VerifiedEnclave {
  readonly url: string;
  readonly tlsKeyHash: Hex;
}

export interface GatewayOptions {
  /** Verifies the enclave's evidence; called again when the connection to its key is lost, as after a restart. */
  readonly connect: () => Promise<VerifiedEnclave>;
  readonly onError: (error: unknown) => void;
}

interface Upstream extends VerifiedEnclave {
  readonly agent: PinnedAgent;
}

export function createGateway({ connect, onError }: GatewayOptions): Express {
  let upstream: Promise<Upstream> | null = null;
  const open = async (): Promise<Upstream> => {
    const enclave = await connect();
    return { ...enclave, agent: new PinnedAgent(enclave.tlsKeyHash, MAX_SOCKETS) };
  };
  const pass = async (request: Request, response: Response): Promise<void> => {
    upstream ??= open();
    const used = upstream;
    try {
      await forward(await used, request, response);
    } catch (error) {
      // The next call verifies anew: the enclave may have other keys by now.
      if (upstream === used) upstream = null;
      throw error;
    }
  };
  const app = express();
  app.disable("x-powered-by");
  app.post("/v1/functions/answers", express.raw({ type: () => true, limit: MAX_BODY_BYTES }), pass);
  app.get("/v1/answers/:requestId", pass);
  app.use((_request, response) => {
    response.status(404).json({ error: { code: "INPUT_NOT_FOUND", message: "no such route" } });
  });
  app.use(errorReply(onError));
  return app;
}

async function forward(upstream: Upstream, request: Request, response: Response): Promise<void> {
  const { status, body } = await withDeadline(UPSTREAM_TIMEOUT_MS, (signal) =>
    exchange(upstream, request, signal),
  );
  response.status(status).type("application/json").send(body);
}

async function exchange(
  { url, agent }: Upstream,
  request: Request,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: Buffer }> {
  const body = Buffer.isBuffer(request.body) ? request.body : null;
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = httpsRequest(
      new URL(request.path, url),
      {
        agent,
        method: request.method,
        signal,
        headers: {
          ...(request.headers.authorization === undefined
            ? {}
            : { authorization: request.headers.authorization }),
          ...(body === null ? {} : { "content-type": "application/json", "content-length": body.length }),
        },
      },
      resolve,
    );
    call.once("error", reject);
    call.end(body ?? undefined);
  });
  return { status: reply.statusCode ?? 502, body: await readBody(reply) };
}

async function readBody(reply: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of reply as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_RECEIPT_BYTES) throw new RangeError("the enclave's reply is longer than any answer");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function errorReply(onError: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    // What express's body parser refuses is the caller's; everything else is between us and the enclave.
    if (error instanceof Error && "status" in error && error.status === 413) {
      response.status(413).json({ error: { code: "INPUT_TOO_LARGE", message: "the body is too large" } });
      return;
    }
    onError(error);
    response
      .status(502)
      .json({ error: { code: "ENCLAVE_UNAVAILABLE", message: "the enclave cannot be reached" } });
  };
}
