import express from "express";
import type { Express, RequestHandler } from "express";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { InputError } from "../../protocol/errors.ts";
import { address, bytes32 } from "../../protocol/fields.ts";
import type { Logger } from "../log.ts";
import { findAnswer, findRequest } from "../store/index-queries.ts";
import { listAdmissions } from "../store/list-admissions.ts";
import { listRequests } from "../store/list-requests.ts";
import { countOpen } from "../store/open-counts.ts";
import type { Place } from "../store/page.ts";
import { findReceipt } from "../store/receipts.ts";
import type { Store } from "../store/store.ts";
import { QuoteTerms } from "../relay/quote.ts";
import type { Quoter } from "../relay/quote.ts";
import { createAdminRouter } from "./admin.ts";
import type { Operations } from "./admin.ts";
import { errorHandler } from "./error-reply.ts";
import type { Health } from "./health.ts";
import { renderMetrics } from "./metrics.ts";
import type { RuntimeState } from "./metrics.ts";
import { OPENAPI } from "./openapi.ts";
import { receiptRoute } from "./receipt-route.ts";
import type { ReceiptRouteOptions } from "./receipt-route.ts";

export interface HttpOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly health: () => Health;
  /** Whether a request could be answered now. */
  readonly isReady: () => boolean;
  readonly runtime: () => Promise<RuntimeState>;
  readonly quoter: Quoter;
  readonly twin: ReceiptRouteOptions["twin"];
  /** Absent without an admin token. */
  readonly admin?: { readonly token: string; readonly operations: Operations };
}

/** Bytes: a payload of 64 KiB in hex, and its terms. */
const MAX_QUOTE_BYTES = 160 * 1_024;

/** Each asks the enclaves and the chain: strangers must not keep both busy. */
const MAX_QUOTES = 16;

/** The store is the relay's first: what strangers read of it must not queue before what it writes. */
const MAX_READS = 32;

const IdParameter = z.object({ requestId: bytes32 });

const page = {
  chainId: z.coerce.number().int().min(1).optional(),
  before: z
    .string()
    .regex(/^[0-9]{1,15}-[0-9]{1,9}-[0-9]{1,15}$/)
    .transform((text): Place => {
      const [blockNumber = 0, logIndex = 0, chainId = 0] = text.split("-").map(Number);
      return { blockNumber, logIndex, chainId };
    })
    .optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
};

const RequestsQuery = z.strictObject({
  ...page,
  phase: z.enum(["seen", "asked", "answered", "refused", "sent", "settled"]).optional(),
  consumer: address.optional(),
  keysetId: bytes32.optional(),
  status: z.coerce.number().int().min(1).max(255).optional(),
  settlement: z.enum(["fulfilled", "refunded", "cancelled"]).optional(),
  callback: z.enum(["failed"]).optional(),
});

const AdmissionsQuery = z.strictObject({
  ...page,
  keysetId: bytes32.optional(),
  policyId: bytes32.optional(),
});

/** What to ask for the next page with; null when this was the last. */
function nextPage(rows: readonly Place[], limit: number): string | null {
  const last = rows.length === limit ? rows[rows.length - 1] : undefined;
  return last === undefined ? null : `${last.blockNumber}-${last.logIndex}-${last.chainId}`;
}

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

function addNodeRoutes(app: Express, { store, health, isReady, runtime, quoter }: HttpOptions): void {
  app.get("/v1/health", (_request, response) => {
    const state = health();
    response.status(state.status === "ok" ? 200 : 503).json(state);
  });
  app.get("/v1/ready", (_request, response) => {
    const ready = isReady();
    response.status(ready ? 200 : 503).json({ ready });
  });
  app.get("/v1/metrics", async (_request, response) => {
    response
      .type("text/plain; version=0.0.4")
      .send(renderMetrics(await countOpen(store), health(), await runtime()));
  });
  app.get("/v1/openapi.json", (_request, response) => {
    response.json(OPENAPI);
  });
  const limit = limitConcurrency(MAX_QUOTES);
  app.get("/v1/quote", limit, async (request, response) => {
    const asked = Object.keys(request.query).length > 0;
    response.json(asked ? await quoter.quote(parse(QuoteTerms, request.query)) : await quoter.prices());
  });
  app.post("/v1/quote", limit, express.json({ limit: MAX_QUOTE_BYTES }), async (request, response) => {
    response.json(await quoter.quote(parse(QuoteTerms, request.body)));
  });
}

function addIndexRoutes(app: Express, { store, twin }: HttpOptions): void {
  app.use(["/v1/requests", "/v1/admissions", "/v1/answers", "/v1/receipts"], limitConcurrency(MAX_READS));
  app.get("/v1/requests", async (request, response) => {
    const filter = parse(RequestsQuery, request.query);
    const requests = await listRequests(store, filter);
    response.json({ requests, next: nextPage(requests, filter.limit) });
  });
  app.get("/v1/admissions", async (request, response) => {
    const filter = parse(AdmissionsQuery, request.query);
    const admissions = await listAdmissions(store, filter);
    response.json({ admissions, next: nextPage(admissions, filter.limit) });
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
  app.get(
    "/v1/receipts/:requestId",
    receiptRoute({ find: (requestId) => findReceipt(store, requestId), twin }),
  );
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

function limitConcurrency(most: number): RequestHandler {
  let running = 0;
  return (_request, response, next) => {
    if (running >= most) {
      throw new InputError({ code: "INPUT_RATE_LIMITED", message: "too many at once: try again" });
    }
    running += 1;
    response.once("close", () => (running -= 1));
    next();
  };
}

function notFound(message: string): InputError {
  return new InputError({ code: "INPUT_NOT_FOUND", message });
}
