/** What a reader does on the Verify page, and what they see. */

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";

export interface Given {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export const VIEWS = [
  { name: "desktop, light", width: 1440, height: 900, colorScheme: "light", hasTouch: false },
  { name: "phone, dark", width: 390, height: 844, colorScheme: "dark", hasTouch: true },
  { name: "desktop, dark", width: 1440, height: 900, colorScheme: "dark", hasTouch: false },
  { name: "phone, light", width: 390, height: 844, colorScheme: "light", hasTouch: true },
] as const;

export type View = (typeof VIEWS)[number];

export async function openContext(browser: Browser, view: View = VIEWS[0]): Promise<BrowserContext> {
  const { width, height, colorScheme, hasTouch } = view;
  return await browser.newContext({
    viewport: { width, height },
    colorScheme,
    hasTouch,
    reducedMotion: "reduce",
  });
}

/** What went wrong in a page by itself: errors, and what its policy refused. */
export function watchFaults(page: Page): readonly string[] {
  const faults: string[] = [];
  page.on("pageerror", ({ message }) => faults.push(message));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  return faults;
}

export async function openVerify(context: BrowserContext, url: string, hash = ""): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}/verify.html${hash}`);
  await page.waitForSelector(".drop, .verdict");
  return page;
}

/** Gives files to the page as the file dialog does, and waits for what comes of them. */
export async function give(page: Page, ...files: readonly Given[]): Promise<void> {
  const before = await page.locator("[role=status]").getAttribute("data-judged");
  await page.setInputFiles(
    "input[type=file]",
    files.map(({ name, bytes }) => ({
      name,
      mimeType: "application/octet-stream",
      buffer: Buffer.from(bytes),
    })),
  );
  // Asked from outside: the page's policy forbids the evaluation of text, which a wait inside of it would need.
  await expect.poll(() => page.locator("[role=status]").getAttribute("data-judged"), POLL).not.toBe(before);
}

const POLL = { timeout: 60_000, interval: 20 };

/** Lets the page forget what it was given. */
export async function startAgain(page: Page): Promise<void> {
  const button = page.getByRole("button", { name: /^(?:Verify another|Start again)$/ }).last();
  if ((await button.count()) > 0) await button.click();
  await page.waitForSelector(".drop");
}

/** Of the verdict that the page came to, once it has. */
export async function headline(page: Page): Promise<string> {
  const shown = async (): Promise<string> =>
    (await page.locator(".verdict h1, .headline").first().innerText()).trim();
  await expect.poll(shown, POLL).not.toBe("Judging it now.");
  return await shown();
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** WCAG 2.2, A and AA. */
export async function expectAccessible(page: Page): Promise<void> {
  // By the protocol and not by a script element: the page's own policy would refuse that.
  await page.evaluate(AXE);
  const violations = await page.evaluate<readonly string[]>(`axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
  }).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 160)).join(" | ")))`);
  expect(violations).toEqual([]);
}
