/** Targets of receipts: the file, its COSE twin, and the proof that a log has it. */

import { verifyCoseReceipt } from "../../attestation/receipt/cose-receipt.ts";
import { verifyInclusion } from "../../attestation/receipt/receipt-log.ts";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { answerDigest } from "../../protocol/answer.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { parseReceipt, type Receipt } from "../../protocol/receipt.ts";
import { createSampleTwin } from "../support/sample-cose-receipt.ts";
import { createSampleLog, fillerStatement } from "../support/sample-log.ts";
import { createSampleReceipt } from "../support/sample-receipt.ts";
import type { FuzzTarget } from "./target.ts";

const file = createSampleReceipt({ where: "on chain" }).then((bytes) => new Uint8Array(bytes));

/** Integers of 256 bits are no JSON. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner)),
  );

const receipt: FuzzTarget = {
  kind: "receipt",
  seeds: async () => [await file],
  run: async (input) => plain((await verifyReceipt(input)).receipt),
};

const twin: FuzzTarget = {
  kind: "receipt-twin",
  seeds: async () => [createSampleTwin(await file)],
  run: (input) => Promise.resolve(plain(verifyCoseReceipt(input).statement)),
};

/** The receipt's statement among twenty others. */
function mintProof({ domain, answer, keyset }: Receipt): string {
  const log = createSampleLog(keyset);
  for (let index = 0; index < 21; index++) {
    const { requestId, digest } = fillerStatement(index);
    if (index === 11) log.append(answer.requestId, answerDigest(domain, answer));
    else log.append(requestId, digest);
  }
  return log.inclusion(answer.requestId);
}

const logProof: FuzzTarget = {
  kind: "receipt-log",
  seeds: async () => [toUtf8(mintProof(parseReceipt(await file)))],
  run: async (input) => {
    const { index, checkpoint } = verifyInclusion(input, parseReceipt(await file));
    return { index, size: checkpoint.size, root: [...checkpoint.root] };
  },
};

export const RECEIPT_TARGETS: readonly FuzzTarget[] = [receipt, twin, logProof];
