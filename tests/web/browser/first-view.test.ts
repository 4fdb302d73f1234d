/** How much a document is, and how soon it can be used: on a processor four times slower than this one. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, CDPSession } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPage, filesIn } from "../support/built-page.ts";
import { HAS_CHROMIUM, launchChromium } from "../support/chromium.ts";
import { startStubNode, STUB_REQUEST, type StubNode } from "../support/stub-node.ts";
import { openContext } from "../support/verify-page.ts";

const MOST_BYTES = 100_000;
const MOST_MS = 1_000;
const SLOWER = 4;

const DOCUMENTS = [
  ["Verify", "verify.html", "", ".drop button"],
  ["the list", "index.html", "", "td.c-id"],
  ["a request", "index.html", `#request=${STUB_REQUEST}`, ".halves"],
  ["the place to ask", "local.html", "", "textarea"],
  ["the console", "console.html", "", "input.token"],
] as const;

describe.skipIf(!HAS_CHROMIUM)("the first view", () => {
  let browser: Browser;
  let folder: string;
  let node: StubNode;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adyton-first-"));
    await buildPage(folder);
    browser = await launchChromium();
    node = await startStubNode(folder, { text: "Is water wet?" });
  });
  afterAll(async () => {
    await browser.close();
    await node[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test.for(DOCUMENTS)("of %s is at most 100 KB, compressed, fonts and all", ([, name]) => {
    const html = readFileSync(join(folder, name), "utf8");
    const loaded = [...html.matchAll(/(?:src|href)="\.\/([^"#]+)"/g)].map(([, path]) => path ?? "");
    const fonts = filesIn(folder).filter((path) => path.endsWith(".woff2"));
    expect(loaded.length).toBeGreaterThan(1);
    const bytes = [name, ...loaded, ...fonts].reduce(
      (sum, path) => sum + gzipSync(readFileSync(join(folder, path))).length,
      0,
    );
    process.stderr.write(`${name}: ${bytes} bytes gzip\n`);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
  });

  test.for(DOCUMENTS)(
    "of %s can be used after a second of its thread, on a processor that is four times slower",
    async ([title, name, hash, control]) => {
      await using context = await openContext(browser);
      const page = await context.newPage();
      await page.addInitScript(`(() => {
        const look = () => {
          if (document.querySelector(${JSON.stringify(control)}) === null) requestAnimationFrame(look);
          // After the frame in which it is there: what holds the thread up until then counts.
          else setTimeout(() => { window.usableAt = performance.now(); });
        };
        look();
      })()`);
      const session = await context.newCDPSession(page);
      // The thread's own time: how much of a second others of this machine took is not the page's.
      await session.send("Performance.enable", { timeDomain: "threadTicks" });
      await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
      const before = await threadMs(session);
      await page.goto(`${node.url}/${name}${hash}`);
      await expect
        .poll(() => page.evaluate<number | null>("window.usableAt ?? null"), {
          timeout: 30_000,
          interval: 100,
        })
        .not.toBeNull();
      const took = (await threadMs(session)) - before;
      const usableAt = await page.evaluate<number>("window.usableAt");
      process.stderr.write(
        `${title}: ${took.toFixed(0)} ms of its thread, ${usableAt.toFixed(0)} ms by the clock\n`,
      );
      expect(took).toBeGreaterThan(0);
      expect(took).toBeLessThanOrEqual(MOST_MS);
    },
  );
});

async function threadMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  const seconds = metrics.find((metric) => metric.name === "TaskDuration")?.value ?? Number.NaN;
  return seconds * 1_000;
}
