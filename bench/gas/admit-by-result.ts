/** Admission on a verifier's word, of hardware of any vendor. */

import { AbiCoder, TypedDataEncoder } from "ethers";
import * as p from "../../protocol/index.ts";
import type { Chain } from "./chain.ts";
import { CHAIN_ID } from "./constants.ts";
import { bindToChain, type BenchNode } from "./node.ts";

const HOUR_SECONDS = 3_600n;

const RESULT_FIELDS = [
  ["subjectKeysetId", "bytes32"],
  ["claimsDigest", "bytes32"],
  ["policyId", "bytes32"],
  ["policyVersion", "uint32"],
  ["registry", "address"],
  ["evidenceBlockHash", "bytes32"],
  ["verifierKeysetId", "bytes32"],
  ["vendor", "uint8"],
  ["platformId", "bytes32"],
  ["thisUpdate", "uint64"],
  ["nextUpdate", "uint64"],
].map(([name, type]) => ({ name: String(name), type: String(type) }));

export interface ResultOptions {
  readonly policyId: p.Hex;
  readonly voucher: BenchNode;
  /** Under which the voucher is admitted itself. */
  readonly voucherPolicyId: p.Hex;
  readonly vendor: bigint;
  readonly platform: string;
}

/** The gas of it. */
export async function admitByResult(
  subject: BenchNode,
  chain: Chain,
  { policyId, voucher, voucherPolicyId, vendor, platform }: ResultOptions,
): Promise<number> {
  const { reportData, blockNumber } = await bindToChain(subject, chain);
  const block = await chain.provider.getBlock(blockNumber);
  const now = BigInt(block?.timestamp ?? 0);
  const result = {
    subjectKeysetId: subject.keysetId,
    claimsDigest: p.toHex(reportData.subarray(0, 32)),
    policyId,
    policyVersion: 1,
    registry: await chain.enclaves.getAddress(),
    evidenceBlockHash: block?.hash,
    verifierKeysetId: voucher.keysetId,
    vendor,
    platformId: p.keccakText(platform),
    thisUpdate: now - HOUR_SECONDS,
    nextUpdate: now + 24n * HOUR_SECONDS,
  };
  const verifier = await chain.results.getAddress();
  const domain = { name: "Adyton", version: "2", chainId: CHAIN_ID, verifyingContract: verifier };
  const digest = TypedDataEncoder.hash(domain, { AttestationResult: RESULT_FIELDS }, result) as p.Hex;
  const tuple = `tuple(${RESULT_FIELDS.map(({ name, type }) => `${type} ${name}`).join(",")})`;
  const evidence = AbiCoder.defaultAbiCoder().encode(
    [tuple, "bytes32", "bytes"],
    [result, voucherPolicyId, p.signDigest(digest, voucher.privateKey)],
  );
  return await chain.gasOf(chain.enclaves.admit(policyId, subject.keyset, blockNumber, verifier, evidence));
}
