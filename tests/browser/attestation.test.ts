/**
 * The bundle of `adyton/attestation` in headless Chromium: the same code, no polyfill, real evidence. Wants Debian's
 * `chromium`; the continuous integration installs it, and without it these tests say that they were skipped.
 */

import { build } from "esbuild";
import { existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLocalServer, type LocalServer } from "../support/local-server.ts";
import { SIMULATED_NOW, simulatedQuote } from "../support/simulated-evidence.ts";
import {
  HAS_VECTORS,
  MANIFEST,
  readVector,
  readVectorText,
  type VectorEntry,
} from "../support/vectors/manifest.ts";
import type { BrowserTask, BrowserVerdict } from "./page.ts";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** Bytes, compressed: what a page pays for verifying everything. */
const MAX_BUNDLE_GZIP = 150_000;

const hasChromium = existsSync(CHROMIUM);
if (!hasChromium)
  process.stderr.write(`SKIPPED: the browser tests want ${CHROMIUM} (apt-get install chromium)\n`);
if (!HAS_VECTORS) process.stderr.write("SKIPPED: real evidence in the browser, as its folder is absent\n");

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

function entryOf(id: string): VectorEntry {
  const entry = MANIFEST.vectors.find((candidate) => candidate.id === id);
  if (entry === undefined) throw new Error(`the manifest has no ${id}`);
  return entry;
}

test("the bundle is small enough for a page", async () => {
  const { code, gzip } = await bundle();
  process.stderr.write(`adyton/attestation for a browser: ${code.length} bytes, ${gzip} gzip\n`);
  expect(gzip).toBeLessThanOrEqual(MAX_BUNDLE_GZIP);
});

async function bundle(): Promise<{ readonly code: string; readonly gzip: number }> {
  const { outputFiles } = await build({
    entryPoints: [new URL("page.ts", import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  const [file] = outputFiles;
  return { code: file!.text, gzip: gzipSync(file!.contents, { level: 9 }).length };
}

describe.skipIf(!hasChromium)("in Chromium", () => {
  let browser: Browser;
  let server: LocalServer;
  let page: Page;

  beforeAll(async () => {
    const { code } = await bundle();
    // On loopback: WebCrypto is there in secure contexts only, and this is one.
    server = await startLocalServer({
      "/": {
        headers: { "content-type": "text/html" },
        body: '<!doctype html><script type="module" src="/bundle.js"></script>',
      },
      "/bundle.js": { headers: { "content-type": "text/javascript" }, body: code },
    });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    page = await browser.newPage();
    await page.goto(`${server.url}/`);
    await page.waitForFunction("typeof judge === 'function'");
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
  });

  const judge = async (task: BrowserTask): Promise<BrowserVerdict> =>
    await page.evaluate(`judge(${JSON.stringify(task)})`);

  test("verifies the simulator's evidence, and refuses it with one bit changed", async () => {
    const quote = await simulatedQuote();
    const task = { evidence: base64(quote), collateral: null, now: SIMULATED_NOW };
    expect(await judge(task)).toMatchObject({ kind: "simulator", tcbStatus: "UpToDate", error: null });
    quote[200]! ^= 1;
    expect(await judge({ ...task, evidence: base64(quote) })).toMatchObject({
      error: "EVIDENCE_SIGNATURE_INVALID",
    });
  });

  test.skipIf(!HAS_VECTORS)("verifies a TDX quote with Intel's collateral", async () => {
    const entry = entryOf("go-tdx-guest__cos-113-tdx-quote");
    const [check] = entry.checks!;
    const verdict = await judge({
      evidence: base64(readVector(entry)),
      collateral: JSON.parse(readVectorText(check!.collateral)),
      now: Math.floor(Date.parse(check!.time) / 1000),
    });
    expect(verdict).toMatchObject({ kind: "tdx", tcbStatus: check!.tcbStatus, error: null });
  });

  test.skipIf(!HAS_VECTORS)("verifies an SEV-SNP report with the certificates that it brings", async () => {
    const entry = MANIFEST.vectors.find(
      ({ file }) => file === "snp/bundles/veraison_sevsnp-tsm-report.cbor",
    )!;
    const now = Date.parse("2026-06-01T00:00:00Z") / 1000;
    const verdict = await judge({ evidence: base64(readVector(entry)), collateral: null, now });
    expect(verdict).toMatchObject({ kind: "snp", error: null });
  });

  test.skipIf(!HAS_VECTORS)("verifies a Nitro document", async () => {
    const entry = entryOf("nautilus__weather");
    const now = Math.floor(Date.parse(entry.time!) / 1000);
    const verdict = await judge({ evidence: base64(readVector(entry)), collateral: null, now });
    expect(verdict).toMatchObject({ kind: "nitro", error: null });
  });
});
