/**
 * The front between the public web and an enclave: it verifies the enclave's evidence, has a certificate that browsers and nodes
 * of other networks take, and passes on a few routes.
 *
 * - Nodes of Chainlink's networks: to a question it adds the hash of the block that it was asked in, since neither nodes nor
 *   enclave see the chain. It sees what they send, their credential included, and can keep an answer back; it cannot alter one,
 *   or bind one to a block that is not the chain's: the consumer would refuse it.
 * - Who pays by call (x402), from a page or not: it asks with its own credential, and reads both ways.
 * - Pages: it passes on evidence and sealed calls, from and to any origin, and reads none of them.
 */

import express, { type ErrorRequestHandler, type Express, type Request } from "express";
import { ChainError, InputError, UpstreamError } from "../../protocol/errors.ts";
import { MAX_FUNCTIONS_CALL_BYTES } from "../../protocol/functions-request.ts";
import { httpStatus } from "../../protocol/http-status.ts";
import { SEALED_CALL_PATH, SEALED_MEDIA_TYPE } from "../../protocol/sealed-call.ts";
import { anyOrigin } from "./cross-origin.ts";
import { withStateBlock, type ReadBlock } from "./functions-call.ts";
import { paidCalls, type PaidCallsOptions } from "./payments/paid-calls.ts";
import { PaymentHeader } from "./payments/x402.ts";
import { Upstream, type VerifiedEnclave } from "./upstream.ts";

/** Bytes of a script's or a workflow's call: one that is not compressed, in base64, and its JSON. */
const MAX_CALL_BYTES = Math.ceil(MAX_FUNCTIONS_CALL_BYTES / 3) * 4 + 256;
/** Bytes of a sealed call: what the enclave takes of one. */
const MAX_SEALED_BYTES = 256 * 1_024;
/** Sealed calls whose bytes are here at once. */
const MAX_SEALED_CALLS = 64;
/** Milliseconds: longer than the enclave holds a call, shorter than a script waits. */
const UPSTREAM_TIMEOUT_MS = 3_500;

/** Seconds: what the enclave holds a call for at most. */
const MAX_WAIT_SECONDS = 50;

export interface FrontOptions {
  /** Verifies the enclave's evidence; called again when the connection to its key is lost, as after a restart. */
  readonly connect: () => Promise<VerifiedEnclave>;
  readonly readBlock: ReadBlock;
  readonly onError: (error: unknown) => void;
  /** What calls cost that come without a credential of the enclave's; without it, there are none. */
  readonly payments?: Omit<PaidCallsOptions, "upstream">;
}

export function createFront({ connect, readBlock, onError, payments }: FrontOptions): Express {
  const upstream = new Upstream(connect);
  const app = express();
  app.disable("x-powered-by");
  app.post(
    "/v1/functions/answers",
    express.raw({ type: () => true, limit: MAX_CALL_BYTES }),
    async (request, response) => {
      const body = await withStateBlock(request.body, readBlock);
      const { headers, ...call } = callOf(request, "application/json");
      const wait = waitSeconds(request.headers["prefer"]);
      const prefer = wait === null ? {} : { prefer: `wait=${wait}` };
      const timeoutMs = UPSTREAM_TIMEOUT_MS + 1_000 * (wait ?? 0);
      await upstream.forward({ ...call, headers: { ...headers, ...prefer }, body }, response, timeoutMs);
    },
  );
  app.get("/v1/answers/:requestId", async (request, response) => {
    await upstream.forward(callOf(request, null), response, UPSTREAM_TIMEOUT_MS);
  });
  addPageRoutes(app, upstream);
  if (payments !== undefined) app.use(paidCalls({ ...payments, upstream }));
  app.use((_request, response) => {
    response.status(404).json({ error: { code: "INPUT_NOT_FOUND", message: "no such route" } });
  });
  app.use(errorReply(onError));
  return app;
}

/** How long a caller asks to be held for (RFC 7240), as far as the enclave holds one. */
function waitSeconds(prefer: string | readonly string[] | undefined): number | null {
  const [, seconds] = /(?:^|,)\s*wait\s*=\s*(\d{1,6})\s*(?:[,;]|$)/iu.exec(String(prefer ?? "")) ?? [];
  return seconds === undefined ? null : Math.min(Number(seconds), MAX_WAIT_SECONDS);
}

function addPageRoutes(app: Express, upstream: Upstream): void {
  // A payment is let come so that a page is told why it is not taken.
  const sent = ["content-type", PaymentHeader.signature];
  app.use(["/v1/attestation", SEALED_CALL_PATH], anyOrigin({ sent }));
  app.get("/v1/attestation", async (request, response) => {
    const { originalUrl: path } = request;
    await upstream.stream({ path, method: "GET", headers: {}, body: null }, response);
  });
  let held = 0;
  app.post(
    SEALED_CALL_PATH,
    (request, response, next) => {
      if (request.get(PaymentHeader.signature) !== undefined) throw paidAndSealed();
      if (held >= MAX_SEALED_CALLS)
        throw new InputError({ code: "INPUT_RATE_LIMITED", message: "too many calls at once: try again" });
      held += 1;
      response.once("close", () => (held -= 1));
      next();
    },
    express.raw({ type: SEALED_MEDIA_TYPE, limit: MAX_SEALED_BYTES }),
    async (request, response) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const headers = { "content-type": SEALED_MEDIA_TYPE };
      await upstream.stream({ path: SEALED_CALL_PATH, method: "POST", headers, body }, response);
    },
  );
}

function paidAndSealed(): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message:
      "a sealed call cannot be paid for by itself: nobody but the enclave sees whether it was answered. Leave out the payment and " +
      "seal a credential of the enclave's, or send the call unsealed with the payment",
    details: { field: PaymentHeader.signature },
  });
}

/** With the caller's credential, which the enclave knows, and nothing else of its headers. */
function callOf(request: Request, contentType: string | null) {
  const { path, method } = request;
  const { authorization } = request.headers;
  return {
    path,
    method,
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(contentType === null ? {} : { "content-type": contentType }),
    },
    body: null,
  };
}

function errorReply(onError: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    // Refusals of express's body parser are the caller's fault; everything else is between us and the enclave.
    if (error instanceof Error && "status" in error && error.status === 413) {
      response.status(413).json({ error: { code: "INPUT_TOO_LARGE", message: "the body is too large" } });
      return;
    }
    if (error instanceof InputError) {
      response.status(httpStatus(error)).json({ error: { code: error.code, message: error.message } });
      return;
    }
    onError(error);
    if (error instanceof UpstreamError && error.code === "PEER_UNAVAILABLE") {
      const message = "the facilitator of payments cannot be asked now: come again with the same payment";
      response.status(502).json({ error: { code: error.code, message } });
      return;
    }
    if (error instanceof ChainError) {
      response.status(503).json({ error: { code: error.code, message: "the chain cannot be asked now" } });
      return;
    }
    response
      .status(502)
      .json({ error: { code: "ENCLAVE_UNAVAILABLE", message: "the enclave cannot be reached" } });
  };
}
