/** The COSE twin of a sample receipt, and the parts to build wrong ones from. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import {
  coseToBeSigned,
  encodeCoseSign1,
  signCoseReceipt,
  type CoseStatement,
} from "../../protocol/cose-receipt.ts";
import { parseReceipt } from "../../protocol/receipt.ts";
import { SAMPLE_ANSWER_KEY } from "./sample-receipt.ts";

export function sampleStatement(receiptFile: Uint8Array): CoseStatement {
  const { domain, answer, keyset, evidence } = parseReceipt(receiptFile);
  return { domain, answer, keyset, evidenceHash: toHex(sha256(fromHex(evidence.bytes))) };
}

/** The twin of a sample receipt. */
export function createSampleTwin(receiptFile: Uint8Array): Uint8Array<ArrayBuffer> {
  return signCoseReceipt(sampleStatement(receiptFile), SAMPLE_ANSWER_KEY);
}

/** Signed by the sample's answer key, whatever header and claims say: an enclave that lies. */
export function signAnyTwin(header: Uint8Array, claims: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeCoseSign1(header, claims, secp256k1.sign(coseToBeSigned(header, claims), SAMPLE_ANSWER_KEY));
}
