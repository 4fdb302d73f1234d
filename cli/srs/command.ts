/** `adyton srs`: the reference string that proofs of ledgers are made with. */

import type { Command } from "commander";

const HELP = `
The secret of the development one is known to everybody: verifiers made for it
refuse every chain that is not local. For a real chain, put the ceremony's
bn254_g1.dat and bn254_g2.dat into a folder, and check it: the prover takes
whatever it finds.

Examples:
  adyton srs make-dev srs --gates 17
  adyton srs check srs`;

export function registerSrs(program: Command): void {
  const srs = program
    .command("srs")
    .description("make and check the reference string that epochs are proven with")
    .addHelpText("after", HELP);
  srs
    .command("make-dev")
    .description("a reference string of a known secret, for local chains")
    .argument("<folder>", "where to")
    .option(
      "--gates <log2>",
      "gates of the circuit, as a power of two: 17 for 16 rows, 20 for 131, 21 for 263",
      "17",
    )
    .action(async (folder: string, { gates }: { readonly gates: string }) => {
      const { checkSrs, makeDevelopmentSrs } = await import("../../coprocessor/prover/srs.ts");
      makeDevelopmentSrs(folder, Number(gates));
      const { points } = checkSrs(folder);
      process.stdout.write(`${folder}: ${points} points of a known secret, for local chains only\n`);
    });
  srs
    .command("check")
    .description("say which reference string lies in a folder")
    .argument("<folder>", "with bn254_g1.dat and bn254_g2.dat")
    .option("--json", "print JSON")
    .action(async (folder: string, { json }: { readonly json?: true }) => {
      const { checkSrs } = await import("../../coprocessor/prover/srs.ts");
      const { kind, points } = checkSrs(folder);
      const said =
        kind === "ceremony"
          ? "the public ceremony's"
          : "the development one, whose secret everybody knows: for local chains only";
      process.stdout.write(
        json === true ? `${JSON.stringify({ kind, points })}\n` : `${said}; ${points} points\n`,
      );
    });
}
