/** `adyton oracle init` beside the network of `adyton up`: a node of one's own to rehearse with. */

import { dirname, join } from "node:path";
import * as z from "zod";
import { readInput } from "../input-file.ts";
import { readJsonFile } from "../json-file.ts";
import { findNetwork } from "../network-file.ts";
import { fundAccount } from "./fund-account.ts";
import { checkNothingThere, type NewNode, OWN_HTTP, OWN_STORE, writeNode } from "./new-node.ts";

const CHAIN_OF_ONES_OWN = "answer questions about a chain of your own with --ask";

/**
 * Writes the configuration of a node that serves the chain and the enclave of a running local network, with an account, a
 * store and an admin token of its own, and gives the account ether. Overwrites nothing.
 *
 * @throws {InputError} INPUT_INVALID when the folder has one of its files already
 * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when the network has ended, or its chain gives no money
 */
export async function initNode(folder: string, networkFile: string): Promise<NewNode> {
  checkNothingThere(folder);
  const { policyFile, rpcUrl } = await findNetwork(networkFile, CHAIN_OF_ONES_OWN);
  const theirs = readJsonFile(
    join(dirname(policyFile), "oracle.json"),
    z.looseObject({}),
    "the network's own node has its configuration there",
  );
  // Its console's port is taken while it runs.
  const settings = { ...theirs, store: OWN_STORE, http: OWN_HTTP, console: undefined };
  const node = await writeNode(folder, settings, readInput(policyFile));
  await fundAccount(rpcUrl, node.address);
  return node;
}
