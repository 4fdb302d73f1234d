/** Deploys Adyton's contracts, an appraisal policy for the simulator, and the two examples to a local chain. */

import {
  AbiCoder,
  concat,
  type ContractTransactionResponse,
  getCreateAddress,
  keccak256,
  type Signer,
  toBeHex,
  zeroPadValue,
} from "ethers";
import {
  Concierge__factory,
  ContentModerator__factory,
  EnclaveRegistry__factory,
  OracleCoordinator__factory,
  SimulatedVerifier__factory,
} from "../contracts/bindings/factories/index.ts";
import type { Hex } from "../protocol/bytes.ts";
import { ChainError } from "../protocol/errors.ts";

/** Enough for any of these deployments; estimating would need each one mined before the next. */
const GAS = { gasLimit: 14_000_000n };
/** Blocks: evidence for admission may name a block at most this old (EIP-2935 keeps 8,191). */
const MAX_EVIDENCE_AGE_BLOCKS = 256;
const ZERO_ADDRESS: Hex = `0x${"00".repeat(20)}`;
/** `PolicyRules` of contracts/src/types/Policy.sol. */
const Rule = {
  verifier: 1,
  measurement: 2,
  behaviour: 3,
  platform: 4,
  validitySeconds: 192,
  keysBeforeRequest: 193,
  quorumWindow: 195,
} as const;
const PRESENT = zeroPadValue("0x01", 32);
const ANY_PLATFORM = keccak256(new TextEncoder().encode("any platform"));
const ADMISSION_SECONDS = 86_400;

/** `TdxQuotes`: which registers make up a measurement, and their values in the mask's order. */
export interface RegisterChoice {
  /** Bit 0 is MRTD, bits 4 to 6 are RTMR0 to RTMR2. */
  readonly mask: number;
  readonly values: readonly Hex[];
}

/** No register counts: any simulated enclave has this measurement. */
export const NO_REGISTERS: RegisterChoice = { mask: 0, values: [] };

export interface CoreTerms {
  /** The simulator's attestation key. */
  readonly simulatorKey: { readonly x: Hex; readonly y: Hex };
  /** Of the enclave that the policy accepts. */
  readonly registers: RegisterChoice;
  readonly behaviourDigest: Hex;
  readonly fallbackWindowSeconds: number;
  readonly cancelDelaySeconds: number;
  /** Whether only keys that were admitted before a request may answer it: else a host that restarts its enclave draws again. */
  readonly keysBeforeRequest: boolean;
  /** For the leaves of a quorum; the contracts' own where it is not said. */
  readonly quorumWindowSeconds?: number;
}

export interface DeploymentTerms extends CoreTerms {
  /** The model that the moderation example asks. */
  readonly model: string;
}

export interface CoreDeployment {
  readonly coordinator: Hex;
  readonly enclaveRegistry: Hex;
  readonly verifier: Hex;
  readonly policyId: Hex;
}

export interface Deployment extends CoreDeployment {
  readonly concierge: Hex;
  readonly moderator: Hex;
}

/** Where the contracts will be: the enclave's operator file names the coordinator before there is one. */
export function plannedAddresses(deployer: Hex): Omit<Deployment, "policyId"> {
  const at = (nonce: number): Hex => getCreateAddress({ from: deployer, nonce }).toLowerCase() as Hex;
  return {
    enclaveRegistry: at(0),
    coordinator: at(1),
    verifier: at(2),
    // 3 makes the policy.
    concierge: at(4),
    moderator: at(5),
  };
}

/**
 * Deploys the contracts, the policy and the examples.
 *
 * @param signer counts its own nonces, from 0
 * @throws {ChainError} CHAIN_REVERTED when one of them fails
 */
export async function deploy(signer: Signer, terms: DeploymentTerms): Promise<Deployment> {
  const { sent, deployed } = await sendCore(signer, terms);
  const { concierge, moderator } = plannedAddresses((await signer.getAddress()).toLowerCase() as Hex);
  const { coordinator, policyId } = deployed;
  const examples = [
    await new Concierge__factory(signer).deploy(coordinator, policyId, GAS),
    await new ContentModerator__factory(signer).deploy(coordinator, policyId, terms.model, GAS),
  ];
  await confirm([...sent, ...examples.map((contract) => contract.deploymentTransaction())]);
  return { ...deployed, concierge, moderator };
}

/** `deploy` without the examples. */
export async function deployCore(signer: Signer, terms: CoreTerms): Promise<CoreDeployment> {
  const { sent, deployed } = await sendCore(signer, terms);
  await confirm(sent);
  return deployed;
}

/** Sends everything at once: a chain that makes a block a second would take seconds for one after the other. */
async function sendCore(signer: Signer, terms: CoreTerms): Promise<{ sent: Sent; deployed: CoreDeployment }> {
  const deployer = (await signer.getAddress()).toLowerCase() as Hex;
  const planned = plannedAddresses(deployer);
  const { x, y } = terms.simulatorKey;
  const salt = zeroPadValue("0x00", 32);
  const policyId = localPolicyId(
    { registry: planned.enclaveRegistry, owner: deployer, salt },
    await chainIdOf(signer),
  );
  const sent = [
    await new EnclaveRegistry__factory(signer).deploy(ZERO_ADDRESS, MAX_EVIDENCE_AGE_BLOCKS, GAS),
    await new OracleCoordinator__factory(signer).deploy(
      planned.enclaveRegistry,
      ZERO_ADDRESS,
      deployer,
      terms.fallbackWindowSeconds,
      terms.cancelDelaySeconds,
      GAS,
    ),
    await new SimulatedVerifier__factory(signer).deploy(planned.enclaveRegistry, x, y, GAS),
  ].map((contract) => contract.deploymentTransaction());
  const rules = policyRules(planned.verifier, terms);
  const registry = EnclaveRegistry__factory.connect(planned.enclaveRegistry, signer);
  const created = await registry.create(salt, ZERO_ADDRESS, 0, terms.registers.mask, rules, GAS);
  const { coordinator, enclaveRegistry, verifier } = planned;
  return {
    sent: [...sent, created],
    deployed: { coordinator, enclaveRegistry, verifier, policyId },
  };
}

type Sent = readonly (ContractTransactionResponse | null)[];

async function confirm(sent: Sent): Promise<void> {
  for (const transaction of sent) {
    const receipt = await transaction?.wait();
    if (receipt?.status !== 1)
      throw new ChainError({ code: "CHAIN_REVERTED", message: "a contract could not be deployed" });
  }
}

async function chainIdOf(signer: Signer): Promise<bigint> {
  const network = await signer.provider?.getNetwork();
  return network?.chainId ?? 0n;
}

/** `EnclaveRegistry.create`: keccak256(abi.encode(chainId, registry, caller, salt)). */
function localPolicyId(
  { registry, owner, salt }: { registry: Hex; owner: Hex; salt: string },
  chainId: bigint,
): Hex {
  const types = ["uint256", "address", "address", "bytes32"];
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, [chainId, registry, owner, salt])) as Hex;
}

/** `TdxQuotes.measurement`: keccak256(mask ‖ registers). */
function measurement({ mask, values }: RegisterChoice): string {
  return keccak256(concat([toBeHex(mask, 2), ...values]));
}

interface PolicyChange {
  readonly kind: number;
  readonly subject: string;
  readonly value: string;
}

function policyRules(verifier: Hex, terms: CoreTerms): PolicyChange[] {
  const { keysBeforeRequest, quorumWindowSeconds } = terms;
  return [
    { kind: Rule.verifier, subject: zeroPadValue(verifier, 32), value: PRESENT },
    { kind: Rule.measurement, subject: measurement(terms.registers), value: PRESENT },
    { kind: Rule.behaviour, subject: terms.behaviourDigest, value: PRESENT },
    { kind: Rule.platform, subject: ANY_PLATFORM, value: PRESENT },
    setting(Rule.validitySeconds, ADMISSION_SECONDS),
    ...(keysBeforeRequest ? [setting(Rule.keysBeforeRequest, 1)] : []),
    ...(quorumWindowSeconds === undefined ? [] : [setting(Rule.quorumWindow, quorumWindowSeconds + 1)]),
  ];
}

function setting(kind: number, value: number): PolicyChange {
  return { kind, subject: zeroPadValue("0x00", 32), value: zeroPadValue(toBeHex(value), 32) };
}
