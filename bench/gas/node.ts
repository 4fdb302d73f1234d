/** A node of the benchmark: keys, evidence of a simulated machine of its own, and signatures. */

import { createSimulatorAttester } from "../../enclave/attesters/simulator/simulator-attester.ts";
import { encodeTdxEvidence } from "../../attestation/onchain/tdx-evidence.ts";
import { encodeFulfillBatch } from "../../oracle/chain/contracts/batch-call.ts";
import type { SignedLeaf } from "../../oracle/chain/contracts/quorum-call.ts";
import type { SettlingAnswer } from "../../oracle/chain/contracts/settlement-call.ts";
import * as p from "../../protocol/index.ts";
import type { Chain } from "./chain.ts";
import { BEHAVIOUR, CHAIN_ID } from "./constants.ts";

export interface BenchNode {
  readonly keyset: p.Keyset;
  readonly keysetId: p.Hex;
  readonly privateKey: Uint8Array<ArrayBuffer>;
}

export function createNode(name: string): BenchNode {
  const hash = (what: string): p.Hex => p.keccakText(`${name} ${what}`);
  const privateKey = p.fromHex(hash("answer key"));
  const digest = hash("anything");
  const keyset: p.Keyset = {
    answerKey: p.recoverSigner(digest, p.signDigest(digest, privateKey)),
    tlsKeyHash: hash("tls"),
    sealingKey: hash("sealing"),
    logKey: hash("log"),
    behaviourDigest: BEHAVIOUR,
    operatorDigest: hash("operator"),
    softwareVersionHash: hash("version"),
    payee: `0x${hash("payee").slice(26)}`,
  };
  return { keyset, keysetId: p.keysetId(keyset), privateKey };
}

/** Report data that binds the node to the chain's latest block, and that block's number. */
export async function bindToChain(
  node: BenchNode,
  chain: Chain,
): Promise<{ reportData: Uint8Array; blockNumber: number }> {
  const block = await chain.provider.getBlock("latest");
  if (block?.hash === undefined || block.hash === null) throw new Error("the chain has no block");
  const nonce = p.admissionNonce({
    chainId: CHAIN_ID,
    registry: (await chain.enclaves.getAddress()).toLowerCase() as p.Hex,
    blockNumber: BigInt(block.number),
    blockHash: block.hash as p.Hex,
  });
  const claims = p.encodeClaims({ nonce, keysetId: node.keysetId, tlsKeyHash: node.keyset.tlsKeyHash });
  return { reportData: p.claimsReportData(claims), blockNumber: block.number };
}

/** Admits the node by a TDX quote of a machine named `platform`; the gas of it. */
export async function admitByQuote(
  node: BenchNode,
  chain: Chain,
  options: { readonly policyId: p.Hex; readonly platform: string; readonly intermediate: "include" | "omit" },
): Promise<number> {
  const { reportData, blockNumber } = await bindToChain(node, chain);
  const attester = await createSimulatorAttester({ platform: options.platform });
  const evidence = encodeTdxEvidence(await attester.getEvidence(reportData), options);
  return await chain.gasOf(
    chain.enclaves.admit(options.policyId, node.keyset, blockNumber, chain.tdx, evidence),
  );
}

/** A request, and the block that its answers are bound to. */
export interface Asked {
  readonly request: p.Request;
  readonly blockNumber: number;
  readonly blockHash: p.Hex;
}

export interface Signed extends SettlingAnswer {
  readonly signature: p.Hex;
}

export function signAnswer(
  node: BenchNode,
  { request, blockNumber, blockHash }: Asked,
  output: p.Hex,
): Signed {
  const answer: p.Answer = {
    requestId: p.requestId(request),
    status: p.AnswerStatus.ok,
    outputHash: p.keccak(p.fromHex(output)),
    transcriptRoot: p.keccakText("transcript"),
    stateBlockHash: blockHash,
    keysetId: node.keysetId,
    answeredAt: request.requestedAt,
  };
  const digest = p.answerDigest(p.onChainDomain(CHAIN_ID, request.coordinator), answer);
  return {
    answer,
    signature: p.signDigest(digest, node.privateKey),
    output,
    stateBlockNumber: BigInt(blockNumber),
  };
}

/** The node's commitment to an answer that it has signed. */
export function signLeaf(node: BenchNode, { request }: Asked, { answer }: Signed): SignedLeaf {
  const leaf = p.quorumLeafOf(answer);
  const digest = p.quorumLeafDigest(p.onChainDomain(CHAIN_ID, request.coordinator), leaf);
  return {
    leaf: leaf.leaf,
    keysetId: leaf.keysetId,
    signature: p.signDigest(digest, node.privateKey),
  };
}

/** Calldata of a whole batch. */
export function encodeBatch(node: BenchNode, all: readonly Asked[], output: p.Hex): p.Hex {
  const items = all.map((asked) => ({ request: asked.request, ...signAnswer(node, asked, output) }));
  const leaves = items.map(({ answer }) => p.batchLeaf(p.answerStructHash(answer)));
  const { root, count } = p.createBatchTree(leaves.sort());
  const coordinator = all[0]?.request.coordinator ?? "0x";
  const digest = p.batchDigest(p.onChainDomain(CHAIN_ID, coordinator), root, count);
  const signature = p.signDigest(digest, node.privateKey);
  return encodeFulfillBatch(items, node.keysetId, { root, count, signature });
}
