/** Each figure of the gas benchmark, from the receipt of a transaction sent the way a user would. */

import { AbiCoder, TypedDataEncoder, dataSlice, keccak256 } from "ethers";
import type { GasConsumer } from "../../contracts/bindings/index.ts";
import type { RequestStructOutput } from "../../contracts/bindings/OracleCoordinator.ts";
import * as p from "../../protocol/index.ts";
import { createSimulatorAttester } from "../../enclave/attesters/simulator/simulator-attester.ts";
import { encodeTdxEvidence } from "../../attestation/onchain/tdx-evidence.ts";
import { present, startChain, word, type Chain, type Rule } from "./chain.ts";
import { CHAIN_ID } from "./constants.ts";
import { admitByQuote, bindToChain, createNode, signAnswer, signBatch, type BenchNode } from "./node.ts";

/** 200 bytes, as text is. */
const PROMPT = "Which temple was the oracle's, and who spoke there? ".repeat(4).slice(0, 200);
const FEE = 10n ** 15n;
const VALUE = 10n ** 17n;
const OUTPUT = p.toHex(p.toUtf8("Apollo's, at Delphi: the Pythia spoke."));
const HOUR_SECONDS = 3_600n;
const AMD = 2n;

export type GasFigures = Readonly<Record<string, number>>;

interface Stage {
  readonly chain: Chain;
  readonly policyId: p.Hex;
  readonly nodes: readonly BenchNode[];
  readonly consumers: readonly GasConsumer[];
}

/** The latest request, read from its event. */
async function lastRequest({ coordinator }: Chain): Promise<p.Request> {
  const [event] = (await coordinator.queryFilter(coordinator.filters.Requested(), -0)).slice(-1);
  if (event === undefined) throw new Error("no request was made");
  return toRequest(event.args.request);
}

/** ethers gives integers as bigint and addresses in checksum case; the protocol's types are numbers where they fit. */
function toRequest(emitted: RequestStructOutput): p.Request {
  const lower = (text: string): p.Hex => text.toLowerCase() as p.Hex;
  return {
    chainId: emitted.chainId,
    coordinator: lower(emitted.coordinator),
    consumer: lower(emitted.consumer),
    nonce: emitted.nonce,
    payer: lower(emitted.payer),
    refundTo: lower(emitted.refundTo),
    subscriptionId: emitted.subscriptionId,
    payloadHash: lower(emitted.payloadHash),
    payloadUriHash: lower(emitted.payloadUriHash),
    policyId: lower(emitted.policyId),
    policyVersion: Number(emitted.policyVersion),
    threshold: Number(emitted.threshold),
    aggregation: Number(emitted.aggregation),
    delivery: Number(emitted.delivery),
    callbackGasLimit: Number(emitted.callbackGasLimit),
    maxOutputBytes: Number(emitted.maxOutputBytes),
    fee: emitted.fee,
    gasPriceCap: emitted.gasPriceCap,
    deadline: emitted.deadline,
  };
}

async function tdxRules(chain: Chain): Promise<readonly Rule[]> {
  const attester = await createSimulatorAttester({ platform: "sample" });
  const quote = await attester.getEvidence(new Uint8Array(64));
  const claims = await chain.tdx.verifyQuote(encodeTdxEvidence(quote, { intermediate: "include" }));
  const floor = word(1n);
  const major = dataSlice(claims.body, 1, 2).slice(2);
  return [
    present(5, keccak256(dataSlice(claims.body, 64, 120))),
    { kind: 6, subject: claims.quotingEnclave, value: floor },
    { kind: 7, subject: `${claims.fmspc}${major}`.padEnd(66, "0"), value: floor },
  ];
}

/** Policy, three admitted nodes, fifty consumers, and balances that are not zero. */
async function setStage(chain: Chain): Promise<{ readonly stage: Stage; readonly admissions: GasFigures }> {
  const policyId = await chain.createPolicy(1n, await chain.tdx.getAddress(), await tdxRules(chain));
  const nodes = ["n0", "n1", "n2"].map(createNode);
  const gas: number[] = [];
  for (const [index, node] of nodes.entries()) {
    const intermediate = index === 0 ? "include" : "omit";
    gas.push(await admitByQuote(node, chain, { policyId, platform: `platform ${index}`, intermediate }));
  }
  const consumers: GasConsumer[] = [];
  for (let index = 0; index < 50; index += 1) consumers.push(await chain.deployConsumer(policyId));
  const stage = { chain, policyId, nodes, consumers };
  await measureQuorum(stage, 1_000n);
  return { stage, admissions: { admitTdxFirst: gas[0] ?? 0, admitTdx: gas[1] ?? 0 } };
}

const consumerOf = ({ consumers }: Stage, index: number): GasConsumer => {
  const consumer = consumers[index % consumers.length];
  if (consumer === undefined) throw new Error("no such consumer");
  return consumer;
};

const firstNode = ({ nodes }: Stage): BenchNode => {
  const [node] = nodes;
  if (node === undefined) throw new Error("no node");
  return node;
};

async function measureQuorum(stage: Stage, item: bigint): Promise<number> {
  const { chain, nodes } = stage;
  await (await consumerOf(stage, 0).askWith(item, PROMPT, FEE, 0, 3, HOUR_SECONDS, { value: VALUE })).wait();
  const request = await lastRequest(chain);
  const answers = nodes.map((node) => signAnswer(node, request, OUTPUT));
  return await chain.gasOf(chain.coordinator.fulfillQuorum(request, answers));
}

async function measureAskAndFulfill(stage: Stage): Promise<GasFigures> {
  const { chain } = stage;
  const request = await chain.gasOf(consumerOf(stage, 1).ask(1, PROMPT, FEE, { value: VALUE }));
  const asked = await lastRequest(chain);
  const fulfill = await chain.gasOf(
    chain.coordinator.fulfill(asked, signAnswer(firstNode(stage), asked, OUTPUT)),
  );
  return { request, fulfill };
}

async function measureSubscription(stage: Stage): Promise<GasFigures> {
  const { chain } = stage;
  await (await chain.coordinator.openSubscription({ value: 10n * VALUE })).wait();
  const consumer = consumerOf(stage, 2);
  await (await chain.coordinator.setConsumer(1, await consumer.getAddress(), VALUE)).wait();
  return { requestSubscription: await chain.gasOf(consumer.askFromSubscription(2, PROMPT, FEE, 1)) };
}

async function measureDeliveries(stage: Stage): Promise<GasFigures> {
  const { chain } = stage;
  const node = firstNode(stage);
  await (await consumerOf(stage, 3).askWith(3, PROMPT, FEE, 1, 1, HOUR_SECONDS, { value: VALUE })).wait();
  const hashed = await lastRequest(chain);
  const fulfillHashOnly = await chain.gasOf(
    chain.coordinator.fulfill(hashed, signAnswer(node, hashed, OUTPUT)),
  );
  const puller = consumerOf(stage, 4);
  await (await puller.askWith(4, PROMPT, FEE, 2, 1, HOUR_SECONDS, { value: VALUE })).wait();
  const pulled = await lastRequest(chain);
  const { answer, signature } = signAnswer(node, pulled, OUTPUT);
  const checker = await chain.checker.getAddress();
  const pullVerify = await chain.gasOf(puller.useAnswer(checker, pulled, answer, OUTPUT, signature));
  return { fulfillHashOnly, pullVerify };
}

async function measureBatch(stage: Stage, size: number, consumers: "distinct" | "one"): Promise<number> {
  const { chain } = stage;
  const requests: p.Request[] = [];
  for (let index = 0; index < size; index += 1) {
    const item = BigInt(10_000 + size * 100 + index) + (consumers === "one" ? 100_000n : 0n);
    const consumer = consumerOf(stage, consumers === "one" ? 5 : index);
    await (await consumer.ask(item, PROMPT, FEE, { value: VALUE })).wait();
    requests.push(await lastRequest(chain));
  }
  const { items, root, signature } = signBatch(firstNode(stage), requests, OUTPUT);
  const gas = await chain.gasOf(chain.coordinator.fulfillBatch([...items], root, size, [], signature));
  return Math.round(gas / size);
}

async function measureRefund(stage: Stage): Promise<number> {
  const { chain } = stage;
  await (await consumerOf(stage, 6).askWith(6, PROMPT, FEE, 0, 1, 60n, { value: VALUE })).wait();
  const request = await lastRequest(chain);
  await chain.later(61n);
  return await chain.gasOf(chain.coordinator.refund(request));
}

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

async function measureAdmitByResult(stage: Stage): Promise<number> {
  const { chain } = stage;
  const voucher = firstNode(stage);
  const policyId = await chain.createPolicy(2n, await chain.results.getAddress(), [
    present(8, stage.policyId),
    present(9, word(AMD)),
  ]);
  const subject = createNode("subject");
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
    vendor: AMD,
    platformId: p.keccakText("chip"),
    thisUpdate: now - HOUR_SECONDS,
    nextUpdate: now + 24n * HOUR_SECONDS,
  };
  const verifier = await chain.results.getAddress();
  const domain = { name: "Adyton", version: "1", chainId: CHAIN_ID, verifyingContract: verifier };
  const digest = TypedDataEncoder.hash(domain, { AttestationResult: RESULT_FIELDS }, result) as p.Hex;
  const tuple = `tuple(${RESULT_FIELDS.map(({ name, type }) => `${type} ${name}`).join(",")})`;
  const evidence = AbiCoder.defaultAbiCoder().encode(
    [tuple, "bytes32", "bytes"],
    [result, stage.policyId, p.signDigest(digest, voucher.privateKey)],
  );
  return await chain.gasOf(chain.enclaves.admit(policyId, subject.keyset, blockNumber, verifier, evidence));
}

/** Starts a chain, measures everything on it, and stops it. */
export async function measureGas(): Promise<GasFigures> {
  const chain = await startChain();
  try {
    const { stage, admissions } = await setStage(chain);
    return {
      ...(await measureAskAndFulfill(stage)),
      ...(await measureSubscription(stage)),
      ...(await measureDeliveries(stage)),
      batch10PerAnswer: await measureBatch(stage, 10, "distinct"),
      batch50PerAnswer: await measureBatch(stage, 50, "distinct"),
      batch50OneConsumerPerAnswer: await measureBatch(stage, 50, "one"),
      ...admissions,
      admitByResult: await measureAdmitByResult(stage),
      quorum3: await measureQuorum(stage, 7n),
      refund: await measureRefund(stage),
    };
  } finally {
    await chain.stop();
  }
}
