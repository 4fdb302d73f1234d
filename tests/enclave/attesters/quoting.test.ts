/** A report that the host's quoting service keeps back: a named pipe stands for the kernel's file, whose read waits for a writer. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  createConfigfsTsmAttester,
  kernelFiles,
  type TsmFiles,
} from "../../../enclave/attesters/configfs-tsm.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";

/** Writes the report when it is told to; by itself after ten seconds, should nobody be able to tell it any more. */
const WRITER = `
const write = () => { require("node:fs").writeFileSync(process.argv[1], "report"); process.exit(); };
process.stdin.once("data", write);
setTimeout(write, 10_000);
process.stdout.write("ready");`;

test("a report that is slow to come holds up nobody else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "adyton-quoting-"));
  const pipe = join(folder, "outblob");
  expect(spawnSync("mkfifo", [pipe]).status).toBe(0);
  const service = spawn(process.execPath, ["-e", WRITER, pipe], { stdio: ["pipe", "pipe", "inherit"] });
  await once(service.stdout, "data");
  let generation = 0;
  const files: TsmFiles = {
    makeEntry: () => Promise.resolve(),
    removeEntry: () => Promise.resolve(),
    write: () => {
      generation += 1;
      return Promise.resolve();
    },
    read: async (path) => {
      if (path.endsWith("/outblob")) return await kernelFiles.read(pipe);
      return toUtf8(path.endsWith("/generation") ? String(generation) : "tdx_guest");
    },
  };
  let isMade = false;
  const made = createConfigfsTsmAttester(files)
    .attest(new Uint8Array(64))
    .finally(() => (isMade = true));
  for (let turns = 0; turns < 1_000; turns += 1) await turn();
  expect(isMade).toBe(false);
  service.stdin.write("now");
  expect(await made).toMatchObject({ kind: "tdx", bytes: toUtf8("report") });
  rmSync(folder, { recursive: true });
});
