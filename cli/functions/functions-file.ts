/** `.adyton/functions.json`: a consumer at Chainlink Functions, and how to reach its enclave. */

import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { parseJson } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { address, bytes32, uint256, uint64 } from "../../protocol/fields.ts";

export const DEFAULT_FUNCTIONS_FILE = ".adyton/functions.json";

export const FunctionsFile = z.strictObject({
  version: z.literal(1),
  chainId: uint256,
  rpcUrl: z.url(),
  /** Chainlink's contracts and network of nodes. */
  router: address,
  linkToken: address,
  donId: z.string().min(1).max(31),
  subscriptionId: uint64,
  /** A `FunctionsConcierge`. */
  consumer: address,
  policyId: bytes32,
  /** The model that is asked when none is named. */
  model: z.string(),
  /** What the script's secrets hold. */
  enclaveUrl: z.url(),
  enclaveCredential: z.string().min(1),
  /** File with the private key that asks, 32 bytes of hex; null on a local network, whose accounts are known. */
  keyFile: z.string().nullable(),
});
export type FunctionsFile = z.output<typeof FunctionsFile>;

export function writeFunctionsFile(file: string, content: FunctionsFile): void {
  writeFileSync(file, `${JSON.stringify(z.encode(FunctionsFile, content), null, 2)}\n`, { mode: 0o600 });
}

/** @throws {InputError} INPUT_NOT_FOUND when there is no such file, INPUT_INVALID when it has another form */
export function readFunctionsFile(file: string): FunctionsFile {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new InputError({
      code: "INPUT_NOT_FOUND",
      message: `no file ${file}: start a local one with "adyton functions local", or name yours with --functions`,
      cause,
    });
  }
  const result = FunctionsFile.safeParse(parseJson(bytes));
  if (result.success) return result.data;
  throw new InputError({ code: "INPUT_INVALID", message: `${file}: ${z.prettifyError(result.error)}` });
}
