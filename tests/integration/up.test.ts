/** `npm run adyton -- up` as a person and a supervisor see it, who know only the npm that they started. */

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { programPath } from "../../devnet/config.ts";
import { until } from "../oracle/support/test-chain.ts";
import { runAdyton } from "../support/adyton-command.ts";
import { isListening, portsIn } from "../support/loopback-ports.ts";

let folder: string;
let file: string;
let npm: ChildProcess;
let ended: Promise<number | null>;
let stdout = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-up-"));
  file = join(folder, "network.json");
  npm = spawn("npm", ["run", "-s", "adyton", "--", "up", "--port", "0", "--network", file], {
    cwd: resolve(import.meta.dirname, "../.."),
    env: { PATH: programPath() },
    stdio: ["ignore", "pipe", "ignore"],
    // A group of its own, so that a failure leaves nothing behind.
    detached: true,
  });
  npm.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  ended = new Promise((done) => npm.once("exit", done));
  await until("the network", () => Promise.resolve(stdout.includes("Ctrl-C ends it.") || undefined), 240_000);
}, 300_000);

afterAll(() => {
  if (npm.exitCode === null && npm.pid !== undefined) process.kill(-npm.pid, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("shows accounts that can pay, with their keys", () => {
  expect(stdout.match(/^account +0x[0-9a-fA-F]{40}$/gm)).toHaveLength(3);
  expect(stdout.match(/^ +its key +0x[0-9a-f]{64}$/gm)).toHaveLength(3);
});

test("a second one in its folder refuses, and names the first", async () => {
  const before = readFileSync(file, "utf8");
  const { pid, rpcUrl } = JSON.parse(before) as { readonly pid: number; readonly rpcUrl: string };
  const second = await runAdyton(["up", "--port", "0", "--network", file]);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`a network is up already: process ${pid}, its chain at ${rpcUrl}`);
  expect(readFileSync(file, "utf8")).toBe(before);
});

test("shows a request as it arrives, and its answer", async () => {
  const asked = await runAdyton(["ask", "What is 2 + 3?", "--network", file, "--json"]);
  expect(asked.code).toBe(0);
  const { requestId } = JSON.parse(asked.stdout) as { readonly requestId: string };
  await until("the answer's line", () => Promise.resolve(stdout.includes("answered: ok") || undefined));
  expect(stdout).toContain('concierge asks stand-in/stand-in-1: "What is 2 + 3?"');
  expect(stdout).toContain(requestId);
});

test("SIGTERM to npm ends the network, and npm waits until it is gone", async () => {
  npm.kill("SIGTERM");
  expect(await ended).toBe(0);
  const ports = portsIn(stdout);
  expect(ports.length).toBeGreaterThan(2);
  for (const port of ports) expect(await isListening(port), `port ${port}`).toBe(false);
  expect(existsSync(file)).toBe(false);
});
