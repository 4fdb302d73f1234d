/** A node of the benchmark: keys, evidence of a simulated machine of its own, and signatures. */

import { createSimulatorAttester } from "../../enclave/attesters/simulator/simulator-attester.ts";
import { encodeTdxEvidence } from "../../attestation/onchain/tdx-evidence.ts";
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

export interface SignedForChain {
  readonly answer: p.Answer;
  readonly signature: p.Hex;
  readonly output: p.Hex;
  readonly stateBlockNumber: number;
}

export function createAnswer(node: BenchNode, request: p.Request, output: p.Hex): p.Answer {
  return {
    requestId: p.requestId(request),
    status: p.AnswerStatus.ok,
    outputHash: p.keccak(p.fromHex(output)),
    transcriptRoot: p.keccakText("transcript"),
    stateBlockHash: `0x${"00".repeat(32)}`,
    keysetId: node.keysetId,
    answeredAt: request.deadline - 3_600n,
  };
}

export function signAnswer(node: BenchNode, request: p.Request, output: p.Hex): SignedForChain {
  const answer = createAnswer(node, request, output);
  const digest = p.answerDigest(p.onChainDomain(CHAIN_ID, request.coordinator), answer);
  const isCarried = request.delivery === p.Delivery.callback;
  return {
    answer,
    signature: p.signDigest(digest, node.privateKey),
    output: isCarried ? output : "0x",
    stateBlockNumber: 0,
  };
}

export interface Batch {
  readonly items: readonly {
    request: p.Request;
    answer: p.Answer;
    output: p.Hex;
    stateBlockNumber: number;
  }[];
  readonly root: p.Hex;
  readonly signature: p.Hex;
}

/** A whole batch, its items in the order of their leaves. */
export function signBatch(node: BenchNode, requests: readonly p.Request[], output: p.Hex): Batch {
  const items = requests
    .map((request) => {
      const answer = createAnswer(node, request, output);
      return {
        leaf: p.batchLeaf(p.answerStructHash(answer)),
        item: { request, answer, output, stateBlockNumber: 0 },
      };
    })
    .sort((a, b) => (a.leaf < b.leaf ? -1 : 1));
  const { root } = p.createBatchTree(items.map(({ leaf }) => leaf));
  const coordinator = requests[0]?.coordinator ?? "0x";
  const digest = p.batchDigest(p.onChainDomain(CHAIN_ID, coordinator), root, items.length);
  return { items: items.map(({ item }) => item), root, signature: p.signDigest(digest, node.privateKey) };
}
