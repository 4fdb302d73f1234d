/** `adyton result FILE`: somebody else's verdict on evidence, as their word and no more. */

import type { Command } from "commander";

interface ResultOptions {
  readonly policy: string;
  readonly time?: string;
}

const HELP = `
FILE is a token of Google Cloud Attestation, Azure Attestation, Intel Trust
Authority, NVIDIA's service, or an EAR of Veraison. Such a result is not
evidence: its issuer looked at evidence, by rules of its own. The policy names
whom you believe, by their keys or roots, and what they must say.

Exit status:
  0   they say so, and it is what you ask for
  1   they did not sign it
  2   it is not what you ask for
  3   cannot judge (they are not named, or no key is)
  64  wrong usage`;

export function registerResult(program: Command): void {
  program
    .command("result")
    .description("check an attestation result that somebody else signed")
    .argument("<file>", "the token, or - for standard input")
    .requiredOption("--policy <file>", "whom you believe, and what they must say")
    .option("--time <iso>", "judge at this time instead of now")
    .addHelpText("after", HELP)
    .action(async (file: string, options: ResultOptions) => {
      const { checkResultFile } = await import("./check-result.ts");
      const { exitCode, lines } = await checkResultFile(file, options);
      process.stdout.write(`${lines.join("\n")}\n`);
      process.exitCode = exitCode;
    });
}
