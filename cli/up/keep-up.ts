/** A local network that stays until it is told to end. This file orders the steps. */

import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DevnetEnvironment } from "../../devnet/config.ts";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { isAnswering } from "../../devnet/liveness.ts";
import { localWallet } from "../../devnet/local-accounts.ts";
import { writeNetworkFile } from "../../devnet/network-file.ts";
import { STAND_IN_PANEL } from "../../devnet/stand-in-panel.ts";
import { checkPort } from "../../devnet/ports.ts";
import { startNetwork, type LocalNetwork } from "../../devnet/start.ts";
import { ConfigError } from "../../protocol/errors.ts";
import { wallClock } from "../clock.ts";
import { ExitCode } from "../exit-codes.ts";
import { commandLine } from "../invocation.ts";
import { readNetworkFile } from "../network-file.ts";
import { showSteps } from "../network-steps.ts";
import { paint } from "../terminal.ts";
import { openBrowser } from "../page/open-browser.ts";
import { requirePage } from "../page/page-server.ts";
import { findPageFolder } from "../../oracle/http/page-files.ts";
import { startDesk } from "./desk.ts";
import { watchRequests } from "./watch-requests.ts";

export interface UpOptions {
  readonly environment: DevnetEnvironment;
  readonly file: string;
  /** The chain's; the oracle's and the enclave's follow. 0: any free ones. */
  readonly port: number;
  /** Whether to open the page in a browser. */
  readonly open: boolean;
  readonly signal: AbortSignal;
}

/** Accounts of anvil that the network itself has no use for. */
export const FREE_ACCOUNTS = [4, 5, 6] as const;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

export async function keepUp(options: UpOptions): Promise<ExitCode> {
  const { environment, file, port, open, signal } = options;
  if (open) requirePage();
  await checkNoOther(file);
  createFolder(dirname(file));
  const folder = join(dirname(file), "network");
  // Before the minute that the rest takes.
  const pagePort = port === 0 ? 0 : port + 3;
  const consolePort = port === 0 ? 0 : port + 4;
  for (const wanted of [pagePort, consolePort]) if (wanted !== 0) await checkPort(wanted);
  const steps = showSteps((step, detail) => {
    say(`${step.padEnd(10)}  ${detail}`);
  });
  const network = await startNetwork({
    environment,
    folder,
    now: wallClock,
    signal,
    onStep: steps.onStep,
    // A panel can be tried, and a question about a page, without any vendor's key.
    models: STAND_IN_PANEL.slice(1),
    sources: true,
    consolePort,
    ...(port === 0 ? {} : { ports: { chain: port, oracle: port + 1, enclave: port + 2 } }),
  }).finally(steps.end);
  try {
    writeNetworkFile(file, network.file);
    const folderOfPage = findPageFolder();
    await using desk =
      folderOfPage === null
        ? null
        : await startDesk({
            folder: folderOfPage,
            network: network.file,
            provider: network.provider,
            freeAccounts: FREE_ACCOUNTS,
            port: pagePort,
          });
    const page = desk === null ? null : `${desk.url}/local.html`;
    say(describe(network, file, page));
    if (open && page !== null) openBrowser(page);
    void watchRequests({ provider: network.provider, contracts: network.file.contracts, say, signal });
    const fallen = await untilOneFalls(network, signal);
    if (fallen === null) return ExitCode.ok;
    process.stderr.write(`adyton: the ${fallen} ended by itself; its log is in ${folder}\n`);
    return ExitCode.notGenuine;
  } finally {
    await network.stop();
    rmSync(file, { force: true });
  }
}

/**
 * Two networks in one folder would break each other's store, in silence.
 *
 * @throws {ConfigError} CONFIG_INVALID when the one that the file tells of is still up
 * @throws {InputError} INPUT_INVALID when the file is none of ours: it is not overwritten
 */
async function checkNoOther(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const other = readNetworkFile(file);
  if (!(await isAnswering(other))) return;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message:
      `a network is up already: process ${other.pid}, its chain at ${other.rpcUrl}, told of by ${file}. ` +
      "Ask that one, end it with Ctrl-C in its terminal, or start a second one with --network FILE and --port NUMBER",
  });
}

function describe({ file: network, console }: LocalNetwork, file: string, page: string | null): string {
  const { contracts, model, rpcUrl, oracleUrl } = network;
  const row = (name: string, value: string): string => `${name.padEnd(18)}  ${value}`;
  const accounts = FREE_ACCOUNTS.map((index) => localWallet(index)).flatMap(({ address, privateKey }) => [
    row("account", address),
    paint.dim(`  its key   ${privateKey}`),
  ]);
  return [
    "",
    row("rpc", rpcUrl),
    row("oracle", oracleUrl),
    row("page", page ?? `${oracleUrl}/`),
    ...(console === null
      ? []
      : [row("console", console.url), paint.dim(`  its token  in ${console.tokenFile}`)]),
    ...Object.entries(contracts).map(([name, address]) => row(name, address)),
    row("model", model),
    "",
    "Accounts with a million ether each. Everybody knows their keys: for play only.",
    ...accounts,
    "",
    `Written to ${file}. In another terminal, ask with:`,
    `  ${commandLine("ask", "Is water wet?", "--returns", "(bool yes, string why)", "--network", file)}`,
    "Requests are shown here as they arrive. Ctrl-C ends it.",
    "",
  ].join("\n");
}

/** A part that ends by itself leaves a network that cannot answer. `null`: we are told to end. */
async function untilOneFalls({ programs }: LocalNetwork, signal: AbortSignal): Promise<string | null> {
  const fallen = Object.values(programs).map(async ({ name, ended }) => {
    await ended;
    return name;
  });
  const interrupted = new Promise<null>((done) => {
    signal.addEventListener("abort", () => {
      done(null);
    });
  });
  return await Promise.race([interrupted, ...fallen]);
}
