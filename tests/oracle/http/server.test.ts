import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Operations } from "../../../oracle/http/admin.ts";
import { OPENAPI } from "../../../oracle/http/openapi.ts";
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
import { WELL_CHAIN, WELL_STORE } from "../support/health.ts";

const TOKEN = "an operator's token";
const idOf = (index: number): Hex => `0x${index.toString(16).padStart(64, "0")}`;
const CONSUMER: Hex = `0x${"aa".repeat(20)}`;
const ROWS = 120;
const KEYSET = idOf(0xabc);
const POLICY = idOf(0xdef);
const OTHER_CHAINS = idOf(7_000);

let directory: string;
let store: Store;
let options: HttpOptions;
let app: Express;
let server: Listening;
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
const retried: Hex[] = [];
const accepted: number[] = [];
const quoted: QuoteTerms[] = [];
const QUOTE: Quote = { chainId: 1, fee: "1", gasPriceCap: "2", escrow: "3" };
const LEDGER: Hex = `0x${"1e".repeat(20)}`;
const named: NamedWrite[] = [];
let onQuoted = (): void => undefined;
let quoting: Promise<Quote> = Promise.resolve(QUOTE);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "adyton-http-"));
  store = await openStore({ kind: "pglite", path: join(directory, "store") });
  await store.db
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
  await store.db
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
  await store.db
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
  await store.db
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
  await store.db
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
  options = {
    ledgers: { find: (address, chainId = 1) => (address === LEDGER && chainId === 1 ? ledger : undefined) },
    store,
    log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
    health: () => HEALTH,
    isReady: () => false,
    twin: () => undefined,
    served: () => Promise.resolve([]),
    metrics: async () => renderMetrics(await countOpen(store), HEALTH, RUNTIME),
    quoter: {
      prices: () => Promise.resolve({ models: [], chains: [] }),
      quote: (terms) => {
        quoted.push(terms);
        onQuoted();
        return quoting;
      },
    },
    admin: { token: TOKEN, operations },
  };
  app = createHttpApp(options);
  server = await listen(app, { host: "127.0.0.1", port: 0 });
}, 120_000);

afterAll(async () => {
  await server.close();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

async function call(
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; json: Record<string, unknown>; text: string }> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return { status: response.status, json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {}, text };
}

function post(path: string, body: string): ReturnType<typeof call> {
  return call(path, { method: "POST", headers: { "content-type": "application/json" }, body });
}

interface Parameter {
  readonly name: string;
  readonly in: string;
}

const SAMPLE: Readonly<Record<string, string>> = {
  phase: "asked",
  consumer: CONSUMER,
  before: "1-1-1",
  keysetId: KEYSET,
  policyId: POLICY,
  settlement: "refunded",
  callback: "failed",
  payload: "0x0101",
};

/** `get /v1/…` of every route of the application itself; those of a router mounted in it are its own. */
function routesOf(router: Express["router"]): string[] {
  return router.stack.flatMap(({ route }) =>
    route === undefined
      ? []
      : route.stack
          .map(({ method }) => `${method} ${route.path}`)
          .filter((name, at, all) => all.indexOf(name) === at),
  );
}

describe("the index over HTTP", () => {
  test("every documented operation exists, with a documented status", async () => {
    // A stream has no end to wait for: tests/oracle/http/live-route.test.ts listens to it.
    const ending = Object.entries(OPENAPI.paths).filter(([path]) => path !== "/v1/live");
    for (const [path, operations] of ending) {
      for (const [method, operation] of Object.entries(operations)) {
        const { status } = await call(path.replace("{requestId}", idOf(3)).replace("{ledger}", LEDGER), {
          method: method.toUpperCase(),
          headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
          ...("requestBody" in operation ? { body: JSON.stringify({ chainId: 1, payload: "0x0101" }) } : {}),
        });
        expect(Object.keys((operation as { responses: object }).responses), `${method} ${path}`).toContain(
          String(status),
        );
      }
    }
    expect((await call("/v1/openapi.json")).json).toEqual(OPENAPI);
  });

  test("every route is documented", () => {
    const documented = Object.entries(OPENAPI.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    const routes = routesOf(app.router).map((route) => route.replace(/:(\w+)/g, "{$1}"));
    const admin = documented.filter((route) => /\/v1\/(?:admin|peers)\//.test(route));
    expect([...routes, ...admin].sort()).toEqual(documented.sort());
  });

  test.for(
    Object.entries<object>(OPENAPI.paths).flatMap(([path, operations]) => {
      const { get = {} } = operations as { get?: { parameters?: readonly Parameter[] } };
      const names = (get.parameters ?? []).filter((one) => one.in === "query").map(({ name }) => name);
      return names.length === 0 ? [] : [[path, names] as const];
    }),
  )("GET %s takes every parameter that is documented", async ([path, names]) => {
    const query = new URLSearchParams(names.map((name): [string, string] => [name, SAMPLE[name] ?? "1"]));
    expect((await call(`${path.replace("{ledger}", LEDGER)}?${query.toString()}`)).status).toBe(200);
  });

  test("a ledger's transitions are read, and rows named, of a ledger that is served", async () => {
    const path = `/v1/ledgers/${LEDGER}`;
    expect((await call(`${path}/transitions`)).json).toEqual({ signers: [], transitions: [] });
    const write = { requestId: idOf(1), localKey: idOf(2), seq: "3" };
    expect((await post(`${path}/writes`, JSON.stringify(write))).status).toBe(204);
    expect(named).toEqual([{ ...write, seq: 3n }]);
    const first = JSON.stringify({ ...write, seq: "0" });
    expect((await post(`${path}/writes`, first)).json).toMatchObject({ error: { code: "INPUT_INVALID" } });
    for (const other of [`/v1/ledgers/${CONSUMER}/transitions`, `${path}/transitions?chainId=2`])
      expect((await call(other)).json).toMatchObject({ error: { code: "INPUT_NOT_FOUND" } });
    expect((await call("/v1/ledgers/0x12/transitions")).status).toBe(400);
  });

  test("a quote is asked for in the URL or in a body, and says what is wrong with it", async () => {
    const terms = { chainId: 1, payload: "0x0101", callbackGasLimit: 5 };
    quoted.length = 0;
    expect((await call("/v1/quote?chainId=1&payload=0x0101&callbackGasLimit=5")).json).toEqual(QUOTE);
    expect((await post("/v1/quote", JSON.stringify(terms))).json).toEqual(QUOTE);
    expect(quoted[0]).toEqual(quoted[1]);
    expect(quoted[0]).toMatchObject({ ...terms, threshold: 1, delivery: 0, maxOutputBytes: 1_024 });
    for (const body of [
      "{",
      "[]",
      JSON.stringify({ ...terms, threshold: 9 }),
      JSON.stringify({ chainId: 1 }),
    ])
      expect((await post("/v1/quote", body)).json, body).toMatchObject({ error: { code: "INPUT_INVALID" } });
    const long = JSON.stringify({ ...terms, payload: `0x${"00".repeat(200_000)}` });
    expect((await post("/v1/quote", long)).json).toMatchObject({ error: { code: "INPUT_TOO_LARGE" } });
  });

  test("quotes are made for so many at once and no more", async () => {
    const gate = Promise.withResolvers<Quote>();
    const full = Promise.withResolvers<undefined>();
    quoting = gate.promise;
    quoted.length = 0;
    onQuoted = () => {
      if (quoted.length === 16) full.resolve(undefined);
    };
    const path = "/v1/quote?chainId=1&payload=0x0101";
    const replies = Array.from({ length: 16 }, () => call(path));
    await full.promise;
    expect(await call(path)).toMatchObject({ status: 429, json: { error: { code: "INPUT_RATE_LIMITED" } } });
    quoting = Promise.resolve(QUOTE);
    gate.resolve(QUOTE);
    for (const { status } of await Promise.all(replies)) expect(status).toBe(200);
    expect((await call(path)).status).toBe(200);
  });

  // With 85 a page ends between two requests at the same place of two chains.
  test.for([50, 85])("pages of %i go through all requests, each once, newest first", async (limit) => {
    const seen: string[] = [];
    let path: string | undefined = `/v1/requests?limit=${limit}`;
    while (path !== undefined) {
      const { json } = await call(path);
      seen.push(...(json["requests"] as { requestId: string }[]).map(({ requestId }) => requestId));
      path =
        json["next"] === null ? undefined : `/v1/requests?limit=${limit}&before=${json["next"] as string}`;
    }
    const expected = Array.from({ length: ROWS }, (_, index) => idOf(ROWS - 1 - index));
    expected.splice(expected.indexOf(idOf(35)), 0, OTHER_CHAINS);
    expect(seen).toEqual(expected);
  });

  test.for<[string, readonly Hex[]]>([
    [`keysetId=${KEYSET}`, [OTHER_CHAINS, idOf(3)]],
    [`keysetId=${POLICY}`, []],
    ["status=2", [idOf(3)]],
    ["settlement=fulfilled", [OTHER_CHAINS]],
    ["settlement=refunded", []],
    ["chainId=2", [OTHER_CHAINS]],
    [`chainId=1&phase=asked&keysetId=${KEYSET}&status=2&before=11-0-1`, [idOf(3)]],
    [`chainId=2&keysetId=${KEYSET}&status=2`, []],
  ])("filters by %s", async ([query, expected]) => {
    const { json } = await call(`/v1/requests?${query}`);
    expect((json["requests"] as { requestId: Hex }[]).map(({ requestId }) => requestId)).toEqual(expected);
  });

  test("joins admissions both ways: of a keyset, and of the keyset that answered a request", async () => {
    const first = await call(`/v1/admissions?keysetId=${KEYSET}&policyId=${POLICY}&limit=1`);
    expect(first.json).toMatchObject({ admissions: [{ keysetId: KEYSET, blockNumber: 8, tx: idOf(8) }] });
    const second = await call(`/v1/admissions?limit=1&before=${String(first.json["next"])}`);
    expect(second.json).toMatchObject({ admissions: [{ blockNumber: 4, expiresAt: 1_900_000_004 }] });
    const last = await call(`/v1/admissions?limit=1&before=${String(second.json["next"])}`);
    expect(last.json).toEqual({ admissions: [], next: null });
    expect((await call("/v1/admissions?chainId=2")).json).toEqual({ admissions: [], next: null });
    const { json } = await call(`/v1/requests/${idOf(3)}`);
    expect(json).toMatchObject({
      answer: { keysetId: KEYSET, admission: { blockNumber: 8, policyId: POLICY } },
    });
  });

  test("filters by phase and by consumer", async () => {
    const asked = await call("/v1/requests?phase=asked&limit=500");
    expect(asked.json["requests"]).toHaveLength(ROWS / 2);
    const one = await call(`/v1/requests?consumer=${CONSUMER}`);
    expect(one.json["requests"]).toMatchObject([{ requestId: idOf(7) }]);
  });

  test.for([
    ["/v1/requests?limit=0", 400, "INPUT_INVALID"],
    ["/v1/requests?limit=501", 400, "INPUT_INVALID"],
    ["/v1/requests?phase=unknown", 400, "INPUT_INVALID"],
    ["/v1/requests?unknown=1", 400, "INPUT_INVALID"],
    ["/v1/requests?before=x", 400, "INPUT_INVALID"],
    ["/v1/requests?before=1-1", 400, "INPUT_INVALID"],
    ["/v1/admissions?keysetId=0x00", 400, "INPUT_INVALID"],
    [`/v1/requests/${idOf(1).toUpperCase()}`, 400, "INPUT_INVALID"],
    [`/v1/requests/${idOf(9_999)}`, 404, "INPUT_NOT_FOUND"],
    [`/v1/receipts/${idOf(1)}`, 404, "INPUT_NOT_FOUND"],
    ["/v1/nothing", 404, "INPUT_NOT_FOUND"],
    ["/v1/admin/dead-letters", 401, "INPUT_UNAUTHORIZED"],
  ] as const)("refuses GET %s with %i", async ([path, status, code]) => {
    const reply = await call(path);
    expect(reply.status).toBe(status);
    expect(reply.json).toMatchObject({ error: { code } });
  });

  test("retries for who holds the token, and for nobody else", async () => {
    const path = `/v1/admin/requests/${idOf(5)}/retry`;
    retried.length = 0;
    expect(
      (await call(path, { method: "POST", headers: { authorization: `Bearer ${TOKEN}x` } })).status,
    ).toBe(401);
    expect(retried).toEqual([]);
    expect((await call(path, { method: "POST", headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(
      202,
    );
    expect(retried).toEqual([idOf(5)]);
  });

  test("follows a history that drops what was settled for who holds the token, and for nobody else", async () => {
    const path = "/v1/admin/chains/31337/accept-reorg";
    expect((await call(path, { method: "POST" })).status).toBe(401);
    expect(accepted).toEqual([]);
    const authorization = `Bearer ${TOKEN}`;
    expect((await call(path, { method: "POST", headers: { authorization } })).status).toBe(202);
    expect(accepted).toEqual([31_337]);
    const odd = await call("/v1/admin/chains/x/accept-reorg", { method: "POST", headers: { authorization } });
    expect(odd).toMatchObject({ status: 400, json: { error: { code: "INPUT_INVALID" } } });
  });

  test("counts what is open, from nothing up, in Prometheus's text", async () => {
    const { text } = await call("/v1/metrics");
    expect(text).toContain('adyton_oracle_requests{chain="1",phase="asked"} 60\n');
    expect(text).toContain('adyton_oracle_requests{chain="1",phase="refused"} 0\n');
    expect(text).not.toContain('phase="settled"');
    expect(text).toContain('adyton_oracle_transactions{chain="1",state="failed"} 0\n');
    expect(text).toContain('adyton_oracle_block{chain="1"} 11\n');
    expect(text).toContain('adyton_oracle_chain_stalled{chain="1"} 0\n');
    expect(text).toContain(`adyton_oracle_key_balance_ether{chain="1",address="${CONSUMER}"} 1.5\n`);
    expect(text).toContain('adyton_oracle_rpc_endpoints{chain="1",state="resting"} 2\n');
    expect(text).toContain("adyton_oracle_dead_letters 2\n");
    expect(text).toContain('adyton_oracle_oldest_unsettled_seconds{chain="1"} 60\n');
    expect(text).toContain('adyton_oracle_oldest_transaction_seconds{chain="1"} 0\n');
    expect(text).toContain("adyton_oracle_store_writable 1\n");
    expect(text).toContain("adyton_oracle_store_free_bytes 3000000000\n");
    expect(text).toContain("adyton_oracle_archived_total 40\n");
    expect(text).toContain("adyton_oracle_archive_failures_total 1\n");
    expect(text).toContain('adyton_oracle_admission_left_seconds{chain="1"} 540\n');
    expect(text).toContain('adyton_oracle_rpc_exchanges_total{chain="1",endpoint="rpc.example"} 7\n');
    expect(text).toContain('adyton_oracle_rpc_failures_total{chain="1",endpoint="rpc.example"} 2\n');
    expect(text).toContain('adyton_oracle_rpc_seconds_total{chain="1",endpoint="rpc.example"} 1.5\n');
    expect(text).toContain(`adyton_oracle_payee_credit_ether{chain="1",payee="${CONSUMER}"} 1\n`);
  });

  test("counts what has ended since the process started, whatever the store holds", async () => {
    const { text } = await call("/v1/metrics");
    expect(text).toContain('adyton_oracle_settlements_total{chain="1",kind="fulfilled"} 2\n');
    expect(text).toContain('adyton_oracle_settlements_total{chain="1",kind="refunded"} 0\n');
    expect(text).toContain('adyton_oracle_answers_total{chain="1",status="2"} 1\n');
    expect(text).toContain('adyton_oracle_answers_total{chain="1",status="1"} 0\n');
    expect(text).not.toContain('chain="2"');
  });

  test("gives durations as a cumulative histogram", async () => {
    const { text } = await call("/v1/metrics");
    const line = (suffix: string, labels: string, value: number): string =>
      `adyton_oracle_span_seconds${suffix}{span="request",chain="1",outcome="fulfilled"${labels}} ${value}\n`;
    expect(text).toContain(line("_bucket", ',le="0.1"', 0));
    expect(text).toContain(line("_bucket", ',le="0.25"', 1));
    expect(text).toContain(line("_bucket", ',le="900"', 1));
    expect(text).toContain(line("_bucket", ',le="+Inf"', 2));
    expect(text).toContain(line("_sum", "", 5_000.2));
    expect(text).toContain(line("_count", "", 2));
  });

  test("a node that nobody rules over HTTP says so to whoever tries", async () => {
    const unruled = await listen(createHttpApp({ ...options, admin: undefined }), {
      host: "127.0.0.1",
      port: 0,
    });
    try {
      const response = await fetch(`http://127.0.0.1:${unruled.port}/v1/admin/drain`, { method: "POST" });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        error: { code: "INPUT_NOT_FOUND", message: expect.stringContaining("http.adminTokenFile") as string },
      });
    } finally {
      await unruled.close();
    }
  });

  test("a second process cannot open the same store", async () => {
    await expect(openStore({ kind: "pglite", path: join(directory, "store") })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });
});
