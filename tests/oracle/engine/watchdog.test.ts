import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const WATCHDOG = new URL("../../../oracle/engine/watchdog.ts", import.meta.url);
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "adyton-watchdog-"));
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** A process that is watched with this limit, and then does this. */
async function run(
  then: string,
  limitMs = 2_000,
): Promise<{ code: number | null; signal: string | null; said: string }> {
  const file = join(directory, "program.mjs");
  writeFileSync(
    file,
    `import { startWatchdog } from "${WATCHDOG.href}"; const watchdog = startWatchdog(${limitMs}); ${then}`,
  );
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "ignore", "pipe"], timeout: 60_000 });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => (said += part));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { code, signal, said };
}

test("ends a process whose thread is never given back, and says so", async () => {
  const { signal, said } = await run("setTimeout(() => { for (;;); }, 100);");
  expect(signal).toBe("SIGKILL");
  expect(said).toContain('"event":"oracle.thread-blocked"');
});

test("leaves one alone that works, and one that ends", async () => {
  expect(await run("setTimeout(() => watchdog.stop(), 3_000);")).toMatchObject({ code: 0, said: "" });
});

/** The first thread gives nobody a turn, and uses no processor: it waits for a disk, or the machine has no time for it. */
const STAND_STILL = "const stand = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);";

test("gives a thread that stands still without using the processor more time, and not for ever", async () => {
  const stop = "setTimeout(() => watchdog.stop(), 0)";
  expect(await run(`${STAND_STILL} setTimeout(() => { stand(2_000); ${stop}; }, 100);`, 1_000)).toMatchObject(
    {
      ...{ code: 0, said: "" },
    },
  );
  const { signal, said } = await run(`${STAND_STILL} setTimeout(() => { stand(60_000); }, 100);`, 500);
  expect(signal).toBe("SIGKILL");
  expect(said).toContain('"event":"oracle.thread-blocked"');
});
