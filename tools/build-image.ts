/**
 * `npm run build:image [-- --behaviour FILE] [--packages FOLDER] [--newer-packages] [--nitro-kernel FILE [--nitro-driver FILE]]
 * [--bundle FILE] [--out FOLDER]`: the enclave's image as kernel and initrd, as one EFI program and as a Nitro enclave image, with a
 * manifest of every file inside. The same sources and packages give the same bytes (docs/how-to/reference-values.md).
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import { createFolder } from "../endorsements/files/create-folder.ts";
import { Behaviour } from "../enclave/configuration/behaviour.ts";
import { bundleEnclave } from "./enclave-bundle/bundle.ts";
import { buildImage, type NitroKernel } from "./image/build.ts";
import { nitroEgress } from "./image/nitro-egress.ts";
import { readPackageLock } from "./image/package-lock.ts";
import { findPackages } from "./image/packages.ts";
import { BuildError } from "./image/run.ts";

const root = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    behaviour: { type: "string", default: join(root, "enclave/deploy/local/behaviour.json") },
    packages: { type: "string" },
    "newer-packages": { type: "boolean", default: false },
    "nitro-kernel": { type: "string" },
    "nitro-driver": { type: "string" },
    bundle: { type: "string" },
    out: { type: "string", default: join(root, "dist/image") },
  },
});

const say = (message: string): void => void process.stderr.write(`${message}\n`);

function readOption(option: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    throw new BuildError(`--${option}: cannot read ${path}`);
  }
}

function parseBehaviour(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw new BuildError(`--behaviour: ${values.behaviour} is not JSON`);
  }
}

function nitroKernel(): NitroKernel | null {
  const { "nitro-kernel": kernel, "nitro-driver": driver } = values;
  if (kernel === undefined && driver !== undefined)
    throw new BuildError("--nitro-driver is the driver of one kernel: give --nitro-kernel as well");
  if (kernel === undefined) return null;
  return {
    kernel: readOption("nitro-kernel", kernel),
    driver: driver === undefined ? null : readOption("nitro-driver", driver),
  };
}

async function main(): Promise<void> {
  const behaviour = readOption("behaviour", values.behaviour);
  const checked = Behaviour.safeParse(parseBehaviour(behaviour));
  if (!checked.success)
    throw new BuildError(`--behaviour: ${values.behaviour}: ${z.prettifyError(checked.error)}`);
  const lock = readPackageLock();
  const found = findPackages(lock, {
    folder: values.packages ?? null,
    cache: join(root, "dist/packages"),
    allowNewer: values["newer-packages"],
    say,
  });
  const bundle =
    values.bundle === undefined ? (await bundleEnclave()).contents : readOption("bundle", values.bundle);
  const egress = nitroEgress(checked.data);
  const nitro = nitroKernel();
  const { files, manifest } = buildImage(lock, found, { bundle, behaviour, egress, nitro });
  createFolder(values.out);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(values.out, name), content);
  writeFileSync(join(values.out, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
  for (const { path, bytes, sha256 } of manifest.files)
    process.stdout.write(`${sha256}  ${relative(process.cwd(), join(values.out, path))}  ${bytes} bytes\n`);
  if (nitro === null) say("adyton.eif has Debian's kernel: to boot on Nitro, give AWS's (--nitro-kernel)");
}

try {
  await main();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  say(`build:image: ${error.message}`);
  process.exitCode = 1;
}
