/** `npm run adyton -- up` as a supervisor sees it, who knows only the npm that it started. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, onTestFailed, test } from "vitest";
import { programPath } from "../../devnet/config.ts";
import { isListening, portsIn } from "../support/loopback-ports.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-up-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("SIGTERM to npm ends the network, and npm waits until it is gone", { timeout: 300_000 }, async () => {
  const up = ["run", "-s", "adyton", "--", "up", "--network", join(folder, "network.json")];
  const npm = spawn("npm", up, {
    cwd: resolve(import.meta.dirname, "../.."),
    env: { PATH: programPath() },
    stdio: ["ignore", "pipe", "ignore"],
    // A group of its own, so that a failure leaves nothing behind.
    detached: true,
  });
  onTestFailed(() => {
    if (npm.pid !== undefined) process.kill(-npm.pid, "SIGKILL");
  });
  let stdout = "";
  npm.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    if (stdout.includes("Ctrl-C ends it.")) npm.kill("SIGTERM");
  });
  const code = await new Promise<number | null>((done) => npm.once("exit", done));
  const ports = portsIn(stdout);
  expect(ports.length).toBeGreaterThan(2);
  for (const port of ports) expect(await isListening(port), `port ${port}`).toBe(false);
  expect(code).toBe(0);
});
