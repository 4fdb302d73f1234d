/** Deploys Adyton's contracts, an appraisal policy for the simulator, and the two examples, to a local chain. */

import { AbiCoder, concat, getCreateAddress, keccak256, toBeHex, zeroPadValue, type Signer } from "ethers";
import {
  Concierge__factory,
  ContentModerator__factory,
  EnclaveRegistry__factory,
  OracleCoordinator__factory,
  PolicyRegistry__factory,
  SimulatedVerifier__factory,
} from "../contracts/bindings/factories/index.ts";
import type { Hex } from "../protocol/bytes.ts";
import { ChainError } from "../protocol/errors.ts";

/** Enough for any of these deployments; estimating would need each one mined before the next. */
const DEPLOYMENT_GAS = 6_000_000n;
/** Blocks: evidence for admission may name a block at most this old (EIP-2935 keeps 8,191). */
const MAX_EVIDENCE_AGE_BLOCKS = 256;
const ZERO_ADDRESS: Hex = `0x${"00".repeat(20)}`;
/** `PolicyRules` of contracts/src/types/Policy.sol. */
const Rule = { verifier: 1, measurement: 2, behaviour: 3, platform: 4, validitySeconds: 192 } as const;
const PRESENT = zeroPadValue("0x01", 32);
const ANY_PLATFORM = keccak256(new TextEncoder().encode("any platform"));
/** `TdxQuotes`: which registers make up a measurement. Bit 0 is MRTD, bits 4 to 6 are RTMR0 to RTMR2. */
const REGISTER_MASK = 0b0111_0001;
const ADMISSION_SECONDS = 86_400;

export interface DeploymentTerms {
  /** The simulator's attestation key. */
  readonly simulatorKey: { readonly x: Hex; readonly y: Hex };
  /** Registers of the simulated enclave that the mask selects, in the mask's order: MRTD, RTMR0, RTMR1, RTMR2. */
  readonly registers: readonly Hex[];
  /** Of the enclave that the policy accepts. */
  readonly behaviourDigest: Hex;
  readonly fallbackWindowSeconds: number;
  readonly cancelDelaySeconds: number;
  /** The model that the moderation example asks. */
  readonly model: string;
}

export interface Deployment {
  readonly coordinator: Hex;
  readonly enclaveRegistry: Hex;
  readonly policyRegistry: Hex;
  readonly verifier: Hex;
  readonly policyId: Hex;
  readonly concierge: Hex;
  readonly moderator: Hex;
}

/** Where the contracts will be: the enclave's operator file names the coordinator before there is one. */
export function plannedAddresses(deployer: Hex): Omit<Deployment, "policyId"> {
  const at = (nonce: number): Hex => getCreateAddress({ from: deployer, nonce }).toLowerCase() as Hex;
  return {
    policyRegistry: at(0),
    enclaveRegistry: at(1),
    coordinator: at(2),
    verifier: at(3),
    // 4 makes the policy.
    concierge: at(5),
    moderator: at(6),
  };
}

/**
 * Sends every deployment at once and waits for the last.
 *
 * @param signer counts its own nonces, from 0
 * @throws {ChainError} CHAIN_REVERTED when one of them fails
 */
export async function deploy(signer: Signer, terms: DeploymentTerms): Promise<Deployment> {
  const deployer = (await signer.getAddress()).toLowerCase() as Hex;
  const planned = plannedAddresses(deployer);
  const gas = { gasLimit: DEPLOYMENT_GAS };
  const { x, y } = terms.simulatorKey;
  const salt = zeroPadValue("0x00", 32);
  const policyId = localPolicyId(
    { registry: planned.policyRegistry, owner: deployer, salt },
    await chainIdOf(signer),
  );
  const sent = [
    await new PolicyRegistry__factory(signer).deploy(gas),
    await new EnclaveRegistry__factory(signer).deploy(
      planned.policyRegistry,
      ZERO_ADDRESS,
      MAX_EVIDENCE_AGE_BLOCKS,
      gas,
    ),
    await new OracleCoordinator__factory(signer).deploy(
      planned.enclaveRegistry,
      ZERO_ADDRESS,
      deployer,
      terms.fallbackWindowSeconds,
      terms.cancelDelaySeconds,
      gas,
    ),
    await new SimulatedVerifier__factory(signer).deploy(planned.policyRegistry, x, y, gas),
  ].map((contract) => contract.deploymentTransaction());
  const rules = policyRules(planned.verifier, measurement(terms.registers), terms.behaviourDigest);
  sent.push(
    await PolicyRegistry__factory.connect(planned.policyRegistry, signer).create(
      salt,
      ZERO_ADDRESS,
      0,
      REGISTER_MASK,
      rules,
      gas,
    ),
    (await new Concierge__factory(signer).deploy(planned.coordinator, policyId, gas)).deploymentTransaction(),
    (
      await new ContentModerator__factory(signer).deploy(planned.coordinator, policyId, terms.model, gas)
    ).deploymentTransaction(),
  );
  for (const transaction of sent) {
    const receipt = await transaction?.wait();
    if (receipt?.status !== 1) {
      throw new ChainError({ code: "CHAIN_REVERTED", message: "a contract could not be deployed" });
    }
  }
  return { ...planned, policyId };
}

async function chainIdOf(signer: Signer): Promise<bigint> {
  const network = await signer.provider?.getNetwork();
  return network?.chainId ?? 0n;
}

/** `PolicyRegistry.create`: keccak256(abi.encode(chainId, registry, caller, salt)). */
function localPolicyId(
  { registry, owner, salt }: { registry: Hex; owner: Hex; salt: string },
  chainId: bigint,
): Hex {
  const types = ["uint256", "address", "address", "bytes32"];
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, [chainId, registry, owner, salt])) as Hex;
}

/** `TdxQuotes.measurement`: keccak256(mask ‖ registers). */
function measurement(registers: readonly Hex[]): string {
  return keccak256(concat([toBeHex(REGISTER_MASK, 2), ...registers]));
}

function policyRules(
  verifier: Hex,
  measured: string,
  behaviourDigest: Hex,
): { kind: number; subject: string; value: string }[] {
  return [
    { kind: Rule.verifier, subject: zeroPadValue(verifier, 32), value: PRESENT },
    { kind: Rule.measurement, subject: measured, value: PRESENT },
    { kind: Rule.behaviour, subject: behaviourDigest, value: PRESENT },
    { kind: Rule.platform, subject: ANY_PLATFORM, value: PRESENT },
    {
      kind: Rule.validitySeconds,
      subject: zeroPadValue("0x00", 32),
      value: zeroPadValue(toBeHex(ADMISSION_SECONDS), 32),
    },
  ];
}
