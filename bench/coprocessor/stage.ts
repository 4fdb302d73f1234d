/** A ledger on a local chain, with three admitted members that answer and sign as enclaves do. */

import { ledgerRequestId, type LedgerName } from "../../coprocessor/ledger/entry.ts";
import type { LedgerLog } from "../../coprocessor/ledger/ledger-events.ts";
import { Ledger, type LedgerEntry } from "../../coprocessor/ledger/ledger.ts";
import type { SettledRow } from "../../coprocessor/ledger/settled-rows.ts";
import { snapshotDigest } from "../../coprocessor/ledger/snapshot.ts";
import { assembleSnapshotCall } from "../../coprocessor/snapshots/assemble-call.ts";
import { judgeEpoch, type JudgedEpoch } from "../../coprocessor/snapshots/judge-epoch.ts";
import type { EntryAnswer, SnapshotCall } from "../../coprocessor/snapshots/snapshot-call.ts";
import { type SnapshotLedger, SnapshotLedger__factory } from "../../contracts/bindings/index.ts";
import * as p from "../../protocol/index.ts";
import { admitByResult } from "../gas/admit-by-result.ts";
import { present, word, type Chain } from "../gas/chain.ts";
import { CHAIN_ID } from "../gas/constants.ts";
import { admitByQuote, createNode, type BenchNode } from "../gas/node.ts";
import { tdxRules } from "../gas/measure.ts";

export const PRICE = 10n ** 12n;

export interface LedgerStage {
  readonly chain: Chain;
  readonly name: LedgerName;
  readonly contract: SnapshotLedger;
  readonly nodes: readonly BenchNode[];
}

/** A policy and three nodes that it admits, of three machines. */
export async function admitNodes(
  chain: Chain,
): Promise<{ readonly policyId: p.Hex; readonly nodes: readonly BenchNode[] }> {
  const policyId = await chain.createPolicy(1n, await chain.tdx.getAddress(), await tdxRules(chain));
  const nodes = ["n0", "n1", "n2"].map(createNode);
  for (const [index, node] of nodes.entries()) {
    const intermediate = index === 0 ? "include" : "omit";
    await admitByQuote(node, chain, { policyId, platform: `platform ${index}`, intermediate });
  }
  // Keys answer what was asked in a later second.
  await chain.later(2n);
  return { policyId, nodes };
}

/** Intel, AMD, Nitro, as verifiers' results have them. */
const VENDORS = [1n, 2n, 3n] as const;

/** A policy that wants distinct vendors, and a node of each of three, which a node of `admitted` vouches for. */
export async function admitThreeVendors(
  chain: Chain,
  admitted: Awaited<ReturnType<typeof admitNodes>>,
): Promise<{
  readonly policyId: p.Hex;
  readonly nodes: readonly BenchNode[];
  readonly vendors: readonly bigint[];
}> {
  const [voucher] = admitted.nodes;
  if (voucher === undefined) throw new Error("nobody vouches");
  const policyId = await chain.createPolicy(3n, await chain.results.getAddress(), [
    present(8, admitted.policyId),
    ...VENDORS.map((vendor) => present(9, word(vendor))),
    { kind: 194, subject: word(0n), value: word(1n) },
  ]);
  const nodes = VENDORS.map((vendor) => createNode(`vendor ${vendor}`));
  for (const [index, node] of nodes.entries()) {
    await admitByResult(node, chain, {
      policyId,
      voucher,
      voucherPolicyId: admitted.policyId,
      vendor: VENDORS[index] ?? 0n,
      platform: `machine ${index}`,
    });
  }
  await chain.later(2n);
  return { policyId, nodes, vendors: VENDORS };
}

export async function deployLedger(
  chain: Chain,
  { policyId, nodes }: Pick<Awaited<ReturnType<typeof admitNodes>>, "policyId" | "nodes">,
  threshold: number,
): Promise<LedgerStage> {
  const terms = {
    policyId,
    threshold,
    aggregation: threshold === 1 ? p.Aggregation.first : p.Aggregation.identical,
    maxOutputBytes: 1_024,
    price: PRICE,
    priorityWindowSeconds: 60,
    exitWindowSeconds: 3_600,
    refuteWindowSeconds: 600,
  } as const;
  const contract = await new SnapshotLedger__factory(chain.owner).deploy(
    await chain.enclaves.getAddress(),
    terms,
  );
  await contract.waitForDeployment();
  const ledger = (await contract.getAddress()).toLowerCase() as p.Hex;
  const account = await chain.owner.getAddress();
  await chain.mine(contract.fund(account, { value: 10_000n * PRICE }));
  return { chain, name: { chainId: CHAIN_ID, ledger, terms }, contract, nodes: nodes.slice(0, threshold) };
}

export const localKey = (index: number): p.Hex => p.keccakText(`post ${index}`);

/** Asks without waiting in between. */
export async function askMany(
  { chain, contract }: LedgerStage,
  count: number,
  payload: p.Hex,
): Promise<void> {
  const sent = [];
  for (let index = 0; index < count; index += 1) sent.push(await contract.ask(localKey(index), payload));
  for (const transaction of sent) await chain.mine(Promise.resolve(transaction));
}

/** Everything that the ledger's address logged. */
export async function logsOf({ chain, name }: LedgerStage): Promise<readonly LedgerLog[]> {
  const logs = await chain.provider.getLogs({ address: name.ledger, fromBlock: 0 });
  return logs.map(({ topics, data }) => ({ topics: topics as p.Hex[], data: data as p.Hex }));
}

export interface EpochOptions {
  /** What a member answers; by default the same word. */
  readonly output?: (entry: LedgerEntry, member: number) => p.Hex;
}

/** Records the end, lets every member answer, and assembles what they are given to sign. */
export async function nextEpoch(
  stage: LedgerStage,
  { output = (entry) => p.keccak(p.fromHex(entry.payload)) }: EpochOptions = {},
): Promise<{ readonly call: SnapshotCall; readonly ledger: Ledger }> {
  const { chain, contract, name, nodes } = stage;
  await chain.mine(contract.checkpoint());
  await chain.later(1n);
  const ledger = Ledger.fromLogs(await logsOf(stage));
  const next = ledger.nextCheckpoint();
  if (next === null) throw new Error("nothing to settle");
  const block = await chain.provider.getBlock(Number(next.checkpoint.blockNumber));
  const stateBlockHash = block?.hash as p.Hex;
  const domain = p.onChainDomain(name.chainId, name.ledger);
  const answersTo = (entry: LedgerEntry): readonly EntryAnswer[] =>
    nodes.map((node, member) => {
      const said = output(entry, member);
      const answer: p.Answer = {
        requestId: ledgerRequestId(name, {
          checkpoint: next.checkpoint,
          position: entry.position,
          entry: entry.entry,
        }),
        status: p.AnswerStatus.ok,
        outputHash: p.keccak(p.fromHex(said)),
        transcriptRoot: p.keccakText("transcript"),
        stateBlockHash,
        keysetId: node.keysetId,
        answeredAt: next.checkpoint.recordedAt,
      };
      return {
        member,
        answer,
        output: said,
        signature: p.signDigest(p.answerDigest(domain, answer), node.privateKey),
      };
    });
  const members = nodes.map(({ keysetId, keyset }) => ({ keysetId, answerKey: keyset.answerKey }));
  return {
    call: assembleSnapshotCall({ name, ledger, position: next.position, stateBlockHash, members, answersTo }),
    ledger,
  };
}

/** Each member judges for itself and signs. */
export function signEpoch(
  { nodes }: LedgerStage,
  call: SnapshotCall,
): { readonly judged: JudgedEpoch; readonly signatures: readonly p.Hex[] } {
  const judged = judgeEpoch(call);
  const digest = snapshotDigest(call.ledger, judged.statement);
  return { judged, signatures: nodes.map(({ privateKey }) => p.signDigest(digest, privateKey)) };
}

/** What `settle` takes. */
export function settleArguments(
  call: SnapshotCall,
  { judged, signatures }: ReturnType<typeof signEpoch>,
): Parameters<SnapshotLedger["settle"]> {
  const members = call.members.map((member, index) => ({ ...member, signature: signatures[index] ?? "0x" }));
  return [judged.statement.snapshot, members, judged.rows];
}

export async function settleNext(stage: LedgerStage, options?: EpochOptions): Promise<number> {
  const { call } = await nextEpoch(stage, options);
  return await stage.chain.gasOf(stage.contract.settle(...settleArguments(call, signEpoch(stage, call))));
}

/** As `check` takes it. */
export function toRowProof({ epoch, proof }: SettledRow): {
  epoch: number;
  index: number;
  count: number;
  path: p.Hex[];
} {
  return { epoch, index: proof.index, count: proof.count, path: [...proof.path] };
}
