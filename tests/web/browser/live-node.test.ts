/** The list of a node that has a thousand requests: how fast it answers, and how soon it shows what is new, also after a crash. */

import { createServer, type AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { wallClock } from "../../../cli/clock.ts";
import { startDesk } from "../../../cli/up/desk.ts";
import type { PageServer } from "../../../cli/page/page-server.ts";
import { Concierge__factory } from "../../../contracts/bindings/factories/index.ts";
import { startProgram, type RunningProgram } from "../../../devnet/child-process.ts";
import { programPath, readEnvironment } from "../../../devnet/config.ts";
import { localSigner } from "../../../devnet/local-accounts.ts";
import { LocalAccount } from "../../../devnet/local-chain.ts";
import { readListening } from "../../../devnet/model-choice.ts";
import { programArguments } from "../../../devnet/node-program.ts";
import { startNetwork, type LocalNetwork } from "../../../devnet/start.ts";
import { buildPage } from "../support/built-page.ts";
import { HAS_CHROMIUM, launchChromium } from "../support/chromium.ts";

const REQUESTS = 1_000;
/** Transactions that wait for the same block: an account's pool has no room for more. */
const AT_ONCE = 50;
const LIST_MS = 150;
const APPEARANCE_MS = 2_000;
/** From the transaction to its block; the rest is the node's and the page's. */
const BLOCK_MS = 1_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

describe.skipIf(!HAS_CHROMIUM)("a node with a thousand requests", () => {
  let folder: string;
  let network: LocalNetwork;
  let desk: PageServer;
  let browser: Browser;
  let page: Page;
  let restarted: RunningProgram | undefined;

  const ask = async (question: string): Promise<{ wait: () => Promise<unknown> }> => {
    const concierge = Concierge__factory.connect(network.file.contracts.concierge, signer);
    return await concierge.ask(network.file.model, question, "", 10n ** 15n, {
      value: 2n * 10n ** 16n,
      gasLimit: 400_000,
    });
  };
  let signer: ReturnType<typeof localSigner>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adyton-live-"));
    await buildPage(join(folder, "page"));
    network = await startNetwork({
      environment: { ...readEnvironment(), keys: {}, modelUrl: null },
      folder: join(folder, "network"),
      now: wallClock,
      signal: new AbortController().signal,
      onStep: () => undefined,
      ports: { chain: await freePort(), oracle: await freePort(), enclave: await freePort() },
    });
    signer = localSigner(network.provider, LocalAccount.asker);
    desk = await startDesk({
      folder: join(folder, "page"),
      network: network.file,
      provider: network.provider,
      freeAccounts: [],
      port: 0,
    });
    browser = await launchChromium();
    for (let asked = 0; asked < REQUESTS; asked += AT_ONCE) {
      const sent = [];
      for (let index = 0; index < AT_ONCE; index += 1) sent.push(await ask(`Question ${asked + index}`));
      await Promise.all(sent.map((transaction) => transaction.wait()));
    }
    page = await browser.newPage();
    await page.goto(desk.url);
    await page.waitForSelector("td.c-id");
  }, 600_000);
  afterAll(async () => {
    await browser.close();
    await desk[Symbol.asyncDispose]();
    await restarted?.stop();
    await network.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test.for([
    ["all", ""],
    ["settled ones", "&settlement=fulfilled"],
    ["of a model", "&model=stand-in"],
    ["of a model that nobody asked", "&model=nobody"],
    ["of an hour", "&since=1"],
    ["whose callback failed", "&callback=failed"],
    ["of a status", "&status=1"],
  ] as const)("lists %s within 150 ms", async ([, filter]) => {
    const took: number[] = [];
    for (let round = 0; round < 11; round += 1) {
      const before = performance.now();
      const reply = await fetch(`${network.file.oracleUrl}/v1/requests?limit=50${filter}`);
      await reply.json();
      took.push(performance.now() - before);
    }
    const median = took.toSorted((a, b) => a - b)[5] ?? 0;
    process.stdout.write(`list${filter}: median ${median.toFixed(1)} ms\n`);
    expect(median).toBeLessThanOrEqual(LIST_MS);
  });

  const appears = async (question: string): Promise<number> => {
    const before = performance.now();
    await ask(question);
    await page.locator("td.c-ask", { hasText: question }).waitFor({ timeout: 30_000 });
    return performance.now() - before;
  };

  test("shows a new request within 2 s of its block, by itself", async () => {
    const took = await appears("Is this one new?");
    process.stdout.write(`new request: ${took.toFixed(0)} ms from its transaction\n`);
    expect(took).toBeLessThanOrEqual(APPEARANCE_MS + BLOCK_MS);
  });

  test("and after kill -9 and a restart of the oracle, without a reload", async () => {
    process.kill(network.programs.oracle.pid, "SIGKILL");
    await network.programs.oracle.ended;
    await page.getByText("Lost, trying again").waitFor();
    restarted = await startProgram({
      name: "oracle",
      command: process.execPath,
      args: [...programArguments("oracle/main"), "--config", join(folder, "network", "oracle.json")],
      environment: { PATH: programPath() },
      readReady: readListening,
    });
    await page.getByText("Live", { exact: true }).waitFor({ timeout: 60_000 });
    const took = await appears("And after the crash?");
    process.stdout.write(`new request after a restart: ${took.toFixed(0)} ms from its transaction\n`);
    expect(took).toBeLessThanOrEqual(APPEARANCE_MS + BLOCK_MS);
  });
});
