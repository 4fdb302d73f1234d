import { join } from "node:path";
import { expect, test } from "vitest";
import { OPENAPI } from "../../../oracle/http/openapi.ts";
import type { Express } from "express";
import type { Quote } from "../../../oracle/relay/intake/quote.ts";
import { createHttpApp, listen } from "../../../oracle/http/server.ts";
import { openStore } from "../../../oracle/store/store.ts";
import {
  TOKEN,
  idOf,
  CONSUMER,
  KEYSET,
  POLICY,
  retried,
  accepted,
  quoted,
  QUOTE,
  LEDGER,
  served,
  serveIndex,
  call,
  post,
} from "../support/served-index.ts";

serveIndex();

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
  const routes = routesOf(served.app.router).map((route) => route.replace(/:(\w+)/g, "{$1}"));
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

test("a quote is asked for in the URL or in a body, and says what is wrong with it", async () => {
  const terms = { chainId: 1, payload: "0x0101", callbackGasLimit: 5 };
  quoted.length = 0;
  expect((await call("/v1/quote?chainId=1&payload=0x0101&callbackGasLimit=5")).json).toEqual(QUOTE);
  expect((await post("/v1/quote", JSON.stringify(terms))).json).toEqual(QUOTE);
  expect(quoted[0]).toEqual(quoted[1]);
  expect(quoted[0]).toMatchObject({ ...terms, threshold: 1, delivery: 0, maxOutputBytes: 1_024 });
  for (const body of ["{", "[]", JSON.stringify({ ...terms, threshold: 9 }), JSON.stringify({ chainId: 1 })])
    expect((await post("/v1/quote", body)).json, body).toMatchObject({ error: { code: "INPUT_INVALID" } });
  const long = JSON.stringify({ ...terms, payload: `0x${"00".repeat(200_000)}` });
  expect((await post("/v1/quote", long)).json).toMatchObject({ error: { code: "INPUT_TOO_LARGE" } });
});

test("quotes are made for so many at once and no more", async () => {
  const gate = Promise.withResolvers<Quote>();
  const full = Promise.withResolvers<undefined>();
  served.quoting = gate.promise;
  quoted.length = 0;
  served.onQuoted = () => {
    if (quoted.length === 16) full.resolve(undefined);
  };
  const path = "/v1/quote?chainId=1&payload=0x0101";
  const replies = Array.from({ length: 16 }, () => call(path));
  await full.promise;
  expect(await call(path)).toMatchObject({ status: 429, json: { error: { code: "INPUT_RATE_LIMITED" } } });
  served.quoting = Promise.resolve(QUOTE);
  gate.resolve(QUOTE);
  for (const { status } of await Promise.all(replies)) expect(status).toBe(200);
  expect((await call(path)).status).toBe(200);
});

test("retries for who holds the token, and for nobody else", async () => {
  const path = `/v1/admin/requests/${idOf(5)}/retry`;
  retried.length = 0;
  expect((await call(path, { method: "POST", headers: { authorization: `Bearer ${TOKEN}x` } })).status).toBe(
    401,
  );
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

test("a node that nobody rules over HTTP says so to whoever tries", async () => {
  const unruled = await listen(createHttpApp({ ...served.options, admin: undefined }), {
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

test.for([
  [
    "that another program has",
    { host: "127.0.0.1" },
    "another program listens there: end it, or choose another port",
  ],
  ["that is none of this machine's", { host: "192.0.2.1" }, "this machine has no such address"],
] as const)("an address %s is named, with what to do", async ([, change, why]) => {
  const { port } = served.server;
  await expect(listen(served.app, { port, ...change })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: `cannot listen on ${change.host}:${port}: ${why}`,
  });
});

test("a second process cannot open the same store", async () => {
  await expect(openStore({ kind: "pglite", path: join(served.directory, "store") })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
  });
});
