/** Receipts that are made to stop the page or to get out of it. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBuiltPage, type BuiltPage } from "../support/built-page.ts";
import { HAS_CHROMIUM, launchChromium } from "../support/chromium.ts";
import { HOSTILE } from "../support/stub-node.ts";
import { give, headline, openContext, openVerify } from "../support/verify-page.ts";

const RECEIPT = readFileSync(
  new URL("../../../examples/evidence/simulated-receipt.json", import.meta.url),
  "utf8",
);
const ACTIONS_MS = 200;

describe.skipIf(!HAS_CHROMIUM)("a hostile file", () => {
  let browser: Browser;
  let built: BuiltPage;
  beforeAll(async () => {
    built = await startBuiltPage();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await built[Symbol.asyncDispose]();
  });

  test.for([
    ["of 10,000 events", () => withEvents(10_000)],
    ["of 4,000 events, all of which are read", () => withEvents(4_000)],
    ["with a script in every string that is no number", () => everywhere(JSON.parse(RECEIPT))],
    ["of 50 MB", () => `{"version":2,"pad":"${"a".repeat(50_000_000)}"}`],
  ] as const satisfies readonly (readonly [string, () => string])[])(
    "%s: nothing runs, nothing leaves, nothing stands still",
    async ([, make]) => {
      await using context = await openContext(browser);
      const page = await openVerify(context, built.server.url);
      const before = built.server.asked.length;
      const longest = await watchTasks(browser, page);
      await giveFromDisk(page, make());
      const said = await page.locator("main").innerText();
      expect(said).not.toMatch(/Genuine, and accepted|\u202e|\u200b/u);
      expect(await page.evaluate("window.ran")).toBeUndefined();
      expect(await page.locator("main img").count()).toBe(0);
      // The worker and the fonts; nothing that a file could name.
      expect(built.server.asked.slice(before).filter((path) => !path.startsWith("/assets/"))).toEqual([]);
      const held = await longest();
      process.stderr.write(`longest task: ${held.toFixed(0)} ms\n`);
      expect(held).toBeLessThanOrEqual(ACTIONS_MS);
    },
  );

  test("of 4,000 events still has a verdict", async () => {
    await using context = await openContext(browser);
    const page = await openVerify(context, built.server.url);
    await give(page, { name: "many.json", bytes: new TextEncoder().encode(withEvents(4_000)) });
    expect(await headline(page)).toBe("Not genuine: altered.");
  });
});

/** As from a disk: what hands over a buffer would itself hold the page up. */
async function giveFromDisk(page: Page, text: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-hostile-"));
  try {
    writeFileSync(join(folder, "hostile.json"), text);
    await page.setInputFiles("input[type=file]", join(folder, "hostile.json"));
    await expect
      .poll(() => page.locator("[role=status]").getAttribute("data-judged"), {
        timeout: 60_000,
        interval: 20,
      })
      .toBe("1");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The longest task of the page's main thread from now on: milliseconds of the thread's own time, since what others of this machine
 * take is not the page's.
 */
async function watchTasks(browser: Browser, page: Page): Promise<() => Promise<number>> {
  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline"] });
  return async () => {
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: Traced[] };
    const main = new Set(
      traceEvents
        .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
        .map(threadOf),
    );
    const tasks = traceEvents.filter((event) => event.name.endsWith("RunTask") && main.has(threadOf(event)));
    expect(tasks).not.toEqual([]);
    return Math.max(...tasks.map(({ tdur }) => tdur ?? Number.NaN)) / 1_000;
  };
}

/** Of the Trace Event Format; microseconds. */
interface Traced {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

const threadOf = ({ pid, tid }: Traced): string => `${pid}/${tid}`;

function withEvents(count: number): string {
  const receipt = JSON.parse(RECEIPT) as { transcript: unknown[] };
  const [first] = receipt.transcript;
  return JSON.stringify({ ...receipt, transcript: Array.from({ length: count }, () => first) });
}

function everywhere(value: unknown): string {
  const planted = (inner: unknown): unknown => {
    if (typeof inner === "string") return /^(?:0x)?[0-9a-f]*$/.test(inner) ? inner : HOSTILE;
    if (Array.isArray(inner)) return inner.map(planted);
    if (typeof inner !== "object" || inner === null) return inner;
    return Object.fromEntries(Object.entries(inner).map(([name, deeper]) => [name, planted(deeper)]));
  };
  return JSON.stringify(planted(value));
}
