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
  const own = await readAddress(rpc, coordinator, coordinatorInterface.encodeFunctionData("ENCLAVES"));
  if (own !== registry)
    throw invalid(`the coordinator's registry is ${own ?? "none: there is no coordinator"}`, { registry });
  for (const { policyId, verifier } of admissions) {
    const version = await read(rpc, registry, registryInterface.encodeFunctionData("versionOf", [policyId]));
    if (version === "0x") throw invalid("there is no contract at the registry's address", { registry });
    if (isZero(version))
      throw invalid(`there is no policy ${policyId} in the registry ${registry}`, { policyId });
    const subject = `0x${verifier.slice(2).padStart(64, "0")}`;
    const rule = registryInterface.encodeFunctionData("rule", [policyId, VERIFIER_RULE, subject]);
    if (isZero(await read(rpc, registry, rule)))
      throw invalid(`the policy ${policyId} does not list the verifier ${verifier}`, { policyId, verifier });
  }
}

function read(rpc: RpcPool, to: Hex, input: string): Promise<Hex> {
  return rpc.call("eth_call", [{ to, data: input }, "latest"], data);
}

/** `undefined` where no contract answers. */
async function readAddress(rpc: RpcPool, to: Hex, input: string): Promise<Hex | undefined> {
  const word = await read(rpc, to, input);
  const address = `0x${word.slice(-40)}`;
  return word.length === 66 && isHex(address) ? address : undefined;
}

function isZero(word: Hex): boolean {
  return /^0x0*$/.test(word);
}

function invalid(message: string, details: Readonly<Record<string, string>>): ConfigError {
  return new ConfigError({ code: "CONFIG_INVALID", message, details });
}
