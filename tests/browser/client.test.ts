/** `adyton/client` in real Chromium, through a front with a certificate that the browser takes. */

import { createHash, X509Certificate } from "node:crypto";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeSimulator } from "../../devnet/simulator.ts";
import { startFrontedEnclave, type FrontedEnclave } from "../client/support/fronted-enclave.ts";
import { CREDENTIAL } from "../enclave/support/configuration.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";
import { startLocalServer, type LocalServer } from "../support/local-server.ts";
import { bundlePage, CHROMIUM, FLAGS, hasChromium } from "./chromium.ts";
import type { PageCall, PageResult } from "./client-page.ts";

const PROMPT = "What is 6 * 7?";

describe.skipIf(!hasChromium)("in Chromium, through a front", () => {
  let fronted: FrontedEnclave;
  let server: LocalServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    fronted = await startFrontedEnclave();
    const { text } = await bundlePage(new URL("client-page.ts", import.meta.url).pathname);
    server = await startLocalServer({
      "/": {
        headers: { "content-type": "text/html" },
        body: '<!doctype html><script type="module" src="/bundle.js"></script>',
      },
      "/bundle.js": { headers: { "content-type": "text/javascript" }, body: text },
    });
    // As if its authority were in a root store: errors of this certificate, and of no other, are passed over.
    const spki = new X509Certificate(fronted.certificate).publicKey.export({ type: "spki", format: "der" });
    const trusted = createHash("sha256").update(spki).digest("base64");
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [...FLAGS, `--ignore-certificate-errors-spki-list=${trusted}`],
    });
    page = await browser.newPage();
    await page.goto(`${server.url}/`);
    await page.waitForFunction("typeof ask === 'function'");
  });

  afterAll(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
    await fronted.stop();
  });

  const ask = async (change: Partial<PageCall> = {}): Promise<PageResult> => {
    const { policy } = await describeSimulator("test", Math.floor(wallClockMs() / 1_000));
    const call: PageCall = {
      url: fronted.url,
      policy,
      credential: CREDENTIAL,
      body: { model: "stand-in/stand-in-1", messages: [{ role: "user", content: PROMPT }] },
      ...change,
    };
    return await page.evaluate(`ask(${JSON.stringify(call)})`);
  };

  test("asks, has the receipt, and shows the front neither prompt nor credential", async () => {
    const result = await ask();
    expect(result).toMatchObject({
      transport: "sealed",
      keysetId: fronted.enclave.keysetId,
      receiptKeysetId: fronted.enclave.keysetId,
    });
    expect(result.text).toContain("6 * 7 = 42");
    const seen = fronted.seenByFront();
    expect(seen).toContain("POST /v1/sealed");
    for (const secret of [PROMPT, CREDENTIAL, "6 * 7 = 42", "chat/completions", "/v1/receipts"])
      expect(seen).not.toContain(secret);
  });

  test("has the provider asked once for a sealed body that is sent again", async () => {
    const asked = fronted.modelCalls();
    const before = fronted.sealedCalls().length;
    await ask();
    const sealed = fronted.sealedCalls()[before]!;
    for (let again = 0; again < 3; again += 1) {
      const headers = { "content-type": "application/vnd.adyton.sealed" };
      const request = new Request(`${fronted.url}/v1/sealed`, {
        method: "POST",
        headers,
        body: new Uint8Array(sealed),
      });
      expect((await fronted.fetch(request)).status).toBe(200);
    }
    expect(fronted.modelCalls() - asked).toBe(1);
  });

  test("sends nothing where the policy refuses", async () => {
    const { policy } = await describeSimulator("elsewhere", Math.floor(wallClockMs() / 1_000));
    const before = fronted.sealedCalls().length;
    await expect(ask({ policy })).rejects.toThrow();
    expect(fronted.sealedCalls()).toHaveLength(before);
  });
});
