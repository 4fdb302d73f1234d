import express from "express";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pageRoute } from "../../../oracle/http/page-route.ts";
import { listen, type Listening } from "../../../oracle/http/server.ts";

let folder: string;
let built: boolean;
let server: Listening;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-page-route-"));
  mkdirSync(join(folder, "assets"));
  const files = { "index.html": "list", "verify.html": "verify", "page.json": "{}", "assets/a-1.js": "1" };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  built = true;
  const app = express();
  app.use(pageRoute({ findFolder: () => (built ? folder : null) }));
  server = await listen(app, { host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.port}${path}`);

test("what judges, and what it loads, may connect to nobody; the list may ask its own node", async () => {
  for (const path of ["/verify.html", "/assets/a-1.js"]) {
    const policy = (await get(path)).headers.get("content-security-policy");
    expect(policy).toContain("connect-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
  }
  const list = await get("/");
  expect(await list.text()).toBe("list");
  expect(list.headers.get("content-security-policy")).toContain("connect-src 'self'");
});

test("assets are kept, documents are asked for again", async () => {
  expect((await get("/assets/a-1.js")).headers.get("cache-control")).toContain("immutable");
  expect((await get("/verify.html")).headers.get("cache-control")).toBe("no-cache");
});

test.for([
  "/assets/..%2f..%2fetc%2fpasswd",
  "/assets/%2e%2e/page.json/x",
  "/none.html",
  "/.env",
  "/assets/",
  "/page.json.bak",
])("%s is no part of the page", async (path) => {
  expect((await get(path)).status).toBe(404);
});

test("a checkout without the page says how to build it", async () => {
  built = false;
  const reply = await get("/");
  expect(reply.status).toBe(503);
  expect(await reply.text()).toContain("npm run build:web");
  built = true;
  expect((await get("/")).status).toBe(200);
});
