/** What `adyton verify` says of the same files, at the same time, by the command's own code. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parsePolicyFile } from "../../../attestation/index.ts";
import { isCoseReceipt } from "../../../attestation/receipt/cose-receipt.ts";
import { looksLikeReceipt } from "../../../attestation/receipt/looks-like-receipt.ts";
import { verifyCoseFile } from "../../../cli/verify/cose-receipt.ts";
import { verifyEvidenceCommand } from "../../../cli/verify/evidence-command.ts";
import { verifyReceiptFile } from "../../../cli/verify/receipt.ts";
import type { VerifyReport } from "../../../cli/verify/report.ts";

export interface CliQuestion {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly endorsements?: Uint8Array | undefined;
  readonly policy?: Uint8Array | undefined;
  readonly time: string;
  /** For what the command reads from files. */
  readonly folder: string;
}

export async function cliVerdict(question: CliQuestion): Promise<VerifyReport> {
  const { bytes, policy, time, folder, endorsements } = question;
  const receiptOptions = {
    policy: policy === undefined ? null : parsePolicyFile(policy),
    further: null,
  };
  if (isCoseReceipt(bytes)) return (await verifyCoseFile(bytes, null, receiptOptions)).report;
  if (looksLikeReceipt(bytes)) return (await verifyReceiptFile(bytes, receiptOptions)).report;
  const file = (name: string, content: Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const options = {
    time,
    ...(endorsements !== undefined && { endorsements: file("endorsements.json", endorsements) }),
    ...(policy !== undefined && { policy: file("policy.json", policy) }),
  };
  return (await verifyEvidenceCommand({ name: "evidence", bytes }, options)).report;
}
