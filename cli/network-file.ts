/** `.adyton/network.json` as the commands find it: where the network of `adyton up` is, and whether it still runs. */

import { NetworkFile } from "../devnet/network-file.ts";
import { isAnswering } from "../devnet/liveness.ts";
import { ChainError } from "../protocol/errors.ts";
import { commandLine } from "./invocation.ts";
import { readJsonFile } from "./json-file.ts";

/**
 * @param further what else helps whoever has none, after "or"
 * @throws {InputError} INPUT_NOT_FOUND when there is no such file, INPUT_INVALID when it is no network file
 */
export function readNetworkFile(file: string, ...further: readonly string[]): NetworkFile {
  const ways = [
    `start a network with \`${commandLine("up")}\``,
    "name another's file with --network",
    ...further,
  ];
  return readJsonFile(file, NetworkFile, ways.join(", or "));
}

/**
 * The network of a file, which answers.
 *
 * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when it has ended, or another chain has taken its place
 */
export async function findNetwork(file: string, ...further: readonly string[]): Promise<NetworkFile> {
  const network = readNetworkFile(file, ...further);
  if (await isAnswering(network)) return network;
  throw new ChainError({
    code: "CHAIN_RPC_UNAVAILABLE",
    message: `the network of ${file} does not answer at ${network.rpcUrl}: it has ended. Start one with \`${commandLine("up")}\``,
  });
}
