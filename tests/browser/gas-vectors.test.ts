/**
 * Gas, results and where depth ends in a worker of Chromium: its stack is smaller than Node's, and programs end at the same place. Wants
 * Debian's `chromium`; the continuous integration installs it, and without it this test says that it was skipped.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSandboxFiles } from "../../enclave/agents/sandbox-files.ts";
import type { GasVectors } from "../support/count-gas.ts";
import { startLocalServer, type LocalServer } from "../support/local-server.ts";
import { bundlePage, CHROMIUM, FLAGS, hasChromium } from "./chromium.ts";

const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, "../vectors/agent/gas.json"), "utf8"),
) as GasVectors;

const WORKER = `import "/gas-worker.js";
onmessage = ({ data }) => count(data).then(postMessage, (error) => postMessage(String(error)));`;
/** What the page does: a worker, the two files, one answer. */
const COUNT = `(async () => {
  const read = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
  const files = { engine: await read("/engine.wasm"), prelude: await read("/prelude.js") };
  const worker = new Worker("/worker.js", { type: "module" });
  return await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(files);
  });
})()`;

describe.skipIf(!hasChromium)("in Chromium", () => {
  let server: LocalServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const { engine, prelude } = readSandboxFiles();
    const { text } = await bundlePage(new URL("gas-worker.ts", import.meta.url).pathname);
    server = await startLocalServer({
      "/": { headers: { "content-type": "text/html" }, body: "<!doctype html>" },
      "/gas-worker.js": { headers: { "content-type": "text/javascript" }, body: text },
      "/worker.js": { headers: { "content-type": "text/javascript" }, body: WORKER },
      "/engine.wasm": { body: engine },
      "/prelude.js": { body: prelude },
    });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    page = await browser.newPage();
    await page.goto(`${server.url}/`);
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
  });

  test(
    "a page's worker counts the vectors, those that end by depth among them",
    { timeout: 240_000 },
    async () => {
      expect(await page.evaluate(COUNT)).toEqual(vectors);
    },
  );

  test("and does so again in a browser with a smaller stack still", { timeout: 240_000 }, async () => {
    const small = await chromium.launch({
      executablePath: CHROMIUM,
      args: [...FLAGS, "--js-flags=--stack-size=700"],
    });
    try {
      const other = await small.newPage();
      await other.goto(`${server.url}/`);
      expect(await other.evaluate(COUNT)).toEqual(vectors);
    } finally {
      await small.close();
    }
  });
});
