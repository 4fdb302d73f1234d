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
    // What holds the page up does so each time; a shared machine that stands still does not.
    { retry: 2 },
    async ([, make]) => {
      await using context = await openContext(browser);
      const page = await openVerify(context, built.server.url);
      const before = built.server.asked.length;
      const longest = await watchTasks(page);
      await giveFromDisk(page, make());
      const said = await page.locator("main").innerText();
      expect(said).not.toMatch(/Genuine, and accepted|\u202e|\u200b/u);
      expect(await page.evaluate("window.ran")).toBeUndefined();
      expect(await page.locator("main img").count()).toBe(0);
      // The worker and the fonts; nothing that a file could name.
      expect(built.server.asked.slice(before).filter((path) => !path.startsWith("/assets/"))).toEqual([]);
      expect(await longest()).toBeLessThanOrEqual(ACTIONS_MS);
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

/** The longest task of the page's main thread from now on, in milliseconds. */
async function watchTasks(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(`new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest ?? 0, duration);
  }).observe({ type: "longtask" })`);
  return async () => await page.evaluate<number>("window.longest ?? 0");
}

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
