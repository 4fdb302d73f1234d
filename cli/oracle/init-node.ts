/** `adyton oracle init`: a node of one's own beside the network of `adyton up`, to rehearse with. */

import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { InputError } from "../../protocol/errors.ts";
import { readJsonFile } from "../json-file.ts";
import { findNetwork } from "../network-file.ts";
import { createKey } from "./create-key.ts";
import { fundAccount } from "./fund-account.ts";

const TOKEN_BYTES = 32;
const OWNER_ONLY = 0o600;
/** Where the other commands look for a node. */
const PORT = 7_788;

export interface NewNode {
  readonly configFile: string;
  readonly address: string;
  readonly files: readonly string[];
}

/**
 * Writes the configuration of a node that serves the chain and the enclave of a running local network, with an account, a
 * store and an admin token of its own, and gives the account ether. Overwrites nothing.
 *
 * @throws {InputError} INPUT_INVALID when the folder has a configuration already
 * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when the network has ended, or its chain gives no money
 */
export async function initNode(folder: string, networkFile: string): Promise<NewNode> {
  const configFile = join(folder, "oracle.json");
  if (existsSync(configFile)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${configFile} is there already, and is not overwritten: name another folder`,
    });
  }
  const { policyFile, rpcUrl } = await findNetwork(networkFile);
  const theirs = readJsonFile(
    join(dirname(policyFile), "oracle.json"),
    z.looseObject({}),
    "the network's own node has its configuration there",
  );
  createFolder(folder);
  copyFileSync(policyFile, join(folder, "policy.json"));
  const address = await createKey(join(folder, "transmitter.json"), join(folder, "transmitter.password"));
  const secret = { mode: OWNER_ONLY, flag: "wx" };
  writeFileSync(join(folder, "admin.token"), `${randomBytes(TOKEN_BYTES).toString("hex")}\n`, secret);
  const config = {
    ...theirs,
    appraisalPolicy: "policy.json",
    transmitterKeys: [{ kind: "keystore", file: "transmitter.json", passwordFile: "transmitter.password" }],
    store: { kind: "pglite", path: "store" },
    http: { port: PORT, adminTokenFile: "admin.token" },
  };
  // It holds the token by which the enclave knows the node.
  writeFileSync(configFile, `${JSON.stringify(config, null, 2)}\n`, secret);
  await fundAccount(rpcUrl, address);
  return {
    configFile,
    address,
    files: ["oracle.json", "policy.json", "transmitter.json", "transmitter.password", "admin.token"],
  };
}
