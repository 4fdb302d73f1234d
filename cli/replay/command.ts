/** `adyton replay RECEIPT`: runs an agent's program, or the reads of a question, again from its receipt, without the world, and compares. */

import type { Command } from "commander";
import { looksLikeReceipt } from "../../attestation/receipt/looks-like-receipt.ts";
import { isShownFalse } from "../../attestation/verdict/verdict.ts";
import { AdytonError } from "../../protocol/errors.ts";
import type { VerifiedReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { ExitCode } from "../exit-codes.ts";
import { readInput } from "../input-file.ts";

interface ReplayOptions {
  readonly program?: string;
  readonly json?: true;
}

export function registerReplay(program: Command): void {
  program
    .command("replay")
    .description(
      "run an agent, or a question's reads of contracts, again from its receipt, offline, and compare everything",
    )
    .argument("<receipt>", "receipt file")
    .option("--program <file>", "the program, where the receipt does not hold it")
    .option("--json", "print one JSON object")
    .action(async (receipt: string, options: ReplayOptions) => {
      process.exitCode = await replay(receipt, options);
    });
}

async function replay(file: string, { program, json }: ReplayOptions): Promise<ExitCode> {
  const { verifyReceipt } = await import("../../attestation/receipt/verify-receipt.ts");
  const { replayFile } = await import("./replay-file.ts");
  const { describeVerdict } = await import("./describe.ts");
  const bytes = readInput(file);
  const programFile = program === undefined ? null : readInput(program);
  let verified: VerifiedReceipt;
  try {
    verified = await verifyReceipt(bytes);
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    const { code, message, details } = error as AdytonError;
    // What is no receipt at all is not a false one.
    const isFalse = isShownFalse(code) && looksLikeReceipt(bytes);
    const verdict = {
      verdict: isFalse ? "notGenuine" : "cannotJudge",
      ...{ code, check: details["check"] ?? null, message },
    } as const;
    process.stdout.write(json === true ? `${JSON.stringify(verdict)}\n` : describeVerdict(verdict));
    return isFalse ? ExitCode.notGenuine : ExitCode.cannotJudge;
  }
  const verdict = await replayFile(verified.receipt, programFile);
  process.stdout.write(json === true ? `${JSON.stringify(verdict)}\n` : describeVerdict(verdict));
  if (verdict.verdict === "equal") return ExitCode.ok;
  return verdict.verdict === "diverged" ? ExitCode.notGenuine : ExitCode.cannotJudge;
}
