/** A keyset's log with the statement of a receipt in it, as an enclave makes it. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { StatementLog } from "../../enclave/log/statement-log.ts";
import { toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { keysetId, type Keyset } from "../../protocol/keyset.ts";

const privateKey = sha256(toUtf8("sample log key"));
export const SAMPLE_LOG_KEY = { privateKey, publicKey: ed25519.getPublicKey(privateKey) };

/** An empty log of `keyset`, which has the sample's log key. */
export function createSampleLog(keyset: Keyset): StatementLog {
  return new StatementLog({ keysetId: keysetId(keyset), keys: { log: SAMPLE_LOG_KEY } });
}

/** Entry number `index` of a log about nothing: its id and its digest. */
export function fillerStatement(index: number): { readonly requestId: Hex; readonly digest: Hex } {
  const digest = toHex(sha256(toUtf8(`filler ${index}`)));
  return { requestId: digest, digest };
}
