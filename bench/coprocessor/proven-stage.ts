/** A proven ledger on a local chain, with the verifier of one circuit, and admitted members that sign as enclaves do. */

import { createRequire } from "node:module";
import { ContractFactory, type InterfaceAbi } from "ethers";
import * as z from "zod";
import { ProvenLedger__factory, type ProvenLedger } from "../../contracts/bindings/index.ts";
import { buildEpoch, type BuiltEpoch, type Step } from "../../coprocessor/epochs/build-epoch.ts";
import {
  MAX_SIGNERS,
  publicInputsOf,
  rowBytes,
  witnessDigest,
} from "../../coprocessor/epochs/epoch-statement.ts";
import { createGrumpkinKey, signGrumpkin, type GrumpkinKey } from "../../coprocessor/epochs/grumpkin.ts";
import {
  ledgerIdOf,
  ruleIdOf,
  transitionKeyDigest,
  transitionMessage,
  type EpochSigner,
  type ProvenLedgerName,
  type SignedTransition,
} from "../../coprocessor/epochs/transition.ts";
import { ledgerKey } from "../../coprocessor/ledger/entry.ts";
import { poseidonTreeHash } from "../../coprocessor/ledger/poseidon-tree-hash.ts";
import { StateTree } from "../../coprocessor/ledger/state-tree.ts";
import type { CircuitShape } from "../../coprocessor/prover/circuit.ts";
import * as p from "../../protocol/index.ts";
import type { Chain } from "../gas/chain.ts";
import { CHAIN_ID } from "../gas/constants.ts";
import type { BenchNode } from "../gas/node.ts";

export const INBOX_PRICE = 10n ** 12n;
export const PRIORITY_WINDOW = 60;
export const INBOX_WINDOW = 3_600;
export const EXIT_WINDOW = 86_400;
export const REFUTE_WINDOW = 600;
/** Vendors have 8 bits: where they need not differ, machines are told apart by their place in the list. */
const MACHINE_GROUPS_AT = 256n;

export interface ProvenMember {
  readonly node: BenchNode;
  readonly key: GrumpkinKey;
  /** Of one row's signatures no two are of one: a vendor, or a machine. */
  readonly group: bigint;
}

export interface ProvenStage {
  readonly chain: Chain;
  readonly name: ProvenLedgerName;
  readonly contract: ProvenLedger;
  readonly members: readonly ProvenMember[];
  readonly shape: CircuitShape;
  /** What the chain's next epoch starts from. */
  readonly state: StateTree<bigint>;
}

const CompilerOutput = z.object({
  errors: z.array(z.object({ severity: z.string(), formattedMessage: z.string() })).optional(),
  contracts: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({ abi: z.array(z.unknown()), evm: z.object({ bytecode: z.object({ object: z.string() }) }) }),
    ),
  ),
});

/** By the legacy pipeline, for size: optimised for many runs it exceeds what a chain takes. */
export function compileVerifier(source: string): { readonly abi: InterfaceAbi; readonly bytecode: p.Hex } {
  const solc = createRequire(import.meta.url)("solc") as { compile: (input: string) => string };
  const input = {
    language: "Solidity",
    sources: { "Verifier.sol": { content: source } },
    settings: {
      optimizer: { enabled: true, runs: 1 },
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = CompilerOutput.parse(JSON.parse(solc.compile(JSON.stringify(input))));
  const failed = (output.errors ?? []).filter(({ severity }) => severity === "error");
  const built = output.contracts["Verifier.sol"];
  const contract = built?.["DevelopmentVerifier"] ?? built?.["HonkVerifier"];
  if (contract === undefined || failed.length > 0)
    throw new Error(failed.map(({ formattedMessage }) => formattedMessage).join("\n"));

  return { abi: contract.abi as InterfaceAbi, bytecode: `0x${contract.evm.bytecode.object}` };
}

export async function deployVerifier(chain: Chain, source: string): Promise<string> {
  const { abi, bytecode } = compileVerifier(source);
  const deployed = await new ContractFactory(abi, bytecode, chain.owner).deploy();
  await deployed.waitForDeployment();
  return await deployed.getAddress();
}

export interface Admitted {
  readonly policyId: p.Hex;
  readonly nodes: readonly BenchNode[];
  /** Of each node, under a policy that wants distinct ones. */
  readonly vendors?: readonly bigint[];
}

export async function deployProvenLedger(
  chain: Chain,
  { policyId, nodes, vendors }: Admitted,
  { shape, verifier }: { readonly shape: CircuitShape; readonly verifier: string },
): Promise<ProvenStage> {
  const ruleId = ruleIdOf(shape.rule, shape.signatures);
  const contract = await new ProvenLedger__factory(chain.owner).deploy(
    await chain.enclaves.getAddress(),
    verifier,
    verifier,
    {
      policyId,
      ruleId,
      signatures: shape.signatures,
      smallRows: shape.rows,
      largeRows: shape.rows,
      inboxPrice: INBOX_PRICE,
      priorityWindowSeconds: PRIORITY_WINDOW,
      inboxWindowSeconds: INBOX_WINDOW,
      exitWindowSeconds: EXIT_WINDOW,
      refuteWindowSeconds: REFUTE_WINDOW,
    },
  );
  await contract.waitForDeployment();
  const ledger = (await contract.getAddress()).toLowerCase() as p.Hex;
  const members = nodes.map((node, index) => ({
    node,
    group: vendors?.[index] ?? MACHINE_GROUPS_AT + BigInt(index),
    key: createGrumpkinKey(
      p.concatBytes(
        p.fromHex(p.keccakText(`member ${index} high`)),
        p.fromHex(p.keccakText(`member ${index} low`)),
      ),
    ),
  }));
  const name = { chainId: CHAIN_ID, ledger, ruleId };
  return { chain, name, contract, members, shape, state: StateTree.empty(poseidonTreeHash) };
}

/** The key that the chain's owner has under its name `post INDEX`. */
export async function postKey({ chain }: ProvenStage, index: number): Promise<p.Hex> {
  return ledgerKey((await chain.owner.getAddress()).toLowerCase() as p.Hex, localPost(index));
}

export const localPost = (index: number): p.Hex => p.keccakText(`post ${index}`);

export function epochSigners({ members }: ProvenStage): readonly EpochSigner[] {
  return members.slice(0, MAX_SIGNERS).map(({ node, key, group }) => ({
    ...key.publicKey,
    keysetId: node.keysetId,
    answerKey: node.keyset.answerKey,
    group,
  }));
}

/** The next write of a key, signed by every member, over the state that `state` has. */
export function signTransition(
  { name, members }: ProvenStage,
  state: StateTree<bigint>,
  { key, value }: { readonly key: p.Hex; readonly value: p.Hex },
): SignedTransition {
  const held = state.get(key);
  const transition = {
    key,
    seq: (held?.seq ?? 0n) + 1n,
    value,
    oldLeaf: held === null ? 0n : poseidonTreeHash.leaf(held),
    link: p.keccakText("a request's id"),
  };
  const message = transitionMessage(ledgerIdOf(name), transition);
  return {
    ...transition,
    signatures: members.map(({ key: own }) => ({
      signer: own.publicKey,
      signature: signGrumpkin(own, message),
    })),
  };
}

/** @param state changed to what the epoch leaves */
export async function nextProvenEpoch(
  stage: ProvenStage,
  steps: readonly Step[],
  { state = stage.state, payee }: { readonly state?: StateTree<bigint>; readonly payee?: p.Hex } = {},
): Promise<BuiltEpoch> {
  const [epoch] = await stage.contract.progress();
  return buildEpoch(state, {
    name: stage.name,
    rule: stage.shape.rule,
    signatures: stage.shape.signatures,
    capacity: stage.shape.rows,
    epoch,
    payee: payee ?? `0x${"77".repeat(20)}`,
    signers: epochSigners(stage),
    steps,
  });
}

export type SettleArguments = Parameters<ProvenLedger["settle"]>;

/** Each member's transition key, as it named it for the ledger. */
export function provenSigners({ members, name }: Pick<ProvenStage, "members" | "name">) {
  const signers = members.map(({ node, key }) => ({
    keysetId: node.keysetId,
    answerKey: node.keyset.answerKey,
    ...key.publicKey,
    signature: p.signDigest(transitionKeyDigest(name, key.publicKey), node.privateKey),
  }));
  return { signers };
}

/** What `settle` takes: the members name their keys, the first one vouches for the epoch. */
export function provenArguments({ members, name }: ProvenStage, { statement }: BuiltEpoch, proof: p.Hex) {
  const { oldRoot, newRoot, payee, rows } = statement;
  const { commitment } = publicInputsOf(statement);
  const [witness] = members;
  if (witness === undefined) throw new Error("a ledger has members");
  return {
    epoch: { oldRoot, newRoot, commitment, payee },
    ...provenSigners({ members, name }),
    witness: {
      keysetId: witness.node.keysetId,
      answerKey: witness.node.keyset.answerKey,
      signature: p.signDigest(witnessDigest(statement), witness.node.privateKey),
    },
    rows: p.toHex(rowBytes(rows)),
    proof,
  };
}

export type ProvenArguments = ReturnType<typeof provenArguments>;
