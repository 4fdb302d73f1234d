/** Types what docs/how-to/reference-values.md shows: from a clone to a policy that accepts the booted image, and refuses one with a byte changed. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { programPath } from "../../../devnet/config.ts";
import { behaviourWithoutModel, imageOperator, ROOT } from "../support/built-image.ts";
import { directBoot, fwCfg, HAS_QEMU, startMachine, WITHOUT_QEMU, type Machine } from "../support/machine.ts";

if (!HAS_QEMU) process.stderr.write(`${WITHOUT_QEMU}\n`);

const page = readFileSync(join(ROOT, "docs/how-to/reference-values.md"), "utf8");
const lines = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) =>
  block.trim().split("\n"),
);

const folder = mkdtempSync(join(tmpdir(), "adyton-reference-values-"));
const machines: Machine[] = [];
afterAll(async () => {
  for (const machine of machines) await machine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** What the reader has: the variables, and `adyton` as a command. */
const environment = {
  PATH: `${join(folder, "bin")}:${programPath()}`,
  MRTD: "11".repeat(48),
  ZERO: "00".repeat(48),
};

function type(line: string): { readonly status: number | null; readonly stderr: string } {
  const { status, stderr } = spawnSync("sh", ["-c", line], {
    cwd: folder,
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  return { status, stderr };
}

interface Measured {
  readonly registers: Readonly<Record<string, readonly `0x${string}`[]>>;
}

/** The operator's file that the page describes: the registers stand in for what a TEE would have measured. */
function writeOperator(name: string, measured: string): void {
  const { registers } = JSON.parse(readFileSync(join(folder, measured), "utf8")) as Measured;
  const register = (of: string): `0x${string}` => registers[of]?.[0] ?? "0x";
  const measurements = {
    mrTd: register("MRTD"),
    rtMr0: register("RTMR0"),
    rtMr1: register("RTMR1"),
    rtMr2: register("RTMR2"),
    rtMr3: register("RTMR3"),
  };
  const operator = imageOperator({ kind: "simulator", platform: "reference-values", measurements });
  writeFileSync(join(folder, name), JSON.stringify(operator));
}

/** `sh enclave/deploy/local/start.sh IMAGE OPERATOR &`, on a port that is free. */
async function boot(image: string, operator: string): Promise<void> {
  const devices = fwCfg(join(folder, operator));
  const machine = await startMachine({ boot: directBoot(join(folder, image)), devices });
  machines.push(machine);
  await machine.line('"event":"listening"');
}

test.skipIf(!HAS_QEMU)("the page's commands do what it says", { timeout: 900_000 }, async () => {
  mkdirSync(join(folder, "bin"));
  writeFileSync(
    join(folder, "bin/adyton"),
    `#!/bin/sh\nexec ${process.execPath} ${ROOT}/cli/main.ts "$@"\n`,
    { mode: 0o755 },
  );
  symlinkSync(join(ROOT, "enclave"), join(folder, "enclave"));
  const behaviour = await behaviourWithoutModel();
  writeFileSync(join(folder, "behaviour.json"), JSON.stringify(behaviour));
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) {
    const [, command = "", expected = "0"] = /^(.*?)(?:\s+# exit (\d+))?$/.exec(line) ?? [];
    const [, image = "", operator = ""] =
      /^sh enclave\/deploy\/local\/start\.sh (\S+) (\S+) &$/.exec(command) ?? [];
    // The clone is this one, and its packages are there.
    if (command === "npm ci") continue;
    if (image !== "") {
      await boot(image, operator);
      continue;
    }
    const typed = command
      .replace(/^npm run (build:image) -- (.*)$/, `npm --prefix ${ROOT} run -s $1 -- --newer-packages $2`)
      .replace(
        "--behaviour behaviour.json --out image",
        `--behaviour ${folder}/behaviour.json --out ${folder}/image`,
      )
      .replace("--from-source .", `--from-source ${ROOT}`)
      .replace("127.0.0.1:8443", `127.0.0.1:${machines.at(-1)?.port ?? 0}`);
    const { status, stderr } = type(typed);
    if (typed.includes("--from-source") && stderr.includes("--newer-packages")) {
      process.stderr.write("NOT COMPARED with the sources: Debian's archive has dropped a locked package\n");
      continue;
    }
    expect(status, `${typed}\n${stderr}`).toBe(Number(expected));
    if (command.includes("> measured.json")) writeOperator("operator.json", "measured.json");
    if (command.includes("> changed.json")) writeOperator("changed-operator.json", "changed.json");
  }
});
