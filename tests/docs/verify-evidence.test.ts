/** Runs the commands of docs/how-to/verify-evidence.md that need no network, in their order, and compares exit statuses. */

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SIMULATOR_COLLATERAL } from "../../attestation/simulator/collateral.ts";
import { concatBytes, fromHex } from "../../protocol/bytes.ts";
import { SIMULATED_TIME, simulatedQuote } from "../support/simulated-evidence.ts";

const PAGE = new URL("../../docs/how-to/verify-evidence.md", import.meta.url);
const CLI = new URL("../../cli/main.ts", import.meta.url).pathname;
const NONCE = fromHex("0x5566778899aabbccddeeff00112233445566778899aabbccddeeff0011223344");

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adyton-docs-"));
  await writeFile(join(folder, "quote.bin"), await simulatedQuote(concatBytes(NONCE, new Uint8Array(32))));
  const measurements = { mrTd: `0x${"01".repeat(48)}` } as const;
  await writeFile(
    join(folder, "other-quote.bin"),
    await simulatedQuote(new Uint8Array(64), { measurements }),
  );
  await mkdir(join(folder, "endorsements"));
  for (const path of ["collateral.json", "endorsements/intel.json"])
    await writeFile(join(folder, path), JSON.stringify(SIMULATOR_COLLATERAL));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** `adyton verify … # exit N`: the lines whose exit status the page promises. */
const commands = [...(await readFile(PAGE, "utf8")).matchAll(/^adyton (verify .*?) +# exit (\d+)$/gm)].map(
  ([, command = "", status = ""]) => [command, Number(status)] as const,
);

test("the page promises something", () => {
  expect(commands.length).toBeGreaterThanOrEqual(9);
});

test.for(commands)("adyton %s exits with %i", async ([command, status]) => {
  const options = [CLI, ...command.split(/\s+/), "--time", SIMULATED_TIME];
  const actual = await new Promise((resolve) => {
    execFile(process.execPath, options, { cwd: folder }, (error) => {
      resolve(error === null ? 0 : error.code);
    });
  });
  expect(actual).toBe(status);
});
