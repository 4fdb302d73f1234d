/**
 * What a dishonest prover tries, one constraint an attack: each is an honest epoch changed in one thing, with everything else made to
 * fit. `npm run circuits:mutate` removes the constraints in turn, and expects an attack of this list to succeed.
 */

import {
  buildEpoch,
  circuitInput,
  type CircuitInput,
  type EpochPlan,
  type RowWitness,
} from "../../coprocessor/epochs/build-epoch.ts";
import type { EpochStatement } from "../../coprocessor/epochs/epoch-statement.ts";
import {
  createGrumpkinKey,
  GROUP_ORDER,
  signGrumpkin,
  type GrumpkinKey,
} from "../../coprocessor/epochs/grumpkin.ts";
import {
  ledgerIdOf,
  ruleIdOf,
  transitionMessage,
  type EpochSigner,
  type Transition,
} from "../../coprocessor/epochs/transition.ts";
import { FIELD_ORDER, fieldTag, poseidonTreeHash } from "../../coprocessor/ledger/poseidon-tree-hash.ts";
import { RowKind, type Cell, type Row } from "../../coprocessor/ledger/row.ts";
import { StateTree } from "../../coprocessor/ledger/state-tree.ts";
import type { TreeHash } from "../../coprocessor/ledger/tree-hash.ts";
import type { CircuitShape } from "../../coprocessor/prover/circuit.ts";
import * as p from "../../protocol/index.ts";
import { poseidon2Hash } from "@zkpassport/poseidon2";

/** Two rows, of which the first is padding; two signatures a row. */
export const ATTACKED: CircuitShape = { rule: "Budget", rows: 2, signatures: 2 };

const word = (label: string): p.Hex => p.keccakText(`epoch attack ${label}`);
export const budget = (cap: bigint, spent: bigint): p.Hex => p.toHex(p.uintWord(cap * 2n ** 128n + spent));
/** One whose hash has a second spelling in 254 bits. */
export const KEY = word("key 2");
export const OTHER_KEY = word("other key");
export const HELD: Cell = { key: KEY, seq: 1n, value: budget(100n, 10n) };
export const NEXT = budget(100n, 20n);
const NAME = {
  chainId: 31_337n,
  ledger: `0x${"11".repeat(20)}`,
  ruleId: ruleIdOf(ATTACKED.rule, ATTACKED.signatures),
} as const;
const keyOf = (label: string): GrumpkinKey =>
  createGrumpkinKey(p.concatBytes(p.fromHex(word(`${label} high`)), p.fromHex(word(`${label} low`))));
export const ALICE = keyOf("alice");
export const BOB = keyOf("bob");
const SIGNERS: readonly EpochSigner[] = [ALICE, BOB].map(({ publicKey }, index) => ({
  ...publicKey,
  keysetId: word(`keyset ${index}`),
  answerKey: `0x${"22".repeat(20)}`,
  group: BigInt(index + 1),
}));

type Signer = (message: bigint) => RowWitness["signatures"];
const bothSign: Signer = (message) => [signGrumpkin(ALICE, message), signGrumpkin(BOB, message)];

interface Slots {
  /** Where the tree puts and looks for every key. */
  slot: bigint;
}

/** A state in which `cell` lies in the slot of KEY, whatever its own is. */
function stateOf(cell: Cell | null, slots: Slots = { slot: poseidonTreeHash.slot(KEY) }): StateTree<bigint> {
  const hash: TreeHash<bigint> = { ...poseidonTreeHash, slot: () => slots.slot };
  const state = StateTree.empty(hash);
  if (cell !== null) state.set(cell);
  return state;
}

export interface Forgery {
  readonly row: Row;
  /** What the slot holds; by default HELD. */
  readonly held?: Cell | null;
  /** What the prover says that it holds. */
  readonly claimed?: Cell | null;
  /** What is signed; by default what follows from the row. */
  readonly signed?: Partial<Transition>;
  readonly ledgerId?: bigint;
  readonly sign?: Signer;
  readonly places?: readonly number[];
  /** A slot that the prover takes for the key's; by default it is. */
  readonly elsewhere?: bigint;
  readonly statement?: (statement: EpochStatement) => EpochStatement;
}

export function forge(forgery: Forgery): CircuitInput {
  const { row, held = HELD, places = [0, 1], sign = bothSign } = forgery;
  const own = poseidonTreeHash.slot(KEY);
  const elsewhere = forgery.elsewhere ?? own;
  const slots: Slots = { slot: own };
  const state = stateOf(held, slots);
  const oldRoot = state.root;
  slots.slot = elsewhere;
  const path = state.path(KEY);
  const claimed = forgery.claimed === undefined ? path.held : forgery.claimed;
  const writes = row.kind === RowKind.signed || row.kind === RowKind.inbox;
  const afterSlots: Slots = { slot: own };
  const after = stateOf(writes && elsewhere === own ? null : held, afterSlots);
  afterSlots.slot = elsewhere;
  if (writes) after.set({ key: row.key, seq: row.seq, value: row.value });
  const link = word("link");
  const transition: Transition = {
    key: row.key,
    seq: row.seq,
    value: row.value,
    oldLeaf: claimed === null ? 0n : poseidonTreeHash.leaf(claimed),
    link,
    ...forgery.signed,
  };
  const message = transitionMessage(forgery.ledgerId ?? ledgerIdOf(NAME), transition);
  const witness: RowWitness = {
    path: { held: claimed, siblings: path.siblings },
    link,
    signers: places,
    signatures: sign(message),
  };
  const statement: EpochStatement = {
    name: NAME,
    epoch: 3n,
    oldRoot,
    newRoot: after.root,
    payee: `0x${"33".repeat(20)}`,
    rows: [row],
    signers: SIGNERS,
    capacity: ATTACKED.rows,
  };
  const change = forgery.statement ?? ((same: EpochStatement): EpochStatement => same);
  return circuitInput(change(statement), [witness], ATTACKED.signatures);
}

export const signedRow = (change: Partial<Row> = {}): Row => ({
  kind: RowKind.signed,
  key: KEY,
  seq: 2n,
  value: NEXT,
  ...change,
});

/** One field of the statement, one more than it is. */
function bump(name: "commitment" | "evaluation" | "new_root"): CircuitInput {
  const input = forge({ row: signedRow() });
  const statement = input["statement"] as CircuitInput;
  const value = (BigInt(statement[name] as string) + 1n) % FIELD_ORDER;
  return { ...input, statement: { ...statement, [name]: `0x${value.toString(16)}` } };
}

/** For the point at infinity: R = sG whatever e is. */
const signForNobody: Signer = (message) => {
  const nonce = createGrumpkinKey(p.concatBytes(p.fromHex(word("nonce high")), p.fromHex(word("nonce low"))));
  const { x, y } = nonce.publicKey;
  const e = poseidon2Hash([fieldTag("Adyton.challenge"), x, y, 0n, 0n, message]);
  return [{ s: nonce.secret, e }, signGrumpkin(ALICE, message)];
};

/** The same scalar in other limbs. */
function wideLimb(): CircuitInput {
  const input = forge({ row: signedRow() });
  const [padding, witness] = input["witnesses"] as readonly CircuitInput[];
  const [first, second] = witness?.["signatures"] as readonly CircuitInput[];
  const [low, high] = (first?.["s"] as readonly string[]).map(BigInt);
  const s = [(low ?? 0n) + 2n ** 128n, (high ?? 0n) - 1n].map((limb) => `0x${limb.toString(16)}`);
  return {
    ...input,
    witnesses: [padding ?? {}, { ...witness, signatures: [{ ...first, s }, second ?? {}] }],
  };
}

const TAKEN: Cell = { key: OTHER_KEY, seq: 5n, value: budget(1n, 1n) };

export const ATTACKS: Readonly<Record<string, () => CircuitInput>> = {
  "data that was not committed to": () => bump("commitment"),
  "data that the contract has not": () => bump("evaluation"),
  "a root that the rows do not lead to": () => bump("new_root"),
  "a row of a kind that there is not": () =>
    forge({ row: { kind: RowKind.unanswered, key: KEY, seq: HELD.seq, value: NEXT } }),
  "a read of a value that is not held": () =>
    forge({ row: { kind: RowKind.read, key: KEY, seq: HELD.seq, value: NEXT } }),
  "a read of another seq": () => forge({ row: { kind: RowKind.read, key: KEY, seq: 7n, value: HELD.value } }),
  "a write that skips a seq": () => forge({ row: signedRow({ seq: 3n }) }),
  "a replay of the last write": () => forge({ row: signedRow({ seq: 1n }) }),
  "a write over another key's slot": () =>
    forge({ row: signedRow({ seq: 1n, value: budget(0n, 0n) }), held: TAKEN }),
  "a queued row over another key's slot": () =>
    forge({ row: { kind: RowKind.inbox, key: KEY, seq: 1n, value: NEXT }, held: TAKEN }),
  "a cap raised by an enclave": () => forge({ row: signedRow({ value: budget(101n, 20n) }) }),
  "spending that shrinks": () => forge({ row: signedRow({ value: budget(100n, 9n) }) }),
  "spending beyond the cap": () => forge({ row: signedRow({ value: budget(100n, 101n) }) }),
  "an old value revived over an occupied slot": () =>
    forge({ row: signedRow({ seq: 1n, value: budget(0n, 0n) }), claimed: null }),
  "another cell than the slot holds": () =>
    forge({ row: signedRow({ value: budget(900n, 20n) }), claimed: { ...HELD, value: budget(900n, 10n) } }),
  "a signature for the point at infinity": () =>
    forge({ row: signedRow(), places: [7, 0], sign: signForNobody }),
  "one signer twice": () =>
    forge({
      row: signedRow(),
      places: [0, 0],
      sign: (message) => [signGrumpkin(ALICE, message), signGrumpkin(ALICE, message)],
    }),
  "a signature of a key that is not listed": () =>
    forge({
      row: signedRow(),
      sign: (message) => [signGrumpkin(keyOf("mallory"), message), signGrumpkin(BOB, message)],
    }),
  "a signature of another value": () => forge({ row: signedRow(), signed: { value: budget(100n, 11n) } }),
  "a signature over another state": () => forge({ row: signedRow(), signed: { oldLeaf: 1n } }),
  "a signature of another answer": () => forge({ row: signedRow(), signed: { link: word("other link") } }),
  "a signature for another ledger": () => forge({ row: signedRow(), ledgerId: 1n }),
  "a scalar in limbs of more than 128 bits": wideLimb,
  "a scalar that is negated": () =>
    forge({
      row: signedRow(),
      sign: (message) => bothSign(message).map(({ s, e }) => ({ s: (GROUP_ORDER - s) % GROUP_ORDER, e })),
    }),
};

/** The epoch that the attacks are changes of, and others that an honest prover makes. */
export const HONEST: Readonly<Record<string, () => CircuitInput>> = {
  "a write that two sign": () => forge({ row: signedRow() }),
  "a read": () => forge({ row: { kind: RowKind.read, key: KEY, seq: 1n, value: HELD.value } }),
  "a read of a key that holds nothing": () =>
    forge({ row: { kind: RowKind.read, key: KEY, seq: 0n, value: budget(0n, 0n) }, held: null }),
  "a read of a key whose slot is another's": () =>
    forge({ row: { kind: RowKind.read, key: KEY, seq: 0n, value: budget(0n, 0n) }, held: TAKEN }),
  "a queued row, which no rule binds": () =>
    forge({ row: { kind: RowKind.inbox, key: KEY, seq: 2n, value: budget(7n, 900n) } }),
  "a queued row whose slot is another's, which writes nothing": () => {
    const state = stateOf(TAKEN);
    const plan: EpochPlan = {
      name: NAME,
      rule: ATTACKED.rule,
      signatures: ATTACKED.signatures,
      capacity: ATTACKED.rows,
      epoch: 3n,
      payee: `0x${"33".repeat(20)}`,
      signers: SIGNERS,
      steps: [{ kind: "inbox", key: KEY, value: NEXT }],
    };
    return buildEpoch(state, plan).input;
  },
};
