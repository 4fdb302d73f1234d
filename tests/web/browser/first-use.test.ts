/**
 * How soon a document can be used, on a processor four times slower than this one: the least of three loads, since others on the
 * machine only add to it. Not part of the continuous integration.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, CDPSession } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPage } from "../support/built-page.ts";
import { HAS_CHROMIUM, launchChromium } from "../support/chromium.ts";
import { DOCUMENTS } from "../support/documents.ts";
import { startStubNode, type StubNode } from "../support/stub-node.ts";
import { openContext } from "../support/verify-page.ts";

const MOST_MS = 1_000;
const SLOWER = 4;
const LOADS = 3;

describe.skipIf(!HAS_CHROMIUM)("the first use", () => {
  let browser: Browser;
  let folder: string;
  let node: StubNode;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adyton-use-"));
    await buildPage(folder);
    browser = await launchChromium();
    node = await startStubNode(folder, { text: "Is water wet?" });
  });
  afterAll(async () => {
    await browser.close();
    await node[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Milliseconds of the page's own thread, and by the clock, until `control` is there. */
  async function load(path: string, control: string): Promise<{ thread: number; clock: number }> {
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
    await page.goto(`${node.url}/${path}`);
    await expect
      .poll(() => page.evaluate<number | null>("window.usableAt ?? null"), { timeout: 30_000, interval: 100 })
      .not.toBeNull();
    const thread = (await threadMs(session)) - before;
    return { thread, clock: await page.evaluate<number>("window.usableAt") };
  }

  test.for(DOCUMENTS)("of %s takes a second of its thread at most", async ([title, name, hash, control]) => {
    const threads: number[] = [];
    for (let count = 0; count < LOADS; count += 1) {
      const { thread, clock } = await load(`${name}${hash}`, control);
      process.stderr.write(
        `${title}: ${thread.toFixed(0)} ms of its thread, ${clock.toFixed(0)} ms by the clock\n`,
      );
      threads.push(thread);
    }
    expect(Math.min(...threads)).toBeGreaterThan(0);
    expect(Math.min(...threads)).toBeLessThanOrEqual(MOST_MS);
  });
});

async function threadMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  const seconds = metrics.find((metric) => metric.name === "TaskDuration")?.value ?? Number.NaN;
  return seconds * 1_000;
}
