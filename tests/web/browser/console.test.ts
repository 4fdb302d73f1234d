/** The console in Chromium: what its operator sees, and what becomes of the token. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPage } from "../support/built-page.ts";
import { HAS_CHROMIUM, launchChromium } from "../support/chromium.ts";
import { expectFits } from "../support/fits.ts";
import { STUB_TOKEN } from "../support/stub-console.ts";
import { HOSTILE, startStubNode, type StubNode } from "../support/stub-node.ts";
import { expectAccessible, openContext, VIEWS, watchFaults } from "../support/verify-page.ts";

describe.skipIf(!HAS_CHROMIUM)("the console", () => {
  let browser: Browser;
  let folder: string;
  let node: StubNode;
  let hostile: StubNode;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adyton-console-page-"));
    await buildPage(folder);
    browser = await launchChromium();
    node = await startStubNode(folder, { text: "rpc.example" });
    hostile = await startStubNode(folder, { text: HOSTILE });
  });
  afterAll(async () => {
    await browser.close();
    await node[Symbol.asyncDispose]();
    await hostile[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const type = async (page: Page, token: string): Promise<void> => {
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Show" }).click();
  };

  describe.each(VIEWS)("$name", (view) => {
    test("from the token to the advice on an alert: accessible, it fits, and faults nothing", async () => {
      await using context = await openContext(browser, view);
      const page = await context.newPage();
      const faults = watchFaults(page);
      await page.goto(`${node.url}/console.html`);
      await expectAccessible(page);
      await type(page, STUB_TOKEN);
      await page.getByRole("heading", { name: "Answering. One thing needs you now." }).waitFor();
      await page.getByText("What to do about AdytonOracleDeadLetters").click();
      await page.getByText("GET /v1/admin/dead-letters").waitFor();
      await expectAccessible(page);
      await expectFits(page);
      expect(await page.locator(".plot canvas").count()).toBe(2);
      expect(faults).toEqual([]);
    });
  });

  test("another token is refused, in words, and can be typed again", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    await page.goto(`${node.url}/console.html`);
    await type(page, "another token");
    expect(await page.getByRole("alert").innerText()).toContain("not the console’s token");
    await type(page, STUB_TOKEN);
    await page.locator(".alert").first().waitFor();
  });

  test("the token is kept nowhere but in the page: no storage, no cookie, no address, and a reload asks again", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    await page.goto(`${node.url}/console.html`);
    await type(page, STUB_TOKEN);
    await page.locator(".alert").first().waitFor();
    expect(await page.evaluate("localStorage.length + sessionStorage.length")).toBe(0);
    expect(await context.cookies()).toEqual([]);
    expect(page.url()).toBe(`${node.url}/console.html`);
    expect(await page.locator("input").count()).toBe(0);
    await page.reload();
    await page.getByLabel("Token").waitFor();
    expect(await page.locator(".alert").count()).toBe(0);
  });

  test("a node that gives no answer any more: the last values stay, with their time", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    await page.goto(`${node.url}/console.html`);
    await type(page, STUB_TOKEN);
    await page.locator(".alert").first().waitFor();
    await page.route("**/v1/console", (route) => route.abort());
    await page.getByText("As of 00:00:00, trying again").waitFor();
    expect(await page.getByRole("alert").innerText()).toContain("The node gives no answer.");
    expect(await page.locator(".stale .alert").count()).toBe(2);
    await page.unroute("**/v1/console");
    await page.getByText("Live", { exact: true }).waitFor();
  });

  test("runs nothing of what an RPC server or an enclave is called", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).origin));
    await page.goto(`${hostile.url}/console.html`);
    await type(page, STUB_TOKEN);
    await page.locator(".alert").first().waitFor();
    expect(await page.evaluate("window.ran")).toBeUndefined();
    expect(await page.locator("main img").count()).toBe(0);
    expect(await page.locator("main").innerText()).not.toMatch(/[\u202e\u200b]/u);
    expect([...new Set(asked)]).toEqual([hostile.url]);
    await expectFits(page);
  });
});
