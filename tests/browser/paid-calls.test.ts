/** A page of another origin pays for a call, in real Chromium, and reads all that it was given (CORS). */

import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyReceipt } from "../../attestation/index.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { contextOf, withPaidFront } from "../oracle/front/payments/support/paid-front.ts";
import { decode, hashOf } from "../oracle/front/payments/support/payer.ts";
import { startLocalServer, type LocalServer } from "../support/local-server.ts";
import { bundlePage, CHROMIUM, FLAGS, hasChromium } from "./chromium.ts";
import type { PaidInPage } from "./paid-page.ts";

describe.skipIf(!hasChromium)("a page in Chromium, of another origin than the front", () => {
  const at = withPaidFront();
  let server: LocalServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const { text } = await bundlePage(new URL("paid-page.ts", import.meta.url).pathname);
    server = await startLocalServer({
      "/": {
        headers: { "content-type": "text/html" },
        body: '<!doctype html><script type="module" src="/bundle.js"></script>',
      },
      "/bundle.js": { headers: { "content-type": "text/javascript" }, body: text },
    });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS] });
    page = await browser.newPage();
    await page.goto(`${server.url}/`);
    await page.waitForFunction("typeof pay === 'function'");
  });

  afterAll(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
  });

  test("pays with x402's client, and reads the answer, the settlement and the receipt of its payment", async () => {
    const paid: PaidInPage = await page.evaluate(`pay("${at.front.url}", "What is 6 * 9?")`);
    expect(paid).toMatchObject({ status: 200, text: expect.stringContaining("6 * 9 = 54") as string });
    expect(decode(paid.settlement)).toMatchObject({ success: true });
    expect(at.facilitator.paid).toHaveLength(1);
    const { receipt } = await verifyReceipt(toUtf8(paid.receipt));
    expect(contextOf(receipt)).toBe(hashOf(paid.payments[0]!));
  });

  test("reads why its payment settles nothing", async () => {
    at.facilitator.next.push("refused");
    const refused: PaidInPage = await page.evaluate(`pay("${at.front.url}", "What is 6 * 5?")`);
    expect(refused).toMatchObject({ status: 402, receipt: "" });
    expect(decode(refused.settlement)).toMatchObject({ success: false });
  });

  test("reads why a sealed call takes no payment", async () => {
    const calls = await at.modelCalls(async () => {
      const refused = await page.evaluate(`paySealed("${at.front.url}")`);
      expect(refused).toMatchObject({
        status: 400,
        text: expect.stringContaining("INPUT_INVALID") as string,
      });
    });
    expect([calls, at.facilitator.calls]).toEqual([0, []]);
  });
});
