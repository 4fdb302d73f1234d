/** The Verify page in Chromium: what a reader drops, and what they are told. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HAS_VECTORS } from "../../support/vectors/manifest.ts";
import { HAS_CHROMIUM, launchChromium } from "../support/chromium.ts";
import { cliVerdict } from "../support/cli-verdict.ts";
import { startBuiltPage, type BuiltPage } from "../support/built-page.ts";
import { vectorCase, vectorTable } from "../support/vector-table.ts";
import {
  expectAccessible,
  give,
  headline,
  openContext,
  openVerify,
  startAgain,
  VIEWS,
  watchFaults,
} from "../support/verify-page.ts";

const example = (name: string): { name: string; bytes: Uint8Array<ArrayBuffer> } => ({
  name,
  bytes: new Uint8Array(readFileSync(new URL(`../../../examples/evidence/${name}`, import.meta.url))),
});
const RECEIPT = example("simulated-receipt.json");
const POLICY = example("simulated-policy.json");

/** A receipt in which one text stands for another. */
function tampered(from: string | RegExp, to: string): { name: string; bytes: Uint8Array } {
  const text = new TextDecoder().decode(RECEIPT.bytes);
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`the receipt has no ${String(from)}`);
  return { name: "tampered.json", bytes: new TextEncoder().encode(changed) };
}

describe.skipIf(!HAS_CHROMIUM)("the Verify page", () => {
  let browser: Browser;
  let built: BuiltPage;
  let folder: string;
  /** One page for the whole table: what is left of the file before would show as another verdict. */
  let table: Page | undefined;

  beforeAll(async () => {
    built = await startBuiltPage();
    browser = await launchChromium();
    folder = mkdtempSync(join(tmpdir(), "adyton-verify-page-"));
  });
  afterAll(async () => {
    await browser.close();
    await built[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  describe.each(VIEWS)("$name", (view) => {
    test("from nothing to a verdict: each step is reachable, and accessible", async () => {
      await using context = await openContext(browser, view);
      const page = await openVerify(context, built.server.url);
      const faults = watchFaults(page);
      await expectAccessible(page);

      await give(page, RECEIPT);
      expect(await headline(page)).toBe("Simulated, not appraised.");
      await expectAccessible(page);

      await give(page, POLICY);
      expect(await headline(page)).toBe("Accepted, but simulated.");
      await expectAccessible(page);

      await give(page, tampered(/"output":"0x../, '"output":"0xff'));
      expect(await headline(page)).toBe("Not genuine: altered.");
      await expectAccessible(page);

      await give(page, example("nitro-document.cbor"));
      await expectAccessible(page);
      const { width } = page.viewportSize() ?? { width: 0 };
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      expect(faults).toEqual([]);
    });
  });

  test("a policy made on the page accepts what it was made of, and needs a program first", async () => {
    await using context = await openContext(browser);
    const page = await openVerify(context, built.server.url);
    await give(page, example("simulated-quote.bin"));
    await page.fill("input[type=datetime-local]", "2026-11-01T00:00:00");
    const judgeButton = page.getByRole("button", { name: "Judge with these" });
    await page.waitForSelector("#accept");
    expect(await judgeButton.isDisabled()).toBe(true);
    expect(await page.locator("#accept-simulator-mrTd").isChecked()).toBe(false);
    expect(await page.locator("#accept-simulator-platformIds").isChecked()).toBe(false);
    for (const rule of ["mrTd", "tcbStatuses"]) await page.check(`#accept-simulator-${rule}`);
    await judgeButton.click();
    await page.getByRole("heading", { name: "Accepted, but simulated." }).waitFor();
    expect(await page.locator("#policy").innerText()).toContain("made here");
  });

  test.for([
    ["answer", "output", tampered(/"output":"0x../, '"output":"0xff')],
    ["answer", "signature", tampered(/"signature":"0x../, '"signature":"0x11')],
    ["answer", "payload", tampered(/"payload":"0x(....)../, '"payload":"0x$1ff')],
    ["transcript", "transcript-root", tampered(/"transcriptRoot":"0x../, '"transcriptRoot":"0xee')],
    ["transcript", "bodies", tampered(/("bodies":\{"0x[0-9a-f]{64}":"0x)../, "$1ff")],
    ["keyset", "keyset", tampered(/"payee":"0x../, '"payee":"0x77')],
    ["transcript", "evidence-hash", tampered(/("bytes":"0x[0-9a-f]{300})../, "$1ff")],
  ] as const)(
    "a receipt altered in its %s, %s: that link is shown, open, and named",
    async ([link, check, given]) => {
      await using context = await openContext(browser);
      const page = await openVerify(context, built.server.url);
      await give(page, POLICY, given);
      expect(await headline(page)).toBe("Not genuine: altered.");
      expect(await page.locator("#policy").innerText()).toContain("simulated-policy.json");
      const failing = page.locator(`#k-${link}.failing`);
      expect(await failing.getAttribute("open")).not.toBeNull();
      expect(await failing.innerText()).toContain(check);
      expect(await page.locator(".chain .broken").count()).toBeGreaterThan(0);
      expect(await page.getByRole("status").innerText()).toContain("It fails at");
    },
  );

  test("no policy, whoever made the link: never accepted; an operator's policy is called theirs", async () => {
    await using context = await openContext(browser);
    const pack = (bytes: Uint8Array): string => gzipSync(bytes).toString("base64url");
    const link = `#gz=${pack(RECEIPT.bytes)}&name=r.json&operator-policy=${pack(POLICY.bytes)}`;
    const page = await openVerify(context, built.server.url, link);
    await page.waitForSelector(".verdict h1");
    expect(await page.locator("#policy").innerText()).toContain("The operator’s policy");
    const plain = await openVerify(
      context,
      built.server.url,
      `#data=${Buffer.from(RECEIPT.bytes).toString("base64url")}`,
    );
    await plain.getByRole("heading", { name: "Simulated, not appraised." }).waitFor();
    const broken = await openVerify(context, built.server.url, "#gz=AAAA");
    await broken.getByRole("alert").waitFor();
  });

  test("asks nobody but its own server, and nobody at all once it has loaded", async () => {
    await using context = await openContext(browser);
    const page = await context.newPage();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(`${built.server.url}/verify.html`, { waitUntil: "networkidle" });
    const loaded = asked.length;
    await give(page, RECEIPT);
    await give(page, POLICY);
    expect(asked.slice(loaded)).toEqual([]);
    expect(asked.every((url) => url.startsWith(built.server.url))).toBe(true);
  });

  test
    .skipIf(!HAS_VECTORS)
    .for(
      vectorTable(1).map((entry) => ({ title: `${entry.kind}, ${entry.expected}: ${entry.file}`, entry })),
    )("says what the command says of $title", async ({ entry }) => {
    const { given, endorsements, time } = vectorCase(entry);
    const cli = await cliVerdict({ bytes: given.bytes, endorsements, time, folder });
    table ??= await openVerify(await openContext(browser), built.server.url);
    const page = table;
    await page.clock.setFixedTime(time);
    await startAgain(page);
    await give(
      page,
      ...(endorsements === undefined ? [] : [{ name: "endorsements.json", bytes: endorsements }]),
      given,
    );
    if ((await page.locator(".verdict h1").count()) === 0) {
      expect([1, 3]).toContain(cli.exitStatus);
      expect(["unknown", "certificate"]).toContain(cli.kind);
      return;
    }
    expect(await headline(page)).toBe(cli.headline);
  });
});
