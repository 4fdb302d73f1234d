/** `adyton image measure FOLDER`: what each platform will say of an image, from its files. */

import type { Command } from "commander";
import { InputError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { withMeasureOptions } from "./measure-options.ts";
import type { MeasureOptions, Platform } from "./measurement.ts";

interface Options extends MeasureOptions {
  readonly platform: string;
  readonly behaviour?: string;
  readonly policy?: string;
  readonly simulator?: true;
  readonly json?: true;
}

const HELP = `
FOLDER is what npm run build:image wrote. Platforms:
  tdx         a TDX machine started with -kernel, -initrd and -append
  tdx-uki     a TDX machine whose firmware starts adyton.efi
  snp         an SEV-SNP machine started with -kernel, -initrd, -append and
              kernel-hashes=on
  nitro       a Nitro enclave of adyton.eif
  nitro-tpm   an EC2 machine with NitroTPM that starts adyton.efi
Either every register that matters is printed, or none: an option that is
missing is named.

Examples:
  adyton image measure dist/image --platform nitro
  adyton image measure dist/image --platform snp \\
    --firmware OVMF.amdsev.fd --vcpus 2 --policy policy.json
  adyton image measure dist/image --platform tdx \\
    --firmware OVMF.fd --memory 4096 --rtmr0 any --policy policy.json`;

export function registerImage(program: Command): void {
  const image = program.command("image").description("look at an enclave's image");
  withMeasureOptions(image.command("measure"))
    .description("compute what a platform will measure of an image")
    .argument("<folder>", "the folder that npm run build:image wrote")
    .requiredOption("--platform <name>", "tdx, tdx-uki, snp, nitro or nitro-tpm")
    .option("--policy <file>", "write an appraisal policy that accepts this image")
    .option("--simulator", "the policy is for simulated evidence: for tests and demonstrations only")
    .option("--json", "print one JSON object")
    .addHelpText("after", HELP)
    .action(async (folder: string, options: Options) => {
      process.exitCode = await measure(folder, options);
    });
}

async function measure(folder: string, options: Options): Promise<ExitCode> {
  const { measureImage, PLATFORMS } = await import("./measurement.ts");
  const { appraisalPolicy, registryRules, writePolicy } = await import("./image-policy.ts");
  const platform = PLATFORMS.find((name) => name === options.platform);
  if (platform === undefined) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `--platform wants one of ${PLATFORMS.join(", ")}, not ${options.platform}`,
    });
  }
  const measurement = measureImage(platform, folder, options);
  const { behaviourDigest } = await import("./behaviour-digest.ts");
  const digest = options.behaviour === undefined ? null : behaviourDigest(options.behaviour);
  const registry = registryRules(measurement, digest);
  if (options.policy !== undefined) {
    const form = options.simulator === true ? "simulator" : "hardware";
    await writePolicy(options.policy, appraisalPolicy(measurement, form));
  }
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ ...measurement, registry })}\n`);
    return ExitCode.ok;
  }
  print(platform, measurement.registers);
  if (registry !== null) {
    process.stdout.write(
      `\nRules for a policy in the EnclaveRegistry, with register mask ${registry.registerMask}:\n`,
    );
    for (const { kind, subject } of registry.rules) process.stdout.write(`  kind ${kind}  ${subject}\n`);
  }
  return ExitCode.ok;
}

function print(platform: Platform, registers: Readonly<Record<string, readonly string[] | "any">>): void {
  const width = Math.max(...Object.keys(registers).map((name) => name.length));
  process.stdout.write(`${platform}\n`);
  for (const [name, register] of Object.entries(registers)) {
    const values = register === "any" ? ["any: the host's configuration is not pinned"] : register;
    values.forEach((value, index) => {
      process.stdout.write(`  ${(index === 0 ? name : "or").padEnd(width)}  ${value}\n`);
    });
  }
}
