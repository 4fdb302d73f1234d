/**
 * What a dishonest prover tries beneath the language: values that the compiled circuit takes from outside of its constraints, the bits of
 * a slot and the limbs of a challenge, spelled a second way. Each is made with everything else to fit, for the circuit in which nothing
 * but the canonical spelling is missing (`npm run circuits:mutate`, which weakens it so).
 */

import { readFileSync } from "node:fs";
import { acvm, abi } from "@noir-lang/noir_js";
import { invert } from "@noble/curves/abstract/modular.js";
import { poseidon2Hash } from "@zkpassport/poseidon2";
import type { CircuitInput } from "../../coprocessor/epochs/build-epoch.ts";
import {
  createGrumpkinKey,
  GROUP_ORDER,
  signGrumpkin,
  type GrumpkinPoint,
} from "../../coprocessor/epochs/grumpkin.ts";
import { FIELD_ORDER, fieldTag, limbsOf } from "../../coprocessor/ledger/poseidon-tree-hash.ts";
import { RowKind } from "../../coprocessor/ledger/row.ts";
import type { Circuit } from "../../coprocessor/prover/compile-noir.ts";
import * as p from "../../protocol/index.ts";
import { readAcir, solverCalls, withoutCalls, type SolverCall } from "../support/acir.ts";
import { ALICE, BOB, budget, forge, KEY, signedRow } from "./circuit-attacks.ts";

const SLOT_BITS = 64;
const LIMB = 2n ** 128n;
const HALF = 2n ** 64n;

export interface HintAttack {
  readonly input: CircuitInput;
  /** What the prover says instead of what `call` would have given; null for a call that it leaves alone. */
  readonly choose: (call: SolverCall, inputs: Inputs) => readonly bigint[] | null;
}

interface Inputs {
  readonly acir: readonly SolverCall[];
  /** Of the circuit's inputs, the one with this value. */
  readonly witnessOf: (value: bigint) => number;
}

const SLOT_HASH = poseidon2Hash([fieldTag("Adyton.slot"), ...limbsOf(KEY)]);
const bitsOf = (value: bigint): readonly bigint[] =>
  Array.from({ length: SLOT_BITS }, (_, bit) => (value >> BigInt(bit)) & 1n);
/** In the field, where a division always has a result. */
const INVERSE_OF_HALF = invert(HALF, FIELD_ORDER);
const inField = (value: bigint): bigint => ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER;

/** The key's hash plus the field's order: the same element in other bits. */
const ALIAS = SLOT_HASH + FIELD_ORDER;
const ALIAS_SLOT = ALIAS % HALF;

interface SlotSpelling {
  /** Of which the limbs are. */
  readonly value: bigint;
  /** The bit by which the circuit compares them with the order; null for what it is. */
  readonly borrow?: bigint | null;
  /** The low limb's, the slot first. */
  readonly halves?: readonly [bigint, bigint];
}

/** For the last row: padding comes first. */
function inSlot({ value, borrow = null, halves }: SlotSpelling): HintAttack["choose"] {
  const low = value % LIMB;
  const [slot, rest] = halves ?? [low % HALF, low / HALF];
  return (call, { acir }) => {
    if (call.kind !== "hint") return null;
    const madeFrom = (witness: number | null | undefined): SolverCall | undefined =>
      acir.find(({ kind, outputs }) => kind === "hint" && outputs[0] === witness);
    const bits = acir.filter(({ outputs }) => outputs.length === SLOT_BITS).at(-1);
    const halved = madeFrom(bits?.inputs[0]);
    const limb = halved?.inputs[0];
    if (call === bits) return bitsOf(slot);
    if (call === halved) return [slot, rest];
    if (call === madeFrom(limb)) return [low, value / LIMB];
    const isBorrow = call.outputs.length === 1 && call.inputs.at(-1) === limb;
    return isBorrow && borrow !== null ? [borrow] : null;
  };
}

/** Alice's signature for the scalar e + r in place of e. */
function signedForAlias(): {
  readonly input: CircuitInput;
  readonly e: bigint;
  readonly nonce: GrumpkinPoint;
} {
  let challenge = 0n;
  const nonce = createGrumpkinKey(
    p.concatBytes(p.fromHex(p.keccakText("nonce high")), p.fromHex(p.keccakText("nonce low"))),
  );
  const input = forge({
    row: signedRow(),
    sign: (message) => {
      const { x, y } = nonce.publicKey;
      const { publicKey, secret } = ALICE;
      challenge = poseidon2Hash([fieldTag("Adyton.challenge"), x, y, publicKey.x, publicKey.y, message]);
      const product = ((challenge + FIELD_ORDER) * secret) % GROUP_ORDER;
      const s = (nonce.secret + GROUP_ORDER - product) % GROUP_ORDER;
      return [{ s, e: challenge }, signGrumpkin(BOB, message)];
    },
  });
  return { input, e: challenge, nonce: nonce.publicKey };
}

interface Limbs {
  /** Of which they are. */
  readonly value: bigint;
  /** The bit by which the circuit compares them with the order; null for what it is. */
  readonly borrow?: bigint | null;
  /** What the multiplication by them gives; the solver itself takes no scalar beyond the order. */
  readonly point?: GrumpkinPoint;
}

function inLimbs(e: bigint, { value, borrow = null, point }: Limbs): HintAttack["choose"] {
  return (call, { acir, witnessOf }) => {
    const decomposed = acir.find(
      ({ kind, inputs, outputs }) => kind === "hint" && inputs.includes(witnessOf(e)) && outputs.length === 2,
    );
    if (call === decomposed) return [value % LIMB, value / LIMB];
    const [low, high] = decomposed?.outputs ?? [];
    if (call.kind === "multiplication")
      return call.inputs.at(-1) === high && point !== undefined ? [point.x, point.y] : null;
    const isBorrow = call.outputs.length === 1 && call.inputs.at(-1) === low;
    return isBorrow && borrow !== null ? [borrow] : null;
  };
}

const readsNothing = (): CircuitInput =>
  forge({ row: { kind: RowKind.read, key: KEY, seq: 0n, value: budget(0n, 0n) }, elsewhere: ALIAS_SLOT });
const aliasOfSlot = (borrow: bigint | null) => (): HintAttack => ({
  input: readsNothing(),
  choose: inSlot({ value: ALIAS, borrow }),
});

const aliasOfChallenge = (borrow: bigint | null) => (): HintAttack => {
  const { input, e, nonce } = signedForAlias();
  return { input, choose: inLimbs(e, { value: e + FIELD_ORDER, borrow, point: nonce }) };
};

export const HINT_ATTACKS: Readonly<Record<string, () => HintAttack>> = {
  "the second slot of a key's hash, where it holds nothing": aliasOfSlot(null),
  "the second slot of a key's hash, that borrows nothing": aliasOfSlot(0n),
  "the second slot of a key's hash, that borrows": aliasOfSlot(1n),
  "the second slot of a key's hash, for its first write again": () => ({
    input: forge({ row: signedRow({ seq: 1n, value: budget(0n, 0n) }), elsewhere: ALIAS_SLOT }),
    choose: inSlot({ value: ALIAS }),
  }),
  "a slot that is no part of the key's hash": () => ({
    input: readsNothing(),
    choose: inSlot({ value: SLOT_HASH, halves: [ALIAS_SLOT, (SLOT_HASH % LIMB) / HALF] }),
  }),
  "a slot whose rest is no number of 64 bits": () => ({
    input: readsNothing(),
    choose: inSlot({
      value: SLOT_HASH,
      halves: [ALIAS_SLOT, inField(((SLOT_HASH % LIMB) - ALIAS_SLOT) * INVERSE_OF_HALF)],
    }),
  }),
  "a challenge plus the order": aliasOfChallenge(null),
  "a challenge plus the order, that borrows nothing": aliasOfChallenge(0n),
  "a challenge plus the order, that borrows": aliasOfChallenge(1n),
};

/** The same with what an honest prover says: so it is known that nothing else of them is refused. */
export const HONEST_HINTS: Readonly<Record<string, () => HintAttack>> = {
  "the slot that it is": () => ({
    input: forge({ row: signedRow() }),
    choose: inSlot({ value: SLOT_HASH }),
  }),
  "the challenge that it is": () => {
    let e = 0n;
    const input = forge({
      row: signedRow(),
      sign: (message) => {
        const first = signGrumpkin(ALICE, message);
        e = first.e;
        return [first, signGrumpkin(BOB, message)];
      },
    });
    return { input, choose: inLimbs(e, { value: e }) };
  },
};

/** Whether the circuit's constraints hold over what the prover chose. */
export async function acceptsHints(circuit: Circuit, attack: HintAttack): Promise<boolean> {
  try {
    await solveWithHints(circuit, attack);
    return true;
  } catch (error) {
    // Of the solver, about a constraint; anything else is a fault of the attack.
    if (error instanceof Error && /^(?:Assertion failed|Cannot satisfy constraint)/.test(error.message))
      return false;
    throw error;
  }
}

/** Every witness of the circuit, over what the prover chose. */
export async function solveWithHints(
  circuit: Circuit,
  { input, choose }: HintAttack,
): Promise<Awaited<ReturnType<typeof acvm.executeProgram>>> {
  const program = JSON.parse(readFileSync(circuit.program, "utf8")) as {
    readonly bytecode: string;
    readonly abi: Parameters<typeof abi.abiEncode>[0];
  };
  const acir = readAcir(program.bytecode);
  const given = abi.abiEncode(program.abi, input as Parameters<typeof abi.abiEncode>[1]);
  const inputs: Inputs = { acir: solverCalls(acir), witnessOf: (value) => witnessOf(given, value) };
  const chosen = new Map<number | undefined, readonly bigint[]>();
  for (const call of inputs.acir) {
    const values = choose(call, inputs);
    if (values === null) continue;
    chosen.set(call.outputs[0], values);
    for (const [index, witness] of call.outputs.entries())
      given.set(witness, p.toHex(p.uintWord(values[index] ?? 0n)));
  }
  const open = withoutCalls(acir, ({ outputs }) => chosen.has(outputs[0]));
  return await acvm.executeProgram(open, given, () => Promise.resolve([]));
}

function witnessOf(given: ReadonlyMap<number, string>, value: bigint): number {
  const found = [...given].filter(([, held]) => BigInt(held) === value);
  const [entry] = found;
  if (entry === undefined || found.length !== 1) throw new Error("not one input of this value");
  return entry[0];
}
