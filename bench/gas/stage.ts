/** What every measurement starts from, and the steps that they share. */

import type { TransactionResponse } from "ethers";
import type { GasConsumer } from "../../contracts/bindings/index.ts";
import { decodeCoordinatorLog } from "../../oracle/chain/abi/coordinator-log.ts";
import { encodeCommitQuorum, encodeOpenQuorum } from "../../oracle/chain/contracts/quorum-call.ts";
import { encodeFulfill } from "../../oracle/chain/contracts/settlement-call.ts";
import * as p from "../../protocol/index.ts";
import type { Chain } from "./chain.ts";
import { CHAIN_ID } from "./constants.ts";
import { signAnswer, signLeaf, type Asked, type BenchNode } from "./node.ts";

/** 200 bytes, as text is. */
export const PROMPT = "Which temple was the oracle's, and who spoke there? ".repeat(4).slice(0, 200);
export const FEE = 10n ** 15n;
export const VALUE = 10n ** 17n;
export const OUTPUT = p.toHex(p.toUtf8("Apollo's, at Delphi: the Pythia spoke."));
export const HOUR_SECONDS = 3_600n;
/** The contracts' own (contracts/src/types/Policy.sol), and a second more. */
const AFTER_WINDOW_SECONDS = 31n;

export interface Stage {
  readonly chain: Chain;
  readonly policyId: p.Hex;
  readonly nodes: readonly BenchNode[];
  readonly consumers: readonly GasConsumer[];
}

/** The latest request, read from its event as a node does. */
export async function lastAsked({ coordinator, provider }: Chain): Promise<Asked> {
  const address = (await coordinator.getAddress()).toLowerCase() as p.Hex;
  const logs = await provider.getLogs({ address, fromBlock: "latest" });
  for (const log of logs.reverse()) {
    const { blockNumber, blockHash, transactionHash, index: logIndex } = log;
    const event = decodeCoordinatorLog(
      {
        address,
        topics: log.topics as p.Hex[],
        data: log.data as p.Hex,
        blockNumber,
        blockHash: blockHash as p.Hex,
        transactionHash: transactionHash as p.Hex,
        logIndex,
      },
      CHAIN_ID,
    );
    if (event?.kind === "requested")
      return { request: event.request, blockNumber, blockHash: event.blockHash };
  }
  throw new Error("no request was made");
}

export const consumerOf = ({ consumers }: Stage, index: number): GasConsumer => {
  const consumer = consumers[index % consumers.length];
  if (consumer === undefined) throw new Error("no such consumer");
  return consumer;
};

export const firstNode = ({ nodes }: Stage): BenchNode => {
  const [node] = nodes;
  if (node === undefined) throw new Error("no node");
  return node;
};

/** By the first node, unless told. */
export function fulfill(
  stage: Stage,
  asked: Asked,
  output: p.Hex,
  node: BenchNode = firstNode(stage),
): Promise<TransactionResponse> {
  const signed = signAnswer(node, asked, output);
  return stage.chain.settle(encodeFulfill(asked.request, signed, signed.signature));
}

export function commit(
  { chain }: Stage,
  asked: Asked,
  nodes: readonly BenchNode[],
  output: p.Hex,
): Promise<TransactionResponse> {
  const leaves = nodes.map((node) => signLeaf(node, asked, signAnswer(node, asked, output)));
  return chain.settle(encodeCommitQuorum(asked.request, leaves));
}

/** After the window. */
export async function openCommitted(
  { chain }: Stage,
  asked: Asked,
  nodes: readonly BenchNode[],
  output: p.Hex,
): Promise<TransactionResponse> {
  await chain.later(AFTER_WINDOW_SECONDS);
  const openings = nodes.map((node) => signAnswer(node, asked, output));
  return await chain.settle(encodeOpenQuorum(asked.request, openings));
}
