/** The pages that list and show what a node knows, and the one to ask from, in Chromium. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PNG } from "../../enclave/support/media.ts";
import { buildPage } from "../support/built-page.ts";
import { HAS_CHROMIUM, launchChromium } from "../support/chromium.ts";
import { expectFits } from "../support/fits.ts";
import { HOSTILE, startStubNode, STUB_REQUEST, type StubNode } from "../support/stub-node.ts";
import { expectAccessible, openContext, VIEWS, watchFaults } from "../support/verify-page.ts";

describe.skipIf(!HAS_CHROMIUM)("the pages of a node", () => {
  let browser: Browser;
  let folder: string;
  let node: StubNode;
  let hostile: StubNode;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adyton-explorer-"));
    await buildPage(folder);
    browser = await launchChromium();
    node = await startStubNode(folder, { text: "Is water wet?" });
    hostile = await startStubNode(folder, { text: HOSTILE });
  });
  afterAll(async () => {
    await browser.close();
    await node[Symbol.asyncDispose]();
    await hostile[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const PAGES = [
    ["the list", "/", "td.c-id"],
    ["the enclaves", "/#enclaves", ".says li"],
    ["the contracts", "/#contracts", ".says li"],
    ["a request", `/#request=${STUB_REQUEST}`, ".halves"],
    ["the place to ask", "/local.html", "textarea"],
  ] as const;

  describe.each(VIEWS)("$name", (view) => {
    test.for(PAGES)("%s is accessible, fits, and faults nothing", async ([, path, landmark]) => {
      await using context = await openContext(browser, view);
      const page = await context.newPage();
      const faults = watchFaults(page);
      await page.goto(`${node.url}${path}`);
      await page.waitForSelector(landmark);
      await expectAccessible(page);
      await expectFits(page);
      expect(faults).toEqual([]);
    });
  });

  test.for(PAGES)("%s runs nothing of what a hostile node says", async ([, path, landmark]) => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).origin));
    await page.goto(`${hostile.url}${path}`);
    await page.waitForSelector(landmark);
    expect(await page.evaluate("window.ran")).toBeUndefined();
    expect(await page.locator("main img").count()).toBe(0);
    expect(await page.locator("main").innerText()).not.toMatch(/[\u202e\u200b]/u);
    expect([...new Set(asked)]).toEqual([hostile.url]);
    await expectFits(page);
  });

  test("the contracts: a policy in sentences, what waits, a ledger, an agent's account, and what could not be read", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    await page.goto(`${node.url}/#request=${STUB_REQUEST}`);
    await page.getByRole("link", { name: "what it accepts" }).click();
    await page.waitForSelector(".says li");
    const said = await page.locator("main").innerText();
    for (const sentence of [
      "Any machine will do.",
      "The digest of its behaviour file is abababab…abab or efababab…abab.",
      "Revoked, and refused for good: keyset abababab…abab.",
      "A key may be admitted after the request that it answers",
      "may let more in after 2 d, less at once; nobody else may veto a change.",
      "A change waits: anyone may put it into force from 2026-10-31 20:00:00 UTC until 2026-11-07.",
      "3 entries asked, 1 epoch settled. An entry costs 0.001 ETH and takes answers of 2 enclaves",
      "It runs every 1 h, for 0.001 ETH a run",
      "The node could not read it (Is water wet?).",
    ])
      expect(said).toContain(sentence);
  });

  test("a filtered list is an address: opened, it shows the same filters, and asks the node by them", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    const asked: URLSearchParams[] = [];
    page.on("request", (request) => {
      const { pathname, searchParams } = new URL(request.url());
      if (pathname === "/v1/requests") asked.push(searchParams);
    });
    await page.goto(`${node.url}/`);
    await page.waitForSelector("td.c-id");
    await page.getByRole("searchbox", { name: "Model" }).fill("stand-in-1");
    await page.getByRole("searchbox", { name: "Model" }).press("Enter");
    await page.getByRole("combobox", { name: /^Status/ }).selectOption("settled");
    await page.getByRole("combobox", { name: /^Time/ }).selectOption("last 24 hours");
    await expect.poll(() => page.url()).toContain("hours=24");
    const link = await context.newPage();
    link.on("request", (request) => {
      const { pathname, searchParams } = new URL(request.url());
      if (pathname === "/v1/requests") asked.push(searchParams);
    });
    await link.goto(page.url());
    await link.waitForSelector("td.c-id");
    expect(await link.getByRole("searchbox", { name: "Model" }).inputValue()).toBe("stand-in-1");
    expect(await link.getByRole("combobox", { name: /^Status/ }).inputValue()).toBe("settled");
    expect(asked.at(-1)?.get("model")).toBe("stand-in-1");
    expect(asked.at(-1)?.get("settlement")).toBe("fulfilled");
    expect(asked.at(-1)?.get("since")).toMatch(/^[0-9]+$/);
  });

  test("a word that is being typed stays while the list is drawn again", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    await page.goto(`${node.url}/`);
    await page.waitForSelector("td.c-id");
    const field = page.getByRole("searchbox", { name: "Model" });
    await field.fill("stand-");
    await page.getByRole("combobox", { name: /^Status/ }).selectOption("settled");
    await expect.poll(() => page.url()).toContain("state=settled");
    expect(await field.inputValue()).toBe("stand-");
  });

  test("a question goes to the network, and the page follows its request", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    await page.goto(`${node.url}/local.html`);
    await page.getByLabel("Question", { exact: true }).fill("Is water wet?");
    await page.getByRole("combobox", { name: "Answer", exact: true }).selectOption("yes or no, and why");
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await page.waitForSelector(".halves");
    expect(page.url()).toBe(`${node.url}/#request=${STUB_REQUEST}`);
    expect(node.questions).toEqual([
      {
        question: "Is water wet?",
        model: "stand-in/stand-in-1",
        returns: "(bool yes, string why)",
        pages: [],
        files: [],
      },
    ]);
  });

  test("pages and files that are named beside a question go with it", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    await page.goto(`${node.url}/local.html`);
    await page.getByLabel("Question", { exact: true }).fill("What is it about?");
    await page.getByText("Pages and files that it is about").click();
    await page.getByLabel("Pages:").fill("https://a.example/\n\n https://b.example/x\n");
    const file = { name: "a.png", mimeType: "image/png", buffer: Buffer.from(PNG, "base64") };
    await page.getByLabel("Images and PDFs:").setInputFiles([file]);
    await expectFits(page);
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await page.waitForSelector(".halves");
    expect(node.questions.at(-1)).toMatchObject({
      pages: ["https://a.example/", "https://b.example/x"],
      files: [{ name: "a.png", base64: PNG }],
    });
  });

  test("files that are too large are refused by the page, and nothing is asked", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    await page.goto(`${node.url}/local.html`);
    const before = node.questions.length;
    await page.getByLabel("Question", { exact: true }).fill("What is it about?");
    await page.getByText("Pages and files that it is about").click();
    const file = { name: "a.png", mimeType: "image/png", buffer: Buffer.alloc(2 * 1024 * 1024 + 1) };
    await page.getByLabel("Images and PDFs:").setInputFiles([file]);
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    expect(await page.getByRole("alert").innerText()).toContain("2 MiB");
    expect(node.questions).toHaveLength(before);
  });
});
