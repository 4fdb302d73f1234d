/** `adyton verify FILE|URL`: a receipt, or evidence of any kind. */

import { basename } from "node:path";
import type { Command } from "commander";
import { InputError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { withMeasureOptions } from "../image/measure-options.ts";
import type { TargetOptions } from "./judge-target.ts";

interface VerifyOptions extends TargetOptions {
  readonly json?: true;
  readonly full?: true;
  readonly open?: true;
  readonly page?: string;
}

const HELP = `
FILE is a receipt, its COSE twin, or evidence: raw, hex, base64, PEM, or JSON
that holds one. Its kind is recognised.
URL (https://HOST:PORT) is asked for its RA-TLS certificate.

Exit status:
  0   genuine, and accepted by the policy
  1   not genuine
  2   genuine, refused by the policy
  3   cannot judge (endorsements missing or out of date)
  4   genuine, and nothing was appraised (no --policy)
  64  wrong usage, or a file that cannot be read

Examples:
  adyton verify receipt.json --policy policy.json
  adyton verify quote.bin --endorsements collateral.json --time 2026-01-31
To write a policy from what is there, to read and keep:
  adyton verify quote.bin --init-policy policy.json`;

export function registerVerify(program: Command): void {
  const command = program
    .command("verify")
    .description("verify a receipt, or a quote, report, document or certificate")
    .argument("[file]", "file, - for standard input, or https URL")
    .option(
      "--endorsements <path>",
      "vendor endorsements: a bundle file, or a folder of PEM, DER and JSON files",
    )
    .option("--online [pccs]", "fetch endorsements that are missing from the vendors, or from a PCCS")
    .option("--hosts <place>", "a registry of hosts that must list the machine: a file, or its bucket's URL")
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
    .option("--open", "then show it on the Verify page in the browser, until Ctrl-C")
    .option("--page <url>", "instead of a file: whether this server gives the page of this version")
    .option("--full", "write long digests out")
    .option(
      "--from-source <folder>",
      "build the image from this checkout, and compare each register (with the options of image measure)",
    )
    .option("--releases <folder>", "tell which release it is, by this log (releases.jsonl, checkpoint)")
    .option("--release-key <key>", "the log's key, as npm run release:append prints it")
    .option("--platform <name>", "for --from-source: tdx, tdx-uki, snp or nitro")
    .option(
      "--packages <folder>",
      "for --from-source: the packages of a release, when Debian's archive has dropped them",
    )
    .option("--nitro-kernel <file>", "for --from-source: AWS's enclave kernel (nitro)")
    .option("--nitro-driver <file>", "for --from-source: its nsm.ko (nitro)")
    .option("--json", "print one JSON object");
  withMeasureOptions(command)
    .addHelpText("after", HELP)
    .action(async (target: string | undefined, options: VerifyOptions) => {
      process.exitCode = await verify(target, options);
    });
}

async function verify(name: string | undefined, options: VerifyOptions): Promise<ExitCode> {
  const json = options.json === true;
  if ((name === undefined) === (options.page === undefined))
    throw usage("verify takes a file, or --page URL");
  if (options.page !== undefined) return await verifyPage(options.page, json);
  const file = name ?? "";
  if (options.open === true) await checkShowable(file);
  const { judgeTarget } = await import("./judge-target.ts");
  const { printOutcome } = await import("./describe.ts");
  const status = printOutcome(await judgeTarget(file, options), { json, full: options.full === true });
  if (options.open === true) await show(file);
  return status;
}

/** Before anything is judged: standard input can be read once, and a server is no file. */
async function checkShowable(file: string): Promise<void> {
  if (file === "-" || /^https:/i.test(file)) throw usage("--open shows a file: save it to one first");
  (await import("../page/page-server.ts")).requirePage();
}

async function show(file: string): Promise<void> {
  const { readEvidenceTarget } = await import("./evidence-target.ts");
  const { showFile } = await import("../page/show-file.ts");
  const { untilInterrupted } = await import("../interruption.ts");
  const { bytes } = await readEvidenceTarget(file);
  const said = (line: string): void => void process.stderr.write(`${line}\n`);
  await untilInterrupted(async (signal) => {
    await showFile({ name: basename(file), bytes }, { signal, said });
    return ExitCode.ok;
  });
}

async function verifyPage(url: string, json: boolean): Promise<ExitCode> {
  const { describePage, judgePage, pageStatus, readOwnPage } = await import("./page.ts");
  const { requirePage } = await import("../page/page-server.ts");
  const verdict = await judgePage(url, readOwnPage(requirePage()));
  process.stdout.write(json ? `${JSON.stringify(verdict)}\n` : describePage(verdict));
  return pageStatus(verdict);
}

function usage(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
