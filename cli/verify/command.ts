/** `adyton verify FILE|URL`: a receipt, or evidence of any kind. */

import type { Command } from "commander";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import { withMeasureOptions } from "../image/measure-options.ts";
import { readPolicy, type EvidenceOptions } from "./evidence-options.ts";
import type { Check, FurtherCheck } from "../../attestation/index.ts";
import type { ReceiptOptions } from "./receipt.ts";
import { printOutcome } from "./describe.ts";
import { outcomeOfUsage, type VerifyOutcome } from "./report.ts";

interface VerifyOptions extends EvidenceOptions {
  readonly rpc?: string;
  readonly receipt?: string;
  readonly logProof?: string;
  readonly json?: true;
  readonly full?: true;
}

const HELP = `
FILE is a receipt, its COSE twin, or evidence: raw, hex, base64, PEM, or JSON that holds one. Its kind is recognised.
URL (https://HOST:PORT) is asked for its RA-TLS certificate.

Exit status: 0 genuine and accepted by the policy, 1 not genuine, 2 refused by the policy, 3 cannot judge,
4 genuine but nothing was appraised (no --policy), 64 wrong usage or an unreadable file.

Examples:
  adyton verify receipt.json --policy policy.json
  adyton verify quote.bin --endorsements collateral.json --time 2026-01-31T00:00:00Z
  adyton verify quote.bin --init-policy policy.json      write a policy from what is there, to read and keep`;

export function registerVerify(program: Command): void {
  const command = program
    .command("verify")
    .description("verify a receipt, or a quote, report, document or certificate")
    .argument("<file>", "file, - for standard input, or https URL")
    .option(
      "--endorsements <path>",
      "vendor endorsements: a bundle file, or a folder of PEM, DER and JSON files",
    )
    .option("--online [pccs]", "fetch endorsements that are missing from the vendors, or from a PCCS")
    .option("--policy <file>", "appraisal policy: what you accept")
    .option("--init-policy <file>", "write a policy that accepts what was seen here")
    .option("--time <iso>", "judge at this time instead of now (a receipt is judged at its own time)")
    .option("--nonce <hex>", "the nonce that the evidence must hold")
    .option("--report-data <hex>", "the report data that the evidence must hold")
    .option(
      "--rpc <url>",
      "also ask this chain whether the keyset was admitted and this answer fulfilled (receipts)",
    )
    .option("--receipt <file>", "the receipt that this COSE twin must agree with (twins)")
    .option("--log-proof <file>", "proof that the keyset's log has this statement (receipts)")
    .option("--full", "write long digests out")
    .option(
      "--from-source <folder>",
      "build the image from this checkout, and compare each register (with the options of image measure)",
    )
    .option("--releases <folder>", "tell which release it is, by this log (releases.jsonl, checkpoint)")
    .option("--release-key <key>", "the log's key, as npm run release:append prints it")
    .option("--platform <name>", "for --from-source: tdx, tdx-uki, snp or nitro")
    .option("--json", "print one JSON object");
  withMeasureOptions(command)
    .addHelpText("after", HELP)
    .action(async (target: string, options: VerifyOptions) => {
      process.exitCode = await verify(target, options);
    });
}

async function verify(name: string, options: VerifyOptions): Promise<ExitCode> {
  return printOutcome(await judge(name, options), {
    json: options.json === true,
    full: options.full === true,
  });
}

/** Errors of the taxonomy become an outcome, so that --json always prints its object. */
async function judge(name: string, options: VerifyOptions): Promise<VerifyOutcome> {
  const evidence = await import("./evidence-command.ts");
  try {
    const { readEvidenceTarget } = await import("./evidence-target.ts");
    const target = await readEvidenceTarget(name);
    const { isCoseReceipt } = await import("../../attestation/index.ts");
    if (isCoseReceipt(target.bytes)) {
      const { verifyCoseFile } = await import("./cose-receipt.ts");
      const receipt = options.receipt === undefined ? null : await readEvidenceTarget(options.receipt);
      const receiptOptions = await readReceiptOptions(options);
      return await verifyCoseFile(target.bytes, receipt?.bytes ?? null, receiptOptions);
    }
    if (options.receipt !== undefined) throw usage("--receipt is for the COSE twin of a receipt");
    const { looksLikeReceipt, verifyReceiptFile } = await import("./receipt.ts");
    if (looksLikeReceipt(target.bytes)) {
      return await verifyReceiptFile(target.bytes, await readReceiptOptions(options));
    }
    if (options.rpc !== undefined || options.logProof !== undefined) {
      throw usage("--rpc and --log-proof are for receipts");
    }
    return await evidence.verifyEvidenceCommand(target, options);
  } catch (error) {
    if (error instanceof AdytonError) return outcomeOfUsage(error as AdytonError);
    throw error;
  }
}

/** A receipt carries its own time, endorsements and nonce: an option that would be ignored is refused instead. */
async function readReceiptOptions(options: VerifyOptions): Promise<ReceiptOptions> {
  const { time, endorsements, nonce, reportData, initPolicy, online, fromSource, releases, policy } = options;
  if (
    [time, endorsements, nonce, reportData, initPolicy, online, fromSource, releases].some(
      (option) => option !== undefined,
    )
  ) {
    throw usage(
      "a receipt is judged at its own time with what it carries: only --policy, --rpc, --log-proof and --json apply",
    );
  }
  return {
    policy: policy === undefined ? null : await readPolicy(policy),
    further: await furtherChecks(options),
  };
}

/** What is asked beside the receipt itself: the log, then the chain. */
async function furtherChecks({ rpc, logProof }: VerifyOptions): Promise<FurtherCheck> {
  const checks: FurtherCheck[] = [];
  if (logProof !== undefined) {
    const { readEvidenceTarget } = await import("./evidence-target.ts");
    const { bytes } = await readEvidenceTarget(logProof);
    const { verifyInclusion } = await import("../../attestation/index.ts");
    checks.push(({ receipt }) => Promise.resolve([verifyInclusion(bytes, receipt).check]));
  }
  if (rpc !== undefined) checks.push((await import("./on-chain.ts")).checkOnChain(rpc));
  return async (verified) => {
    const found: Check[] = [];
    for (const check of checks) found.push(...(await check(verified)));
    return found;
  };
}

function usage(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
