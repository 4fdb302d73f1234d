/** `adyton inspect FILE`: what it is and what it claims. Nothing is judged. */

import type { Command } from "commander";
import { AdytonError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";

interface InspectOptions {
  readonly json?: true;
  readonly full?: true;
}

export function registerInspect(program: Command): void {
  program
    .command("inspect")
    .description("say what a file is and what it claims, and judge nothing")
    .argument("<file>", "file, - for standard input, or https URL")
    .option("--full", "write long digests out")
    .option("--json", "print one JSON object")
    .action(async (target: string, { json, full }: InspectOptions) => {
      const { readEvidenceTarget } = await import("../verify/evidence-target.ts");
      const { inspect, describeInspection } = await import("./inspect.ts");
      const { bytes } = await readEvidenceTarget(target);
      try {
        const pieces = inspect(bytes);
        const text =
          json === true ? `${JSON.stringify({ pieces })}\n` : describeInspection(pieces, full === true);
        process.stdout.write(text);
      } catch (error) {
        if (!(error instanceof AdytonError) || error.code !== "EVIDENCE_UNSUPPORTED") throw error;
        process.stderr.write(`adyton inspect: ${error.message} [${error.code}]\n`);
        process.exitCode = ExitCode.cannotJudge;
      }
    });
}
