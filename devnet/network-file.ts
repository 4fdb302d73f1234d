/** `.adyton/network.json`: where a local network's parts are. Written by `adyton up`, read by `adyton ask`. */

import { writeFileSync } from "node:fs";
import * as z from "zod";
import { address, bytes32, uint256 } from "../protocol/fields.ts";

export const DEFAULT_NETWORK_FILE = ".adyton/network.json";

const VERSION = 2;

/** Looked at before everything else: what another version wrote has other fields, and one sentence says so. */
const Versioned = z.looseObject({
  version: z.literal(VERSION, {
    error: ({ input }) =>
      typeof input === "number"
        ? "another version of adyton wrote it: end that network (Ctrl-C in its terminal), and delete the file"
        : undefined,
  }),
});

const Fields = z.strictObject({
  version: z.literal(VERSION),
  /** The process that keeps the network up. */
  pid: z.int().positive(),
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
  /** Where a file lies that the enclave is to read, by its name, and where it is served; null: nowhere. */
  files: z.strictObject({ folder: z.string(), origin: z.url() }).nullable(),
  /** What `adyton functions local` gives the nodes of Chainlink Functions to show the enclave. */
  functionsCredential: z.string(),
  /** What `adyton agent run` shows the enclave. */
  agentCredential: z.string(),
});

export const NetworkFile = Versioned.pipe(Fields);
export type NetworkFile = z.output<typeof NetworkFile>;

export function writeNetworkFile(file: string, network: NetworkFile): void {
  writeFileSync(file, `${JSON.stringify(z.encode(NetworkFile, network), null, 2)}\n`);
}
