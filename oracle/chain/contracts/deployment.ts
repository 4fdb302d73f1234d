import { type Hex, isHex } from "../../../protocol/bytes.ts";
import { ConfigError } from "../../../protocol/errors.ts";
import { data } from "../rpc/block.ts";
import { coordinatorInterface, registryInterface } from "./contracts.ts";
import type { RpcPool } from "../rpc/rpc-pool.ts";

/** `PolicyRules.VERIFIER` of contracts/src/types/Policy.sol. */
const VERIFIER_RULE = 1;

/** The contracts that a node is told of, and that must know each other. */
export interface Deployment {
  readonly coordinator: Hex;
  readonly registry: Hex;
  readonly admissions: readonly { readonly policyId: Hex; readonly verifier: Hex }[];
}

/**
 * Looks whether the registry is the coordinator's own, and each policy there, with the verifier among its rules. A node that
 * is told otherwise starts, pays for admissions that are refused, and never answers.
 *
 * @throws {ConfigError} CONFIG_INVALID naming what is wrong; {ChainError} when it cannot be asked
 */
export async function checkDeployment(rpc: RpcPool, deployment: Deployment): Promise<void> {
  const { coordinator, registry, admissions } = deployment;
  const own = await readRegistry(rpc, coordinator);
  if (own !== registry) throw invalid(`the coordinator's registry is ${own}`, { registry });
  for (const { policyId, verifier } of admissions) {
    await checkPolicy(rpc, registry, policyId);
    const subject = `0x${verifier.slice(2).padStart(64, "0")}`;
    const rule = registryInterface.encodeFunctionData("rule", [policyId, VERIFIER_RULE, subject]);
    if (isZero(await read(rpc, registry, rule)))
      throw invalid(`the policy ${policyId} does not list the verifier ${verifier}`, { policyId, verifier });
  }
}

/** @throws {ConfigError} CONFIG_INVALID when no coordinator is at the address; {ChainError} when it cannot be asked */
export async function readRegistry(rpc: RpcPool, coordinator: Hex): Promise<Hex> {
  const word = await read(rpc, coordinator, coordinatorInterface.encodeFunctionData("ENCLAVES"));
  const registry = `0x${word.slice(-40)}`;
  if (word.length === 66 && isHex(registry)) return registry;
  throw invalid(`there is no coordinator at ${coordinator}`, { coordinator });
}

/** @throws {ConfigError} CONFIG_INVALID when the registry has no such policy; {ChainError} when it cannot be asked */
export async function checkPolicy(rpc: RpcPool, registry: Hex, policyId: Hex): Promise<void> {
  const version = await read(rpc, registry, registryInterface.encodeFunctionData("versionOf", [policyId]));
  if (version === "0x") throw invalid("there is no contract at the registry's address", { registry });
  if (isZero(version))
    throw invalid(`there is no policy ${policyId} in the registry ${registry}`, { policyId });
}

function read(rpc: RpcPool, to: Hex, input: string): Promise<Hex> {
  return rpc.call("eth_call", [{ to, data: input }, "latest"], data);
}

function isZero(word: Hex): boolean {
  return /^0x0*$/.test(word);
}

function invalid(message: string, details: Readonly<Record<string, string>>): ConfigError {
  return new ConfigError({ code: "CONFIG_INVALID", message, details });
}
