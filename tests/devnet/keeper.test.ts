/** However a process of ours ends, the programs that it started end too: newcomer.md, 7. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { programPath } from "../../devnet/config.ts";
import { writeTestConfig } from "../oracle/support/oracle-process.ts";
import { standInBehaviourDigest, startStandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { startTestChain, until } from "../oracle/support/test-chain.ts";
import { COMPILE_CACHE } from "../support/compile-cache.ts";

const MAIN = join(import.meta.dirname, "../../cli/main.ts");

/** Undefined while there is such a process. A zombie is none. */
async function untilGone(pid: number): Promise<void> {
  await until(`the end of process ${pid}`, () => {
    try {
      process.kill(pid, 0);
      const isZombie = process.platform === "linux" && / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
      return Promise.resolve(isZombie ? true : undefined);
    } catch {
      return Promise.resolve(true);
    }
  });
}

function start(args: readonly string[], folder = tmpdir()): ReturnType<typeof spawn> {
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
    env: { PATH: programPath(), TMPDIR: folder, ...COMPILE_CACHE },
    stdio: ["ignore", "pipe", "ignore"],
  });
}

const hasPostgres = globSync("/usr/lib/postgresql/*/bin/postgres").length > 0;

test.for([
  ["SIGKILL", "anvil"],
  ["SIGTERM", "anvil"],
  ["SIGKILL", "chaos-enclave"],
  ["SIGTERM", "chaos-enclave"],
  ...(hasPostgres
    ? ([
        ["SIGKILL", "chaos-postgres"],
        ["SIGTERM", "chaos-postgres"],
      ] as const)
    : []),
] as const)("after %s, a program that we started is gone: %s", async ([signal, program]) => {
  // What a killed process leaves behind; PostgreSQL's account needs to get in.
  const folder = mkdtempSync(join(tmpdir(), "adyton-orphan-"));
  chmodSync(folder, 0o777);
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const parent = start([join(import.meta.dirname, "orphan.ts"), program], folder);
  const [line] = (await once(createInterface(parent.stdout!), "line")) as [string];
  const pid = Number(line);
  expect(() => process.kill(pid, 0)).not.toThrow();
  parent.kill(signal);
  await untilGone(pid);
});

test("after SIGKILL to `adyton oracle run`, its node is gone", async () => {
  const directory = mkdtempSync(join(tmpdir(), "adyton-orphan-"));
  const chain = await startTestChain({ behaviourDigest: standInBehaviourDigest() });
  const enclave = await startStandInEnclave();
  onTestFinished(async () => {
    await Promise.all([enclave.stop(), chain.stop()]);
    rmSync(directory, { recursive: true, force: true });
  });
  const config = await writeTestConfig({ directory, chains: [chain], enclaves: [enclave] });
  const parent = start([MAIN, "oracle", "run", "--config", config]);
  const [line] = (await once(createInterface(parent.stdout!), "line")) as [string];
  const { url } = JSON.parse(line) as { readonly url: string };
  parent.kill("SIGKILL");
  await until("the end of the node", () =>
    fetch(new URL("/healthz", url)).then(
      () => undefined,
      () => true,
    ),
  );
});
