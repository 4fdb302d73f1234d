import express, { type Express, type RequestHandler } from "express";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { address, bytes32 } from "../../protocol/fields.ts";
import { MAX_MODEL_NAME_LENGTH } from "../../protocol/limits.ts";
import type { Logger } from "../log.ts";
import { readDisclosure } from "../store/disclosure.ts";
import type { ArchivedRequest } from "../keeping/archived-request.ts";
import { findAnswer, findRequest } from "../store/index-queries.ts";
import { listAdmissions } from "../store/list-admissions.ts";
import { listRequests } from "../store/list-requests.ts";
import { describeRequests } from "../store/request-rows.ts";
import { countOpen } from "../store/open-counts.ts";
import type { Place } from "../store/page.ts";
import { findReceipt } from "../store/receipts.ts";
import type { ReadableStore } from "../store/store.ts";
import { type Quoter, QuoteTerms } from "../relay/intake/quote.ts";
import type { ServedContracts } from "../relay/served-contracts.ts";
import { createAdminRouter, type Operations } from "./admin.ts";
import { errorHandler } from "./error-reply.ts";
import { addLedgerRoutes, type LedgerDoor } from "./ledger-route.ts";
import { listenError } from "./listen-error.ts";
import { limitConcurrency } from "./limit-concurrency.ts";
import { liveRoute } from "./live-route.ts";
import { OPENAPI } from "./openapi.ts";
import { pageRoute } from "./page-route.ts";
import { peerRoute, type PeerDoor } from "./peer-route.ts";
import { receiptRoute, type ReceiptRouteOptions } from "./receipt-route.ts";

export interface HttpOptions {
  readonly store: ReadableStore;
  readonly log: Logger;
  /** Served as it is. */
  readonly health: () => { readonly status: "ok" | "degraded" };
  /** Whether a request could be answered now. */
  readonly isReady: () => boolean;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  readonly quoter: Quoter;
  readonly twin: ReceiptRouteOptions["twin"];
  readonly ledgers: LedgerDoor;
  /** Absent where no chain can be asked. */
  readonly served?: () => Promise<readonly ServedContracts[]>;
  /** What left the store; absent without an archive. */
  readonly findArchived?: FindArchived;
  /** Absent where no other operators are configured. */
  readonly peers?: PeerDoor;
  /** Throws what a reader of the index is told while the store cannot be read as it is; absent where the node has it open to write. */
  readonly checkReads?: () => void;
  /** Absent without an admin token. */
  readonly admin?: { readonly token: string; readonly operations: Operations } | undefined;
}

/** What is read of the store for each call. */
const INDEX = ["/v1/requests", "/v1/admissions", "/v1/answers", "/v1/receipts"];

type FindArchived = (requestId: Hex) => Promise<ArchivedRequest | undefined>;

/** Bytes: a payload of 64 KiB in hex, and its terms. */
const MAX_QUOTE_BYTES = 160 * 1_024;

/** Each asks the enclaves and the chain: strangers must not keep both busy. */
const MAX_QUOTES = 16;
const MAX_COLLECTIONS = 4;

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
  model: z.string().min(1).max(MAX_MODEL_NAME_LENGTH).optional(),
  since: z.coerce.number().int().min(0).optional(),
});

const AdmissionsQuery = z.strictObject({
  ...page,
  keysetId: bytes32.optional(),
  policyId: bytes32.optional(),
});

/** The cursor of the next page; null when this was the last. */
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
  addLedgerRoutes(app, options.ledgers, limitConcurrency(MAX_COLLECTIONS));
  if (options.admin !== undefined)
    app.use("/v1/admin", createAdminRouter(options.admin.operations, options.admin.token));
  else app.use("/v1/admin", refuseOrders);
  if (options.peers !== undefined) app.use(peerRoute(options.peers));
  app.use(pageRoute());
  app.use((_request, _response, next) => {
    next(notFound("no such route"));
  });
  app.use(errorHandler(options.log));
  return app;
}

/** For whoever tries to rule a process that nobody rules over HTTP. */
const refuseOrders: RequestHandler = (_request, _response, next) => {
  next(
    notFound(
      "no such route: this process takes no orders; a node does whose configuration names http.adminTokenFile",
    ),
  );
};

function addNodeRoutes(app: Express, { health, isReady, metrics, quoter, served }: HttpOptions): void {
  app.get("/v1/health", (_request, response) => {
    const state = health();
    response.status(state.status === "ok" ? 200 : 503).json(state);
  });
  app.get("/v1/ready", (_request, response) => {
    const ready = isReady();
    response.status(ready ? 200 : 503).json({ ready });
  });
  app.get("/v1/metrics", async (_request, response) => {
    response.type("text/plain; version=0.0.4").send(await metrics());
  });
  app.get("/v1/openapi.json", (_request, response) => {
    response.json(OPENAPI);
  });
  app.get("/v1/contracts", limitConcurrency(MAX_READS), async (_request, response) => {
    if (served === undefined) throw notFound("no chain can be asked here: ask a node");
    response.json({ chains: await served() });
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

function addIndexRoutes(app: Express, { store, twin, findArchived, checkReads }: HttpOptions): void {
  app.use(INDEX, (_request, _response, next) => {
    checkReads?.();
    next();
  });
  app.use(INDEX, limitConcurrency(MAX_READS));
  app.get("/v1/requests", async (request, response) => {
    const filter = parse(RequestsQuery, request.query);
    const requests = await listRequests(store, filter);
    const rows = await describeRequests(store, requests);
    response.json({ requests: rows, next: nextPage(requests, filter.limit) });
  });
  app.get("/v1/live", liveRoute({ mark: () => markOf(store) }));
  app.get("/v1/admissions", async (request, response) => {
    const filter = parse(AdmissionsQuery, request.query);
    const admissions = await listAdmissions(store, filter);
    response.json({ admissions, next: nextPage(admissions, filter.limit) });
  });
  app.get("/v1/answers/:requestId", async (request, response) => {
    const { requestId } = parse(IdParameter, request.params);
    const answer = await findAnswer(store, requestId);
    if (answer !== undefined) {
      await requireDisclosed(store, requestId);
      response.json(answer);
      return;
    }
    const archived = await findArchived?.(requestId);
    if (archived?.answer == null) throw notFound("this node holds no answer to the request (yet)");
    refuseWithheld(archived.isDisclosed);
    response.json(archived.answer);
  });
  app.get("/v1/requests/:requestId", async (request, response) => {
    const { requestId } = parse(IdParameter, request.params);
    const view = (await findRequest(store, requestId)) ?? (await findArchived?.(requestId))?.request;
    if (view === undefined) throw notFound("no such request is known to this node");
    response.json(view);
  });
  app.get(
    "/v1/receipts/:requestId",
    receiptRoute({
      find: async (requestId) => {
        const receipt = await findReceipt(store, requestId);
        if (receipt !== undefined) {
          await requireDisclosed(store, requestId);
          return receipt;
        }
        const archived = await findArchived?.(requestId);
        if (archived?.receipt == null) return undefined;
        refuseWithheld(archived.isDisclosed);
        return archived.receipt;
      },
      twin,
    }),
  );
}

/** @throws {InputError} INPUT_CONFLICT while what was answered is for the chain alone */
async function requireDisclosed(store: ReadableStore, requestId: Hex): Promise<void> {
  refuseWithheld(await readDisclosure(store, requestId));
}

function refuseWithheld(isDisclosed: boolean | undefined): void {
  if (isDisclosed === false) {
    throw new InputError({
      code: "INPUT_CONFLICT",
      message: "the answer to this request is served once it is settled on chain",
    });
  }
}

/** The newest request, and how many are in each phase: it changes with either. */
async function markOf(store: ReadableStore): Promise<string> {
  const [newest] = await listRequests(store, { limit: 1 });
  const { requests } = await countOpen(store);
  const counts = requests.map(({ chainId, phase, count }) => `${chainId}:${phase}:${count}`).sort();
  return [newest?.requestId ?? "none", ...counts].join(" ");
}

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** PEM. */
export interface ServerTls {
  readonly key: string;
  readonly cert: string;
}

/** @throws {ConfigError} CONFIG_INVALID when nothing can listen there */
export function listen(
  app: Express,
  { host, port, tls }: { readonly host: string; readonly port: number; readonly tls?: ServerTls },
): Promise<Listening> {
  const server =
    tls === undefined ? createServer(app) : createTlsServer({ ...tls, minVersion: "TLSv1.2" }, app);
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(listenError(error, { host, port }));
    });
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
  if (parsed.success) return parsed.data;
  throw new InputError({ code: "INPUT_INVALID", message: z.prettifyError(parsed.error) });
}

function notFound(message: string): InputError {
  return new InputError({ code: "INPUT_NOT_FOUND", message });
}
