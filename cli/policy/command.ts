/** `adyton policy`: what you accept, made from what vendors publish, or said in sentences. */

import type { Command } from "commander";
import type { FromRimOptions } from "./from-rim.ts";

const FROM_RIM_HELP = `
A GPU needs the manifest of its driver and the one of its VBIOS, a switch the
one of its BIOS. rim.attestation.nvidia.com serves them by name
(NV_GPU_DRIVER_GH100_550.144.03, NV_GPU_VBIOS_1010_0200_882_96005E0001,
NV_SWITCH_BIOS_...). What the policy leaves open says acceptAny: read it, and
complete it.

Example:
  adyton policy from-rim driver.xml vbios.xml > gpu-policy.json`;

export function registerPolicy(program: Command): void {
  const policy = program.command("policy").description("make and read appraisal policies");
  policy
    .command("from-rim")
    .description("a policy with the reference values of NVIDIA's signed manifests (RIM)")
    .argument("<file...>", "manifests: XML, as NVIDIA signed it, or its JSON with `rim` in base64")
    .option("--time <iso>", "judge the manifests at this time instead of now")
    .option("--crls <path>", "revocation lists, a file or a folder: every authority then needs one")
    .addHelpText("after", FROM_RIM_HELP)
    .action(async (files: readonly string[], options: FromRimOptions) => {
      const { policyFromRim } = await import("./from-rim.ts");
      const made = await policyFromRim(files, options);
      for (const line of made.summary) process.stderr.write(`${line}\n`);
      process.stdout.write(`${JSON.stringify(made.policy, null, 2)}\n`);
    });
  policy
    .command("explain")
    .description("say in sentences what a policy accepts and what it leaves open")
    .argument("<file>", "the policy")
    .option("--full", "write long digests out")
    .action(async (file: string, options: { readonly full?: true }) => {
      const { readPolicy } = await import("../verify/evidence-options.ts");
      const { describePolicy } = await import("./describe-policy.ts");
      process.stdout.write(describePolicy(await readPolicy(file), { full: options.full === true }));
    });
}
