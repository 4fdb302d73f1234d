/** Each figure of the gas benchmark, from the receipt of a transaction sent the way a user or a node would. */

import { dataSlice, keccak256 } from "ethers";
import type { GasConsumer } from "../../contracts/bindings/index.ts";
import * as p from "../../protocol/index.ts";
import { createSimulatorAttester } from "../../enclave/attesters/simulator/simulator-attester.ts";
import { encodeTdxEvidence } from "../../attestation/onchain/tdx-evidence.ts";
import { present, startChain, word, type Chain, type Rule } from "./chain.ts";
import { admitByResult } from "./admit-by-result.ts";
import { measureAccountGas } from "./agent.ts";
import { admitByQuote, createNode, encodeBatch, signAnswer, type Asked } from "./node.ts";
import { measureRepaid } from "./repaid.ts";
import {
  commit,
  consumerOf,
  FEE,
  firstNode,
  fulfill,
  HOUR_SECONDS,
  lastAsked,
  openCommitted,
  OUTPUT,
  PROMPT,
  VALUE,
  type Stage,
} from "./stage.ts";

const AMD = 2n;

export type GasFigures = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

export async function tdxRules(chain: Chain): Promise<readonly Rule[]> {
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
  // Keys answer what was asked in a later second.
  await chain.later(2n);
  const consumers: GasConsumer[] = [];
  for (let index = 0; index < 50; index += 1) consumers.push(await chain.deployConsumer(policyId));
  const stage = { chain, policyId, nodes, consumers };
  await measureQuorum(stage, 1_000n);
  return { stage, admissions: { admitTdxFirst: gas[0] ?? 0, admitTdx: gas[1] ?? 0 } };
}

/** The opening of three leaves that were committed before, and the commit itself. */
async function measureQuorum(
  stage: Stage,
  item: bigint,
): Promise<{ commitQuorum3: number; quorum3: number }> {
  const { chain, nodes } = stage;
  const consumer = consumerOf(stage, 0);
  await chain.mine(consumer.askWith(item, PROMPT, FEE, 0, 3, 1_024, HOUR_SECONDS, { value: VALUE }));
  const asked = await lastAsked(chain);
  const committed = await chain.mine(commit(stage, asked, nodes, OUTPUT));
  const opened = await chain.mine(openCommitted(stage, asked, nodes, OUTPUT));
  return { commitQuorum3: Number(committed.gasUsed), quorum3: Number(opened.gasUsed) };
}

async function measureAskAndFulfill(stage: Stage): Promise<GasFigures> {
  const { chain } = stage;
  const consumer = consumerOf(stage, 1);
  const request = await chain.gasOf(consumer.ask(1, PROMPT, FEE, { value: VALUE }));
  const fulfilled = await chain.gasOf(fulfill(stage, await lastAsked(chain), OUTPUT));
  const byContext = consumer.askByContext(p.keccakText("context"), PROMPT, FEE, { value: VALUE });
  return { request, requestContext: await chain.gasOf(byContext), fulfill: fulfilled };
}

/** An account without code asks: what is left is the coordinator's part, and the transaction's. */
async function measureWithoutConsumer(stage: Stage): Promise<Readonly<Record<string, number>>> {
  const { chain, policyId } = stage;
  const from = await chain.owner.getAddress();
  const block = await chain.provider.getBlock("latest");
  const terms = {
    ...{ context: p.keccakText("account"), payer: from, refundTo: from, subscriptionId: 0, policyId },
    ...{ threshold: 1, aggregation: 0, delivery: 0, callbackGasLimit: 200_000, maxOutputBytes: 1_024 },
    ...{ fee: FEE, gasPriceCap: 10n ** 11n, deadline: BigInt(block?.timestamp ?? 0) + HOUR_SECONDS },
  };
  const payload = p.encodePayload({ type: p.PayloadType.inference, prompt: questionOf(PROMPT) });
  const ask = (index: number): Promise<number> =>
    chain.gasOf(
      chain.coordinator.request({ ...terms, context: word(BigInt(index)) }, payload, { value: VALUE }),
    );
  await ask(1);
  const request = await ask(2);
  const fulfilled = await chain.gasOf(fulfill(stage, await lastAsked(chain), OUTPUT));
  const batch: Asked[] = [];
  for (let index = 0; index < 50; index += 1) {
    await ask(1_000 + index);
    batch.push(await lastAsked(chain));
  }
  const gas = await chain.gasOf(chain.settle(encodeBatch(firstNode(stage), batch, OUTPUT)));
  return { request, fulfill: fulfilled, batch50: Math.round(gas / batch.length) };
}

/** What `Inference.text` builds. */
function questionOf(content: string): p.Prompt {
  return {
    models: ["openai/gpt-5.1"],
    panelRule: 0,
    panelQuorum: 0,
    messages: [{ role: p.Role.user, content }],
    maxOutputTokens: 1_024,
    sampling: p.PROVIDER_DEFAULT_SAMPLING,
    format: { kind: p.OutputKind.text, schema: "", choices: [] },
    parts: [],
  };
}

async function measureSubscription(stage: Stage): Promise<GasFigures> {
  const { chain } = stage;
  await chain.mine(chain.coordinator.openSubscription({ value: 10n * VALUE }));
  const consumer = consumerOf(stage, 2);
  await chain.mine(chain.coordinator.setConsumer(1, await consumer.getAddress(), VALUE));
  return { requestSubscription: await chain.gasOf(consumer.askFromSubscription(2, PROMPT, FEE, 1)) };
}

async function measureDeliveries(stage: Stage): Promise<GasFigures> {
  const { chain } = stage;
  await chain.mine(consumerOf(stage, 3).askWith(3, PROMPT, FEE, 1, 1, 1_024, HOUR_SECONDS, { value: VALUE }));
  const fulfillHashOnly = await chain.gasOf(fulfill(stage, await lastAsked(chain), OUTPUT));
  const puller = consumerOf(stage, 4);
  await chain.mine(puller.askWith(4, PROMPT, FEE, 2, 1, 1_024, HOUR_SECONDS, { value: VALUE }));
  const asked = await lastAsked(chain);
  const { answer, signature, stateBlockNumber } = signAnswer(firstNode(stage), asked, OUTPUT);
  const checker = await chain.checker.getAddress();
  const pullVerify = await chain.gasOf(
    puller.useAnswer(checker, asked.request, answer, OUTPUT, signature, stateBlockNumber),
  );
  return { fulfillHashOnly, pullVerify };
}

async function measureBatch(stage: Stage, size: number, consumers: "distinct" | "one"): Promise<number> {
  const { chain } = stage;
  const all: Asked[] = [];
  for (let index = 0; index < size; index += 1) {
    const item = BigInt(10_000 + size * 100 + index) + (consumers === "one" ? 100_000n : 0n);
    const consumer = consumerOf(stage, consumers === "one" ? 5 : index);
    await chain.mine(consumer.ask(item, PROMPT, FEE, { value: VALUE }));
    all.push(await lastAsked(chain));
  }
  return Math.round((await chain.gasOf(chain.settle(encodeBatch(firstNode(stage), all, OUTPUT)))) / size);
}

async function measureRefund(stage: Stage): Promise<number> {
  const { chain } = stage;
  await chain.mine(consumerOf(stage, 6).askWith(6, PROMPT, FEE, 0, 1, 1_024, 90n, { value: VALUE }));
  const { request } = await lastAsked(chain);
  await chain.later(91n);
  return await chain.gasOf(chain.coordinator.refund(request));
}

async function measureAdmitByResult(stage: Stage): Promise<number> {
  const { chain } = stage;
  const policyId = await chain.createPolicy(2n, await chain.results.getAddress(), [
    present(8, stage.policyId),
    present(9, word(AMD)),
  ]);
  return await admitByResult(createNode("subject"), chain, {
    policyId,
    voucher: firstNode(stage),
    voucherPolicyId: stage.policyId,
    vendor: AMD,
    platform: "chip",
  });
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
      ...(await measureQuorum(stage, 7n)),
      refund: await measureRefund(stage),
      withoutConsumer: await measureWithoutConsumer(stage),
      repaid: await measureRepaid(stage),
      accountGas: await measureAccountGas(stage),
    };
  } finally {
    await chain.stop();
  }
}

/** Only what acting through an AgentAccount costs. */
export async function measureAgentAccount(): Promise<Readonly<Record<string, number>>> {
  const chain = await startChain();
  try {
    return await measureAccountGas((await setStage(chain)).stage);
  } finally {
    await chain.stop();
  }
}
