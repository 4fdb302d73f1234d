/**
 * EIP-712 domains. Each road has a name of its own, and the off-chain domain names no chain and no contract, so that none can
 * serve in another's place.
 */

import * as z from "zod";
import { concatBytes, fromHex, type Hex } from "./bytes.ts";
import { address, uint256 } from "./fields.ts";
import { addressWord, bytes32Word, hashWords, keccak, keccakText, uintWord } from "./struct-hash.ts";

export const ON_CHAIN_DOMAIN_NAME = "Adyton";
export const OFF_CHAIN_DOMAIN_NAME = "Adyton Off-chain";
export const FUNCTIONS_DOMAIN_NAME = "Adyton Functions";
export const AGENT_DOMAIN_NAME = "Adyton Agent";
export const UPGRADE_DOMAIN_NAME = "Adyton Upgrade";
export const DOMAIN_VERSION = "2";

export const OnChainDomain = z.strictObject({
  name: z.literal(ON_CHAIN_DOMAIN_NAME),
  version: z.literal(DOMAIN_VERSION),
  chainId: uint256,
  verifyingContract: address,
});
export type OnChainDomain = z.output<typeof OnChainDomain>;

export const OffChainDomain = z.strictObject({
  name: z.literal(OFF_CHAIN_DOMAIN_NAME),
  version: z.literal(DOMAIN_VERSION),
});
export type OffChainDomain = z.output<typeof OffChainDomain>;

/** Answers that Chainlink Functions brings: signed for one consumer, on one chain. */
export const FunctionsDomain = z.strictObject({
  name: z.literal(FUNCTIONS_DOMAIN_NAME),
  version: z.literal(DOMAIN_VERSION),
  chainId: uint256,
  verifyingContract: address,
});
export type FunctionsDomain = z.output<typeof FunctionsDomain>;

/** Answers to runs of an agent: signed for one account, on one chain. */
export const AgentDomain = z.strictObject({
  name: z.literal(AGENT_DOMAIN_NAME),
  version: z.literal(DOMAIN_VERSION),
  chainId: uint256,
  verifyingContract: address,
});
export type AgentDomain = z.output<typeof AgentDomain>;

/** Upgrades of enclaves: they name what they are about, and no chain decides of them. */
export interface UpgradeDomain {
  readonly name: typeof UPGRADE_DOMAIN_NAME;
  readonly version: typeof DOMAIN_VERSION;
}

export const UPGRADE_DOMAIN: UpgradeDomain = { name: UPGRADE_DOMAIN_NAME, version: DOMAIN_VERSION };

export type Domain = OnChainDomain | OffChainDomain | FunctionsDomain | AgentDomain;

const ON_CHAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const OFF_CHAIN_TYPE = "EIP712Domain(string name,string version)";

export function onChainDomain(chainId: bigint, coordinator: Hex): OnChainDomain {
  return { name: ON_CHAIN_DOMAIN_NAME, version: DOMAIN_VERSION, chainId, verifyingContract: coordinator };
}

export function functionsDomain(chainId: bigint, consumer: Hex): FunctionsDomain {
  return { name: FUNCTIONS_DOMAIN_NAME, version: DOMAIN_VERSION, chainId, verifyingContract: consumer };
}

export function agentDomain(chainId: bigint, account: Hex): AgentDomain {
  return { name: AGENT_DOMAIN_NAME, version: DOMAIN_VERSION, chainId, verifyingContract: account };
}

export function offChainDomain(): OffChainDomain {
  return { name: OFF_CHAIN_DOMAIN_NAME, version: DOMAIN_VERSION };
}

const hashes = new Map<string, Hex>();

/** There are five names, one version and two types, and every answer hashes some of them: each once, with the first that needs it. */
function hashOf(text: string): Hex {
  const known = hashes.get(text) ?? keccakText(text);
  hashes.set(text, known);
  return known;
}

/** EIP-712 §Definition of domainSeparator. */
export function domainSeparator(domain: Domain | UpgradeDomain): Hex {
  const named = [bytes32Word(hashOf(domain.name)), bytes32Word(hashOf(DOMAIN_VERSION))];
  return domain.name === OFF_CHAIN_DOMAIN_NAME || domain.name === UPGRADE_DOMAIN_NAME
    ? hashWords(hashOf(OFF_CHAIN_TYPE), named)
    : hashWords(hashOf(ON_CHAIN_TYPE), [
        ...named,
        uintWord(domain.chainId),
        addressWord(domain.verifyingContract),
      ]);
}

const EIP191_STRUCTURED = new Uint8Array([0x19, 0x01]);

/** The 32 bytes that are signed (EIP-712: 0x1901 ‖ domainSeparator ‖ hashStruct). */
export function typedDataDigest(domain: Domain | UpgradeDomain, structHash: Hex): Hex {
  return keccak(
    concatBytes(EIP191_STRUCTURED, fromHex(domainSeparator(domain), 32), fromHex(structHash, 32)),
  );
}
