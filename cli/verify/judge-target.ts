/**
 * What `adyton verify FILE` does with the file, by what it is: a receipt, its COSE twin, or evidence. One module that the
 * command loads when it is called: each further file that is loaded in turn is time before a verdict.
 */

import { asEndorsementAsync } from "../../attestation/endorsements/as-endorsement.ts";
import type { Check, FurtherCheck } from "../../attestation/index.ts";
import { isCoseReceipt, looksLikeReceipt } from "../../attestation/receipt/looks-like-receipt.ts";
import { verdictOfError } from "../../attestation/verdict/judge-evidence.ts";
import { AdytonError, EvidenceError, InputError } from "../../protocol/errors.ts";
import { verifyCoseFile } from "./cose-receipt.ts";
import { verifyEvidenceCommand } from "./evidence-command.ts";
import { readPolicy, type EvidenceOptions } from "./evidence-options.ts";
import { readEvidenceTarget, type EvidenceTarget } from "./evidence-target.ts";
import { verifyReceiptFile, type ReceiptOptions } from "./receipt.ts";
import { outcomeOfUsage, toOutcome, type VerifyOutcome } from "./report.ts";

export interface TargetOptions extends EvidenceOptions {
  readonly rpc?: string;
  readonly receipt?: string;
  readonly logProof?: string;
}

/** Errors of the taxonomy become an outcome, so that --json always prints its object. */
export async function judgeTarget(name: string, options: TargetOptions): Promise<VerifyOutcome> {
  try {
    const target = await readEvidenceTarget(name);
    if (target.bytes.length === 0) return toOutcome(verdictOfError(nothingIn(target), NOTHING_ASKED));
    if (isCoseReceipt(target.bytes)) {
      const receipt = options.receipt === undefined ? null : await readEvidenceTarget(options.receipt);
      const receiptOptions = await readReceiptOptions(options);
      return await verifyCoseFile(target.bytes, receipt?.bytes ?? null, receiptOptions);
    }
    if (options.receipt !== undefined) throw usage("--receipt is for the COSE twin of a receipt");
    if (looksLikeReceipt(target.bytes))
      return await verifyReceiptFile(target.bytes, await readReceiptOptions(options));
    if (options.rpc !== undefined || options.logProof !== undefined)
      throw usage("--rpc and --log-proof are for receipts");
    return await verifyEvidenceCommand(target, options);
  } catch (error) {
    if (error instanceof AdytonError) return outcomeOfUsage(error as AdytonError);
    throw error;
  }
}

const NOTHING_ASKED = { policy: null, nonce: null, reportData: null } as const;

/** A download that failed, or a pipe from a command that did: nothing was shown to be false. */
function nothingIn({ name }: EvidenceTarget): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message: `${name} is empty: there is nothing to judge`,
  });
}

/** Options that a receipt has no use for, as they are typed. */
const FOR_EVIDENCE = {
  time: "--time",
  endorsements: "--endorsements",
  nonce: "--nonce",
  reportData: "--report-data",
  initPolicy: "--init-policy",
  online: "--online",
  hosts: "--hosts",
  fromSource: "--from-source",
  platform: "--platform",
  releases: "--releases",
  releaseKey: "--release-key",
} as const satisfies Partial<Record<keyof TargetOptions, string>>;

/** A receipt carries its own time, endorsements and nonce: an option that would be ignored is refused instead. */
async function readReceiptOptions(options: TargetOptions): Promise<ReceiptOptions> {
  const given = Object.entries(FOR_EVIDENCE).find(
    ([name]) => options[name as keyof typeof FOR_EVIDENCE] !== undefined,
  );
  if (given !== undefined) {
    throw usage(
      `leave ${given[1]} out: a receipt is judged at its own time with what it carries, and only --policy, --rpc, --log-proof and --json apply`,
    );
  }
  const { policy } = options;
  return {
    policy: policy === undefined ? null : await readPolicy(policy),
    further: await furtherChecks(options),
  };
}

/** The sources that are asked beside the receipt itself: the log, then the chain. */
async function furtherChecks({ rpc, logProof }: TargetOptions): Promise<FurtherCheck> {
  const checks: FurtherCheck[] = [];
  if (logProof !== undefined) {
    const { bytes } = await readEvidenceTarget(logProof);
    const { verifyInclusion } = await import("../../attestation/receipt/receipt-log.ts");
    // A file that is no proof, or one of something else, says nothing of the receipt.
    checks.push(({ receipt }) =>
      asEndorsementAsync("--log-proof", () => Promise.resolve([verifyInclusion(bytes, receipt).check])),
    );
  }
  if (rpc !== undefined && !/^https?:$/.test(URL.parse(rpc)?.protocol ?? ""))
    throw usage(`--rpc: ${rpc} is no URL of http or https`);
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
