/** `.adyton/functions.json`: a consumer at Chainlink Functions, and how to reach its enclave. */

import { writeFileSync } from "node:fs";
import * as z from "zod";
import { address, bytes32, uint256, uint64 } from "../../protocol/fields.ts";
import { commandLine } from "../invocation.ts";
import { readJsonFile } from "../json-file.ts";

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
  /** The content of the script's secrets. */
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
  const start = commandLine("functions", "local");
  return readJsonFile(
    file,
    FunctionsFile,
    `start a local one with \`${start}\`, or name yours with --functions`,
  );
}
