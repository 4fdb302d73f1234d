import express from "express";
import type { ErrorRequestHandler, Express } from "express";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { bytes32 } from "../../protocol/fields.ts";
import type { Logger } from "../log.ts";
import { findReceipt, findRequest } from "../store/index-queries.ts";
import type { Store } from "../store/store.ts";

export interface Health {
  readonly status: "ok" | "degraded";
  readonly chains: readonly {
    readonly chainId: number;
    readonly block: number | null;
    readonly behindBlocks: number | null;
  }[];
  readonly enclaves: readonly { readonly keysetId: string; readonly url: string }[];
}

export interface HttpOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly health: () => Health;
}

const IdParameter = z.object({ requestId: bytes32 });

/** The index over HTTP: what was asked and what became of it, on chain and off. Public data only; it changes nothing. */
export function createHttpApp({ store, log, health }: HttpOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.get("/v1/health", (_request, response) => {
    const state = health();
    response.status(state.status === "ok" ? 200 : 503).json(state);
  });
  app.get("/v1/requests/:requestId", async (request, response) => {
    const { requestId } = parse(IdParameter, request.params);
    const view = await findRequest(store, requestId);
    if (view === undefined) {
      throw notFound("no such request is known to this node");
    }
    response.json(view);
  });
  app.get("/v1/receipts/:requestId", async (request, response) => {
    const { requestId } = parse(IdParameter, request.params);
    const receipt = await findReceipt(store, requestId);
    if (receipt === undefined) {
      throw notFound("this node holds no receipt of the request (yet)");
    }
    // The file's exact bytes: a receipt has one canonical form, and another is refused.
    response.type("application/json").send(Buffer.from(receipt, "utf8"));
  });
  app.use((_request, _response, next) => {
    next(notFound("no such route"));
  });
  app.use(errorHandler(log));
  return app;
}

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws {Error} of the system, when the address cannot be had */
export function listen(
  app: Express,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> {
  const server = createServer(app);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const { port: bound } = server.address() as AddressInfo;
      resolve({ port: bound, close: () => closeServer(server) });
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) {
    return parsed.data;
  }
  throw new InputError({ code: "INPUT_INVALID", message: z.prettifyError(parsed.error) });
}

function notFound(message: string): InputError {
  return new InputError({ code: "INPUT_NOT_FOUND", message });
}

const HTTP_STATUS: Readonly<Record<string, number>> = {
  INPUT_INVALID: 400,
  INPUT_UNAUTHORIZED: 401,
  INPUT_NOT_FOUND: 404,
  INPUT_CONFLICT: 409,
  INPUT_EXPIRED: 410,
  INPUT_TOO_LARGE: 413,
  INPUT_RATE_LIMITED: 429,
};

/** docs/reference/protocol.md, Errors. What is not an `AdytonError` is a bug: 500, and no details to the caller. */
function errorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof AdytonError) {
      const { code, message, details, retryable } = error as AdytonError;
      response.status(HTTP_STATUS[code] ?? 503).json({ error: { code, message, details, retryable } });
      return;
    }
    log.error("http.failed", { path: request.path, error });
    response
      .status(500)
      .json({ error: { code: "INTERNAL", message: "internal error", details: {}, retryable: false } });
  };
}
