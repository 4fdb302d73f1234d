/**
 * What stands between the nodes of Chainlink Functions and the enclave. The nodes verify certificates of the public web and know
 * nothing of RA-TLS; this verifies the enclave's evidence for them and passes on two routes. To a question it adds the hash of the
 * block that it was asked in, since neither nodes nor enclave see the chain. It sees what the nodes send, their credential
 * included, and can keep an answer back; it cannot alter one, or bind one to a block that is not the chain's: the consumer would
 * refuse it.
 *
 * Listens without TLS: put what holds your domain's certificate in front of it.
 */

import express, { type ErrorRequestHandler, type Express, type Request, type Response } from "express";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { inflateRawSync } from "node:zlib";
import { z } from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import { ChainError, InputError } from "../../protocol/errors.ts";
import { decodeFunctionsCall, MAX_FUNCTIONS_CALL_BYTES } from "../../protocol/functions-request.ts";
import { MAX_RECEIPT_BYTES } from "../../protocol/limits.ts";
import { StateBlock } from "../../protocol/state-block.ts";
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
  /** A block of the chain that the consumers are on; `undefined` for one that it has not got (yet). */
  readonly readBlock: (number: bigint) => Promise<StateBlock | undefined>;
  readonly onError: (error: unknown) => void;
}

interface Upstream extends VerifiedEnclave {
  readonly agent: PinnedAgent;
}

export function createGateway({ connect, readBlock, onError }: GatewayOptions): Express {
  let upstream: Promise<Upstream> | null = null;
  const open = async (): Promise<Upstream> => {
    const enclave = await connect();
    return { ...enclave, agent: new PinnedAgent(enclave.tlsKeyHash, MAX_SOCKETS) };
  };
  const pass = async (request: Request, response: Response, body: Buffer | null): Promise<void> => {
    upstream ??= open();
    const used = upstream;
    try {
      await forward(
        await used,
        { path: request.path, method: request.method, body, ...credentialOf(request) },
        response,
      );
    } catch (error) {
      // The next call verifies anew: the enclave may have other keys by now.
      if (upstream === used) upstream = null;
      throw error;
    }
  };
  const app = express();
  app.disable("x-powered-by");
  app.post(
    "/v1/functions/answers",
    express.raw({ type: () => true, limit: MAX_BODY_BYTES }),
    async (request, response) => {
      await pass(request, response, await withStateBlock(request.body, readBlock));
    },
  );
  app.get("/v1/answers/:requestId", (request, response) => pass(request, response, null));
  app.use((_request, response) => {
    response.status(404).json({ error: { code: "INPUT_NOT_FOUND", message: "no such route" } });
  });
  app.use(errorReply(onError));
  return app;
}

const ScriptCall = z.strictObject({ call: z.base64() });

/**
 * The script's call with the block of its request: its own, so that whoever asks first binds the enclave to no other.
 *
 * @throws {InputError} INPUT_INVALID for no call; {ChainError} CHAIN_RPC_UNAVAILABLE while the chain has not got the block
 */
async function withStateBlock(body: unknown, readBlock: GatewayOptions["readBlock"]): Promise<Buffer> {
  const { call } = parseCall(body);
  const { request } = decodeFunctionsCall(inflate(call));
  const block = await readBlock(request.requestBlock);
  if (block === undefined) {
    throw new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: "the request's block is not known yet",
      details: { block: request.requestBlock.toString() },
    });
  }
  return Buffer.from(JSON.stringify({ call, stateBlock: z.encode(StateBlock, block) }));
}

function parseCall(body: unknown): z.output<typeof ScriptCall> {
  try {
    return ScriptCall.parse(JSON.parse(Buffer.isBuffer(body) ? body.toString("utf8") : ""));
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "the body is no call of the script", cause });
  }
}

/** @throws {InputError} INPUT_INVALID for what is not compressed, or is longer than any call */
function inflate(call: string): Uint8Array {
  try {
    return new Uint8Array(
      inflateRawSync(Buffer.from(call, "base64"), { maxOutputLength: MAX_FUNCTIONS_CALL_BYTES }),
    );
  } catch (cause) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the call is not compressed as it must be",
      cause,
    });
  }
}

function credentialOf({ headers: { authorization } }: Request): { readonly authorization?: string } {
  return authorization === undefined ? {} : { authorization };
}

interface UpstreamCall {
  readonly path: string;
  readonly method: string;
  readonly authorization?: string;
  readonly body: Buffer | null;
}

async function forward(upstream: Upstream, call: UpstreamCall, response: Response): Promise<void> {
  const { status, body } = await withDeadline(UPSTREAM_TIMEOUT_MS, (signal) =>
    exchange(upstream, call, signal),
  );
  response.status(status).type("application/json").send(body);
}

async function exchange(
  { url, agent }: Upstream,
  { path, method, authorization, body }: UpstreamCall,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: Buffer }> {
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = httpsRequest(
      new URL(path, url),
      {
        agent,
        method,
        signal,
        headers: {
          ...(authorization === undefined ? {} : { authorization }),
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
    if (error instanceof InputError) {
      response.status(400).json({ error: { code: error.code, message: error.message } });
      return;
    }
    onError(error);
    if (error instanceof ChainError) {
      response.status(503).json({ error: { code: error.code, message: "the chain cannot be asked now" } });
      return;
    }
    response
      .status(502)
      .json({ error: { code: "ENCLAVE_UNAVAILABLE", message: "the enclave cannot be reached" } });
  };
}
