/**
 * Rows in order, applied to a state, with the witness that a proof is made of. Whatever no proof can be made of is refused here, with
 * the row and the reason; the circuit says only that it is not satisfied.
 */

import { InputError } from "../../protocol/errors.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { limbsOf, poseidonTreeHash } from "../ledger/poseidon-tree-hash.ts";
import { RowKind, type Cell, type Row } from "../ledger/row.ts";
import type { StatePath, StateTree } from "../ledger/state-tree.ts";
import { publicInputsOf, paddedRows, paddedSigners, type EpochStatement } from "./epoch-statement.ts";
import { isGrumpkinSignature, type GrumpkinSignature } from "./grumpkin.ts";
import { RULES, type RuleName } from "./rule.ts";
import {
  ledgerIdOf,
  transitionMessage,
  type EpochSigner,
  type ProvenLedgerName,
  type SignedTransition,
} from "./transition.ts";

const ZERO: Hex = `0x${"00".repeat(32)}`;

/** What is to be settled, in its order. */
export type Step =
  | { readonly kind: "signed"; readonly transition: SignedTransition }
  | { readonly kind: "read"; readonly key: Hex }
  | { readonly kind: "inbox"; readonly key: Hex; readonly value: Hex };

export interface EpochPlan {
  readonly name: ProvenLedgerName;
  readonly rule: RuleName;
  /** That each SIGNED row needs. */
  readonly signatures: number;
  /** Rows that the circuit has. */
  readonly capacity: number;
  readonly epoch: bigint;
  readonly payee: Hex;
  readonly signers: readonly EpochSigner[];
  readonly steps: readonly Step[];
  /**
   * Told of a signed step that no proof can be made of, which is left out then. By default it ends the epoch: whoever vouches for one
   * vouches for all of it.
   */
  readonly onRefused?: (step: Step, error: InputError) => void;
}

/** What the circuit is told of one row beside its data. */
export interface RowWitness {
  readonly path: StatePath<bigint>;
  readonly link: Hex;
  readonly signers: readonly number[];
  readonly signatures: readonly GrumpkinSignature[];
}

export interface BuiltEpoch {
  readonly statement: EpochStatement;
  /** One for each row. */
  readonly witnesses: readonly RowWitness[];
  /** As the circuit's `main` takes it. */
  readonly input: CircuitInput;
}

export type CircuitValue = string | number | boolean | readonly CircuitValue[] | CircuitInput;
export interface CircuitInput {
  readonly [name: string]: CircuitValue;
}

/**
 * @param state changed in place, to what the epoch leaves
 * @throws {InputError} INPUT_INVALID, INPUT_CONFLICT, INPUT_UNAUTHORIZED, with the row in its details
 */
export function buildEpoch(state: StateTree<bigint>, plan: EpochPlan): BuiltEpoch {
  if (plan.steps.length === 0 || plan.steps.length > plan.capacity)
    refuse("INPUT_INVALID", `an epoch of this circuit has 1 to ${plan.capacity} rows`, plan.steps.length);

  const oldRoot = state.root;
  const rows: Row[] = [];
  const witnesses: RowWitness[] = [];
  for (const [index, step] of plan.steps.entries()) {
    const applied = tryStep(state, plan, step, index);
    if (applied === null) continue;
    rows.push(applied.row);
    witnesses.push(applied.witness);
  }
  if (rows.length === 0)
    refuse("INPUT_INVALID", "no proof can be made of any of the rows", plan.steps.length);
  const { name, epoch, payee, signers, capacity } = plan;
  const statement = { name, epoch, oldRoot, newRoot: state.root, payee, rows, signers, capacity };
  return { statement, witnesses, input: circuitInput(statement, witnesses, plan.signatures) };
}

interface Applied {
  readonly row: Row;
  readonly witness: RowWitness;
}

/** Nothing is written of a step that is refused. */
function tryStep(state: StateTree<bigint>, plan: EpochPlan, step: Step, index: number): Applied | null {
  try {
    return applyStep(state, plan, step, index);
  } catch (error) {
    if (plan.onRefused === undefined || step.kind !== "signed" || !(error instanceof InputError)) throw error;
    plan.onRefused(step, error);
    return null;
  }
}

function applyStep(state: StateTree<bigint>, plan: EpochPlan, step: Step, index: number): Applied {
  const key = step.kind === "signed" ? step.transition.key : step.key;
  const path = state.path(key);
  const own = path.held?.key === key ? path.held : null;
  const isTaken = path.held !== null && own === null;
  const dummy = unsignedWitness(path, plan.signatures);
  switch (step.kind) {
    case "read":
      return {
        row: { kind: RowKind.read, key, seq: own?.seq ?? 0n, value: own?.value ?? ZERO },
        witness: dummy,
      };
    case "inbox": {
      const seq = isTaken ? 0n : (own?.seq ?? 0n) + 1n;
      if (!isTaken) state.set({ key, seq, value: step.value });
      return { row: { kind: RowKind.inbox, key, seq, value: step.value }, witness: dummy };
    }
    case "signed": {
      if (isTaken) refuse("INPUT_CONFLICT", "another key has this slot", index);
      const witness = checkTransition(plan, step.transition, { path, own, index });
      const { seq, value } = step.transition;
      state.set({ key, seq, value });
      return { row: { kind: RowKind.signed, key, seq, value }, witness };
    }
  }
}

function checkTransition(
  { name, rule, signatures, signers }: EpochPlan,
  transition: SignedTransition,
  {
    path,
    own,
    index,
  }: { readonly path: StatePath<bigint>; readonly own: Cell | null; readonly index: number },
): RowWitness {
  const oldLeaf = own === null ? 0n : poseidonTreeHash.leaf(own);
  if (transition.seq !== (own?.seq ?? 0n) + 1n || transition.oldLeaf !== oldLeaf)
    refuse("INPUT_CONFLICT", "the transition was signed over another state: ask its enclaves again", index);

  if (!RULES[rule](own?.value ?? ZERO, transition.value))
    refuse("INPUT_INVALID", `the rule ${rule} refuses this value over the one before it`, index);

  const message = transitionMessage(ledgerIdOf(name), transition);
  const places: number[] = [];
  const used: GrumpkinSignature[] = [];
  const groups = new Set<bigint>();
  for (const { signer, signature } of transition.signatures) {
    const place = signers.findIndex(({ x, y }) => x === signer.x && y === signer.y);
    const group = signers[place]?.group ?? 0n;
    if (groups.has(group) || group === 0n || !isGrumpkinSignature(signer, signature, message)) continue;
    groups.add(group);
    places.push(place);
    used.push(signature);
    if (places.length === signatures)
      return { path, link: transition.link, signers: places, signatures: used };
  }
  return refuse(
    "INPUT_UNAUTHORIZED",
    `the transition needs ${signatures} signatures of listed enclaves, no two of one group`,
    index,
  );
}

/** Of a row that nobody signs. The circuit evaluates the equation all the same: with the generator alone it has a solution. */
function unsignedWitness(path: StatePath<bigint>, signatures: number): RowWitness {
  const places = Array.from({ length: signatures }, (_, place) => place);
  return { path, link: ZERO, signers: places, signatures: places.map(() => ({ s: 1n, e: 0n })) };
}

/** Checks nothing: tests forge with it. */
export function circuitInput(
  statement: EpochStatement,
  witnesses: readonly RowWitness[],
  signatures: number,
): CircuitInput {
  const { ledger, oldRoot, newRoot, commitment, z, evaluation } = publicInputsOf(statement);
  const nothing: StatePath<bigint> = { held: null, siblings: Array.from({ length: 32 }, () => [0n, 0n, 0n]) };
  const padding = Array.from({ length: statement.capacity - witnesses.length }, () =>
    unsignedWitness(nothing, signatures),
  );
  return {
    statement: {
      ledger: field(ledger),
      old_root: field(oldRoot),
      new_root: field(newRoot),
      commitment: field(commitment),
      z: field(z),
      evaluation: field(evaluation),
    },
    rows: paddedRows(statement).map((row) => row.map(field)),
    signers: paddedSigners(statement).map((signer) => signer.map(field)),
    witnesses: [...padding, ...witnesses].map(toCircuit),
  };
}

const field = (value: bigint): string => `0x${value.toString(16)}`;
const LIMB = 2n ** 128n;

function toCircuit({ path, link, signers, signatures }: RowWitness): CircuitInput {
  const held = path.held ?? { key: ZERO, seq: 0n, value: ZERO };
  return {
    held: { key: limbsOf(held.key).map(field), seq: field(held.seq), value: limbsOf(held.value).map(field) },
    is_held: path.held !== null,
    siblings: path.siblings.map((level) => level.map(field)),
    link: limbsOf(link).map(field),
    signers,
    signatures: signatures.map(({ s, e }) => ({ s: [field(s % LIMB), field(s / LIMB)], e: field(e) })),
  };
}

function refuse(
  code: "INPUT_INVALID" | "INPUT_CONFLICT" | "INPUT_UNAUTHORIZED",
  message: string,
  row: number,
): never {
  throw new InputError({ code, message, details: { row } });
}
