import express from "express";
import type { ErrorRequestHandler, Express } from "express";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import type { ModelsReply } from "../../protocol/enclave-api.ts";
import { address, bytes32 } from "../../protocol/fields.ts";
import type { Logger } from "../log.ts";
import { countStore, findAnswer, findReceipt, findRequest, listRequests } from "../store/index-queries.ts";
import type { Store } from "../store/store.ts";
import { createAdminRouter } from "./admin.ts";
import type { Operations } from "./admin.ts";
import type { Health } from "./health.ts";
import { renderMetrics } from "./metrics.ts";
import { OPENAPI } from "./openapi.ts";

export interface HttpOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly health: () => Health;
  /** Whether a request could be answered now. */
  readonly isReady: () => boolean;
  /** What the enclaves serve, with prices. */
  readonly models: () => Promise<ModelsReply["models"]>;
  /** Absent without an admin token. */
  readonly admin?: { readonly token: string; readonly operations: Operations };
}

const IdParameter = z.object({ requestId: bytes32 });

const ListQuery = z.strictObject({
  chainId: z.coerce.number().int().min(1).optional(),
  phase: z.enum(["seen", "asked", "answered", "refused", "sent", "settled"]).optional(),
  consumer: address.optional(),
  before: z
    .string()
    .regex(/^[0-9]{1,15}-[0-9]{1,9}$/)
    .transform((text) => {
      const [blockNumber, logIndex] = text.split("-").map(Number);
      return { blockNumber: blockNumber ?? 0, logIndex: logIndex ?? 0 };
    })
    .optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
});

/** The index over HTTP: what was asked and what became of it, on chain and off. Public data only; it changes nothing. */
export function createHttpApp(options: HttpOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  addNodeRoutes(app, options);
  addIndexRoutes(app, options);
  if (options.admin !== undefined) {
    app.use("/v1/admin", createAdminRouter(options.admin.operations, options.admin.token));
  }
  app.use((_request, _response, next) => {
    next(notFound("no such route"));
  });
  app.use(errorHandler(options.log));
  return app;
}

function addNodeRoutes(app: Express, { store, health, isReady, models }: HttpOptions): void {
  app.get("/v1/health", (_request, response) => {
    const state = health();
    response.status(state.status === "ok" ? 200 : 503).json(state);
  });
  app.get("/v1/ready", (_request, response) => {
    const ready = isReady();
    response.status(ready ? 200 : 503).json({ ready });
  });
  app.get("/v1/metrics", async (_request, response) => {
    response.type("text/plain; version=0.0.4").send(renderMetrics(await countStore(store), health()));
  });
  app.get("/v1/openapi.json", (_request, response) => {
    response.json(OPENAPI);
  });
  app.get("/v1/quote", async (_request, response) => {
    response.json({ models: await models() });
  });
}

function addIndexRoutes(app: Express, { store }: HttpOptions): void {
  app.get("/v1/requests", async (request, response) => {
    const { before, limit, ...filter } = parse(ListQuery, request.query);
    const requests = await listRequests(store, { ...filter, before, limit });
    const last = requests.length === limit ? requests[requests.length - 1] : undefined;
    response.json({ requests, next: last === undefined ? null : `${last.blockNumber}-${last.logIndex}` });
  });
  app.get("/v1/answers/:requestId", async (request, response) => {
    const { requestId } = parse(IdParameter, request.params);
    const answer = await findAnswer(store, requestId);
    if (answer === undefined) {
      throw notFound("this node holds no answer to the request (yet)");
    }
    response.json(answer);
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
