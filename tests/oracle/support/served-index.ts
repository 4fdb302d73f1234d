import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { Operations } from "../../../oracle/http/admin.ts";
import type { Express } from "express";
import type { Health } from "../../../oracle/http/health.ts";
import { renderMetrics, type RuntimeState } from "../../../oracle/http/metrics.ts";
import { countOpen } from "../../../oracle/store/open-counts.ts";
import { SpanDurations } from "../../../oracle/telemetry/span-durations.ts";
import type { Quote, QuoteTerms } from "../../../oracle/relay/intake/quote.ts";
import type { NamedWrite } from "../../../oracle/relay/ledgers/write-collector.ts";
import { createHttpApp, type HttpOptions, listen, type Listening } from "../../../oracle/http/server.ts";
import { createLogger } from "../../../oracle/log.ts";
import { openStore, type Store } from "../../../oracle/store/store.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { WELL_CHAIN, WELL_STORE } from "./health.ts";

export const TOKEN = "an operator's token";
export const idOf = (index: number): Hex => `0x${index.toString(16).padStart(64, "0")}`;
export const CONSUMER: Hex = `0x${"aa".repeat(20)}`;
export const ROWS = 120;
export const KEYSET = idOf(0xabc);
export const POLICY = idOf(0xdef);
export const OTHER_CHAINS = idOf(7_000);

const durations = new SpanDurations();
const span = {
  requestId: idOf(1),
  chainId: 1,
  attributes: {},
  name: "request",
  outcome: "fulfilled",
} as const;
durations.record({ ...span, startMs: 0, endMs: 200 });
durations.record({ ...span, startMs: 0, endMs: 5_000_000 });
durations.record({ ...span, name: "enclave.answer", outcome: "refused", startMs: 0, endMs: 1 });
durations.record({ ...span, name: "enclave.answer", outcome: "ENCLAVE_UNAVAILABLE", startMs: 0, endMs: 1 });
const RUNTIME: RuntimeState = {
  ready: false,
  jobsInFlight: 3,
  deadLetters: 2,
  oldest: [{ chainId: 1, requestSince: 1_000, transactionSince: null }],
  now: 1_060_000,
  chains: [
    {
      ...{ chainId: 1, rpcHealthy: 1, rpcTotal: 3, credits: [{ payee: CONSUMER, credit: 10n ** 18n }] },
      rpcTraffic: [{ endpoint: "rpc.example", exchanges: 7, failures: 2, ms: 1_500 }],
      ...{ balances: [{ address: CONSUMER, balance: 15n * 10n ** 17n }], admissionEnd: 1_600 },
    },
  ],
  storeFreeBytes: 3_000_000_000,
  retention: { archived: 40, failures: 1 },
  durations: durations.read(),
  peers: [{ name: "other", isReachable: false }],
  process: { residentBytes: 1_000, cpuSeconds: 1.5, startedAt: 1_700_000_000 },
};
const HEALTH: Health = { status: "ok", chains: [WELL_CHAIN], enclaves: [], store: WELL_STORE };
const ROW = {
  ...{ chain_id: 1, block_hash: idOf(0), block_time: 0, tx_hash: idOf(0), consumer: `0x${"bb".repeat(20)}` },
  ...{ request: JSON.stringify({ policyId: POLICY }), payload: "0x", payload_uri: "", deadline: 0, fee: "1" },
  ...{ released: true, last_error: null, seen_at: 0 },
};
export const retried: Hex[] = [];
export const accepted: number[] = [];
export const quoted: QuoteTerms[] = [];
export const QUOTE: Quote = { chainId: 1, fee: "1", gasPriceCap: "2", escrow: "3" };
export const LEDGER: Hex = `0x${"1e".repeat(20)}`;
export const named: NamedWrite[] = [];

/** What a test may look at and change. */
interface Served {
  directory: string;
  store: Store;
  options: HttpOptions;
  app: Express;
  server: Listening;
  onQuoted: () => void;
  quoting: Promise<Quote>;
}

export const served = { onQuoted: () => undefined, quoting: Promise.resolve(QUOTE) } as unknown as Served;

/** A store of requests, and the index of it over HTTP, for all tests of the file. */
export function serveIndex(): void {
  beforeAll(async () => {
    served.directory = mkdtempSync(join(tmpdir(), "adyton-http-"));
    served.store = await openStore({ kind: "pglite", path: join(served.directory, "store") });
    await served.store.db
      .insertInto("requests")
      .values(
        Array.from({ length: ROWS }, (_, index) => ({
          ...ROW,
          request_id: idOf(index),
          block_number: Math.floor(index / 10),
          log_index: index % 10,
          consumer: index === 7 ? CONSUMER : `0x${"bb".repeat(20)}`,
          phase: index % 2 === 0 ? ("settled" as const) : ("asked" as const),
        })),
      )
      .execute();
    await served.store.db
      .insertInto("requests")
      .values({
        ...ROW,
        chain_id: 2,
        request_id: OTHER_CHAINS,
        block_number: 3,
        log_index: 5,
        phase: "settled",
      })
      .execute();
    const bound = { state_block_number: 9, state_block_hash: idOf(9), leaf_signature: null };
    const answer = { ...bound, signature: "0x", output: "0x01", not_before: 0, recorded_at: 1 };
    await served.store.db
      .insertInto("answers")
      .values({
        ...answer,
        chain_id: 1,
        request_id: idOf(3),
        keyset_id: KEYSET,
        status: 2,
        answer: '{"status":2}',
      })
      .execute();
    const settled = {
      kind: "fulfilled",
      status: 1,
      callback_succeeded: true,
      block_hash: idOf(0),
      log_index: 0,
    } as const;
    await served.store.db
      .insertInto("settlements")
      .values({
        ...settled,
        chain_id: 2,
        request_id: OTHER_CHAINS,
        keyset_id: KEYSET,
        block_number: 9,
        tx_hash: idOf(9),
      })
      .execute();
    await served.store.db
      .insertInto("admissions")
      .values(
        [4, 8].map((block_number) => ({
          chain_id: 1,
          keyset_id: KEYSET,
          event: "admitted" as const,
          seat: idOf(2),
          policy_id: POLICY,
          expires_at: 1_900_000_000 + block_number,
          platform: idOf(1),
          block_number,
          block_hash: idOf(0),
          tx_hash: idOf(block_number),
          log_index: 0,
        })),
      )
      .execute();
    const operations: Operations = {
      retry: (id) => Promise.resolve(void retried.push(id)),
      acceptReorg: (chainId) => void accepted.push(chainId),
      deadLetters: () => Promise.resolve([]),
      drain: () => undefined,
    };
    const ledger = {
      name: (write: NamedWrite) => {
        named.push(write);
        return Promise.resolve();
      },
      transitions: () => Promise.resolve({ signers: [], transitions: [] }),
    };
    served.options = {
      ledgers: { find: (address, chainId = 1) => (address === LEDGER && chainId === 1 ? ledger : undefined) },
      store: served.store,
      log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
      health: () => HEALTH,
      isReady: () => false,
      twin: () => undefined,
      served: () => Promise.resolve([]),
      metrics: async () => renderMetrics(await countOpen(served.store), HEALTH, RUNTIME),
      quoter: {
        prices: () => Promise.resolve({ models: [], chains: [] }),
        quote: (terms) => {
          quoted.push(terms);
          served.onQuoted();
          return served.quoting;
        },
      },
      admin: { token: TOKEN, operations },
    };
    served.app = createHttpApp(served.options);
    served.server = await listen(served.app, { host: "127.0.0.1", port: 0 });
  }, 120_000);

  afterAll(async () => {
    await served.server.close();
    await served.store.close();
    rmSync(served.directory, { recursive: true, force: true });
  });
}

export async function call(
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; json: Record<string, unknown>; text: string }> {
  const response = await fetch(`http://127.0.0.1:${served.server.port}${path}`, init);
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return { status: response.status, json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {}, text };
}

export function post(path: string, body: string): ReturnType<typeof call> {
  return call(path, { method: "POST", headers: { "content-type": "application/json" }, body });
}
