/**
 * `npm run -s images:web`: pictures of each view for docs/images, of a network that it starts, asks and ends; look at them before you commit them.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { chromium, type Page } from "playwright-core";
import { build } from "vite";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { askConcierge } from "../../cli/ask/ask-concierge.ts";
import { toPrompt } from "../../cli/ask/question.ts";
import { requirePage } from "../../cli/page/page-server.ts";
import { startDesk } from "../../cli/up/desk.ts";
import { readEnvironment } from "../../devnet/config.ts";
import { startNetwork } from "../../devnet/start.ts";

const IMAGES = join(import.meta.dirname, "../../docs/images");
const EXAMPLES = join(import.meta.dirname, "../../examples/evidence");

const QUESTIONS = [
  ["What is 2 + 3?", null],
  ["Is water wet?", "(bool yes, string why)"],
  ["What is 6 + 7?", null],
] as const;
const ROUNDS = 12;

const folder = mkdtempSync(join(tmpdir(), "adyton-images-"));
createFolder(IMAGES);
// Where the oracle looks for it, too.
await build({ configFile: join(import.meta.dirname, "vite.config.ts"), logLevel: "error" });
const network = await startNetwork({
  environment: { ...readEnvironment(), keys: {}, modelUrl: null },
  folder: join(folder, "network"),
  now: () => Math.floor(Date.now() / 1_000),
  signal: new AbortController().signal,
  onStep: () => undefined,
  consolePort: 0,
});
const desk = await startDesk({
  folder: requirePage(),
  network: network.file,
  provider: network.provider,
  freeAccounts: [4, 5, 6],
  port: 0,
});
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
try {
  const first = await ask("Is this text abusive: you idiot", "(bool yes, uint8 severity 0..10, string why)");
  // Some minutes of work: a plot of one point shows nothing.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [question, returns] of QUESTIONS) await ask(question, returns);
    await wait(round % 3 === 0 ? 4_000 : 1_000);
  }
  await take("verify-empty", "light", 1440, async (page) => {
    await page.goto(`${desk.url}/verify.html`);
    await page.waitForSelector(".drop");
  });
  await take("verify-accepted", "light", 1440, async (page) => {
    await verify(page, "simulated-receipt.json", "simulated-policy.json");
  });
  await take("verify-accepted-phone", "dark", 390, async (page) => {
    await verify(page, "simulated-receipt.json", "simulated-policy.json");
  });
  await take("verify-altered", "dark", 1440, async (page) => {
    await verify(page, "simulated-quote-altered.bin");
  });
  await take("requests", "light", 1440, async (page) => {
    await page.goto(`${desk.url}/`);
    await page.waitForSelector("td.c-id");
  });
  await take("request", "light", 1440, async (page) => {
    await page.goto(`${desk.url}/#request=${first}`);
    await page.getByRole("button", { name: "Open in Verify" }).waitFor();
  });
  await take("contracts", "light", 1440, async (page) => {
    await page.goto(`${desk.url}/#contracts`);
    await page.waitForSelector(".says li");
  });
  await take("console", "dark", 1440, showConsole, true);
  await take("console-phone", "light", 390, showConsole);
  await take("ask", "light", 1440, async (page) => {
    await page.goto(`${desk.url}/local.html`);
    await page.waitForSelector("td.c-id");
    await page.getByLabel("Question").fill("Is water wet?");
  });
} finally {
  await browser.close();
  await desk[Symbol.asyncDispose]();
  await network.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function ask(question: string, outputType: string | null): Promise<string> {
  const { requestId } = await askConcierge(network.file, network.provider, {
    prompt: toPrompt({ question, models: [network.file.model], outputType }),
    timeoutMs: 60_000,
    onStep: () => undefined,
  });
  return requestId;
}

async function verify(page: Page, ...names: readonly string[]): Promise<void> {
  await page.goto(`${desk.url}/verify.html`);
  await page.waitForSelector(".drop");
  await page.setInputFiles(
    "input[type=file]",
    names.map((name) => ({
      name,
      mimeType: "application/octet-stream",
      buffer: readFileSync(join(EXAMPLES, name)),
    })),
  );
  await page.locator(".verdict h1").waitFor();
}

async function showConsole(page: Page): Promise<void> {
  const { console } = network;
  if (console === null) throw new Error("the network has no console");
  await page.goto(console.url);
  await page.getByLabel("Token").fill(readFileSync(console.tokenFile, "utf8"));
  await page.getByRole("button", { name: "Show" }).click();
  await page.locator(".plot canvas").first().waitFor();
}

/** @param isWhole also what a reader scrolls to */
async function take(
  name: string,
  colorScheme: "light" | "dark",
  width: number,
  show: (page: Page) => Promise<void>,
  isWhole = false,
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height: width > 800 ? 900 : 844 },
    deviceScaleFactor: width > 800 ? 1 : 2,
    colorScheme,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  await show(page);
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(IMAGES, `${name}.png`), fullPage: isWhole });
  await context.close();
}
