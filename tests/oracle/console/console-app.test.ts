import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createConsoleApp } from "../../../oracle/console/console-app.ts";
import { CONSOLE_OPENAPI } from "../../../oracle/console/console-openapi.ts";
import { toConsoleState, type ConsoleState } from "../../../oracle/console/console-state.ts";
import { listen, type Listening } from "../../../oracle/http/server.ts";
import { createLogger } from "../../../oracle/log.ts";
import { wellNode } from "../support/console.ts";

const TOKEN = "a console's token";
const NOW = 10_000_000;
const STATE: ConsoleState = toConsoleState({
  ...wellNode(NOW),
  open: { requests: [{ chainId: 1, phase: "asked", count: 3 }], transactions: [] },
  ...{ enclaves: [], alerts: [], minutes: [], reverifySeconds: 60 },
  purses: [
    {
      ...{ chainId: 1, watchedMs: 5_000, earned: 3n, spent: 2n, owed: 10n ** 19n },
      keys: [{ address: "0xaa", balance: 7n, spent: 2n, leftSeconds: null }],
    },
  ],
});

let folder: string;
let server: Listening;
let read: () => Promise<ConsoleState>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-console-"));
  mkdirSync(join(folder, "assets"));
  for (const name of ["console.html", "index.html", "page.json"]) writeFileSync(join(folder, name), name);
  read = () => Promise.resolve(STATE);
  const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
  const app = createConsoleApp({ token: TOKEN, read: () => read(), log, findFolder: () => folder });
  server = await listen(app, { host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, init);
const withToken = { headers: { authorization: `Bearer ${TOKEN}` } };
const codeOf = async (reply: Response): Promise<string> =>
  ((await reply.json()) as { readonly error: { readonly code: string } }).error.code;

test("the state is given for the token, and kept by nobody", async () => {
  const reply = await ask("/v1/console", withToken);
  expect(await reply.json()).toEqual(JSON.parse(JSON.stringify(STATE)));
  expect(reply.headers.get("cache-control")).toBe("no-store");
});

test.for([
  ["no token", {}],
  ["another token", { authorization: "Bearer another token of some length" }],
  ["the token by another scheme", { authorization: `Basic ${TOKEN}` }],
  ["the token with something behind it", { authorization: `Bearer ${TOKEN} ` + "x" }],
] as const)("with %s nothing is read", async ([, headers]) => {
  read = () => Promise.reject(new Error("read without a token"));
  const reply = await ask("/v1/console", { headers });
  expect([reply.status, await codeOf(reply)]).toEqual([401, "INPUT_UNAUTHORIZED"]);
});

test.for(["POST", "PUT", "DELETE", "PATCH"])(
  "%s changes nothing, since there is nothing that could",
  async (method) => {
    for (const path of ["/v1/console", "/v1/admin/drain", "/v1/admin/requests/0x00/retry"]) {
      const reply = await ask(path, { ...withToken, method });
      expect([reply.status, await codeOf(reply)]).toEqual([404, "INPUT_NOT_FOUND"]);
    }
  },
);

test("no other origin may read it: no reply names one, and none is asked beforehand", async () => {
  const foreign = { headers: { ...withToken.headers, origin: "https://a.example" } };
  const reply = await ask("/v1/console", foreign);
  expect(reply.headers.get("access-control-allow-origin")).toBeNull();
  const asked = await ask("/v1/console", { ...foreign, method: "OPTIONS" });
  expect(asked.headers.get("access-control-allow-origin")).toBeNull();
  expect(asked.headers.get("access-control-allow-headers")).toBeNull();
});

test("at most four read at once, the others are told to come again", async () => {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  let arrived = 0;
  let allArrived = (): void => undefined;
  const four = new Promise<void>((resolve) => (allArrived = resolve));
  read = async () => {
    arrived += 1;
    if (arrived === 4) allArrived();
    await held;
    return STATE;
  };
  const waiting = Array.from({ length: 4 }, () => ask("/v1/console", withToken));
  await four;
  const refused = await ask("/v1/console", withToken);
  expect([refused.status, await codeOf(refused)]).toEqual([429, "INPUT_RATE_LIMITED"]);
  letGo();
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});

test("the root is the console, which may ask its own listener and sits in nobody's frame", async () => {
  const reply = await ask("/");
  expect(await reply.text()).toBe("console.html");
  const policy = reply.headers.get("content-security-policy");
  expect(policy).toContain("connect-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
});

test("its document for tools has its routes", async () => {
  const document: unknown = await (await ask("/v1/openapi.json")).json();
  expect(document).toEqual(CONSOLE_OPENAPI);
  for (const path of Object.keys(CONSOLE_OPENAPI.paths))
    expect((await ask(path, withToken)).status).toBe(200);
});

test("amounts of wei are told to the last one, and a queue by its phases", () => {
  expect(STATE.purses[0]).toMatchObject({
    owed: "10000000000000000000",
    keys: [{ balance: "7", usable: true }],
  });
  expect(STATE.chains[0]).toMatchObject({
    queue: [{ phase: "asked", count: 3 }],
    rpc: [{ endpoint: "rpc.example", meanMs: 25, aside: null }],
  });
});
