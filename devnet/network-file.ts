/** `.adyton/network.json`: where a local network's parts are. Written by `adyton up`, read by `adyton ask`. */

import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { parseJson } from "../protocol/canonical-json.ts";
import { InputError } from "../protocol/errors.ts";
import { address, bytes32, uint256 } from "../protocol/fields.ts";

export const DEFAULT_NETWORK_FILE = ".adyton/network.json";

export const NetworkFile = z.strictObject({
  version: z.literal(2),
  chainId: uint256,
  rpcUrl: z.url(),
  contracts: z.strictObject({
    coordinator: address,
    enclaveRegistry: address,
    concierge: address,
    moderator: address,
  }),
  policyId: bytes32,
  /** The model that is asked when none is named. */
  model: z.string(),
  models: z.array(z.string()),
  enclaveUrl: z.url(),
  oracleUrl: z.url(),
  /** An appraisal policy that accepts this network's enclave, and so names the simulator. */
  policyFile: z.string(),
  /** What `adyton functions local` gives the nodes of Chainlink Functions to show the enclave. */
  functionsCredential: z.string(),
});
export type NetworkFile = z.output<typeof NetworkFile>;

export function writeNetworkFile(file: string, network: NetworkFile): void {
  writeFileSync(file, `${JSON.stringify(z.encode(NetworkFile, network), null, 2)}\n`);
}

/** @throws {InputError} INPUT_NOT_FOUND when there is no such file, INPUT_INVALID when it is no network file */
export function readNetworkFile(file: string): NetworkFile {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new InputError({
      code: "INPUT_NOT_FOUND",
      message: `no network file ${file}: start one with "adyton up", or name another with --network`,
      cause,
    });
  }
  const result = NetworkFile.safeParse(parseJson(bytes));
  if (result.success) return result.data;
  throw new InputError({ code: "INPUT_INVALID", message: `${file}: ${z.prettifyError(result.error)}` });
}
