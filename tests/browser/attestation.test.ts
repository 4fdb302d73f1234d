/**
 * The bundle of `adyton/attestation` in headless Chromium: the same code, no polyfill, real evidence. Wants Debian's
 * `chromium`; the continuous integration installs it, and without it these tests say that they were skipped.
 */

import { build } from "esbuild";
import { basename } from "node:path";
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
import { CHROMIUM, FLAGS, hasChromium } from "./chromium.ts";
import type { BrowserTask, BrowserVerdict } from "./page.ts";

/** Bytes, compressed: what a page pays for verifying evidence of every kind. */
const MAX_EVIDENCE_GZIP = 130_000;

if (!HAS_VECTORS) process.stderr.write("SKIPPED: real evidence in the browser, as its folder is absent\n");

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

function entryOf(id: string): VectorEntry {
  const entry = MANIFEST.vectors.find((candidate) => candidate.id === id);
  if (entry === undefined) throw new Error(`the manifest has no ${id}`);
  return entry;
}

test("what a page loads to verify evidence of every kind is small; receipts load with the first", async () => {
  const { files, loadedFirst, parts } = await bundle();
  const gzipOf = (names: readonly string[]): number =>
    names.reduce((sum, name) => sum + gzipSync(files.get(name)!, { level: 9 }).length, 0);
  const first = gzipOf(loadedFirst);
  const evidence = gzipOf([...loadedFirst, ...parts("intermediates"), ...parts("trust")]);
  const all = gzipOf([...files.keys()]);
  process.stderr.write(
    `adyton/attestation for a browser, gzip: ${first} bytes to begin with, ${evidence} for evidence of every kind, ${all} with receipts\n`,
  );
  expect(evidence).toBeLessThanOrEqual(MAX_EVIDENCE_GZIP);
  expect(parts("judge-receipt")).toHaveLength(1);
  const entry = loadedFirst.map((name) => new TextDecoder().decode(files.get(name))).join("");
  const early = ["Point.BASE", "MIIGiTCCBDigAwIBAgIDAQABMEYG", "ADYTON-SIMULATED-ADVISORY"].filter((code) =>
    entry.includes(code),
  );
  expect(early, "curves, AMD's certificates and the simulator's collateral").toEqual([]);
});

interface Bundle {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The entry, and what it imports before anything runs. */
  readonly loadedFirst: readonly string[];
  /** Files that load when something asks for the module of this name. */
  readonly parts: (name: string) => readonly string[];
}

async function bundle(): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [new URL("page.ts", import.meta.url).pathname],
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "browser",
    outdir: "/",
    write: false,
    metafile: true,
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output] as const);
  const loadedFirst = new Set(["page.js"]);
  // Grows while it is walked.
  for (const name of loadedFirst) {
    const imports = outputs.find(([output]) => output === name)![1].imports;
    for (const { path, kind } of imports) if (kind === "import-statement") loadedFirst.add(basename(path));
  }
  return {
    files,
    loadedFirst: [...loadedFirst],
    parts: (name) => [...files.keys()].filter((file) => file.startsWith(`${name}-`)),
  };
}

describe.skipIf(!hasChromium)("in Chromium", () => {
  let browser: Browser;
  let server: LocalServer;
  let page: Page;

  beforeAll(async () => {
    const { files } = await bundle();
    // On loopback: WebCrypto is there in secure contexts only, and this is one.
    server = await startLocalServer({
      "/": {
        headers: { "content-type": "text/html" },
        body: '<!doctype html><script type="module" src="/page.js"></script>',
      },
      ...Object.fromEntries(
        [...files].map(([name, body]) => [
          `/${name}`,
          { headers: { "content-type": "text/javascript" }, body: new TextDecoder().decode(body) },
        ]),
      ),
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
