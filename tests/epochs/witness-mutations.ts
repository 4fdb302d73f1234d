/**
 * What a dishonest prover tries at random, one class of constraints after another: an honest epoch with one thing changed, and everything
 * else made to fit, so that nothing but the constraints of that class can refuse it. `npm run circuits:fuzz` runs thousands of each.
 */

import type { CircuitInput, CircuitValue } from "../../coprocessor/epochs/build-epoch.ts";
import { FIELD_ORDER } from "../../coprocessor/ledger/poseidon-tree-hash.ts";
import { RowKind, type RowKind as Kind } from "../../coprocessor/ledger/row.ts";
import * as p from "../../protocol/index.ts";
import { budget, forge, HELD, KEY, OTHER_KEY, signedRow } from "./circuit-attacks.ts";

/** Numbers that follow from a seed alone. */
export class Random {
  readonly #seed: string;
  #count = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  word(): p.Hex {
    this.#count += 1;
    return p.keccakText(`${this.#seed} ${this.#count}`);
  }

  /** At least 0, less than `limit`. */
  below(limit: bigint): bigint {
    return BigInt(this.word()) % limit;
  }

  index(length: number): number {
    return Number(this.below(BigInt(length)));
  }

  /** Large ones, small ones, and neighbours of `value`: never `value` itself. */
  other(value: bigint, limit: bigint): bigint {
    const change =
      [1n, limit - 1n, 1n + (this.below(256n) % (limit - 1n)), 1n + this.below(limit - 1n)][this.index(4)] ??
      1n;
    return (value + change) % limit;
  }
}

const LIMB = 2n ** 128n;
const MAX_SEQ = 2n ** 64n;
const SIGNERS = 8;
const hex = (value: bigint): string => `0x${value.toString(16)}`;
/** High limbs below that are those of a scalar: a larger one is refused before any constraint is looked at. */
const HIGH_LIMB = 2n ** 125n;

let made: CircuitInput | undefined;
/** Made once: hashing its tree takes longer than solving. */
const honest = (): CircuitInput => (made ??= forge({ row: signedRow() }));

/** The value at `path`, changed. */
function changeAt(
  input: CircuitValue,
  [step, ...rest]: readonly (string | number)[],
  change: (value: bigint) => bigint,
): CircuitValue {
  if (step === undefined) return hex(change(BigInt(input as string)));
  if (Array.isArray(input)) {
    return (input as readonly CircuitValue[]).map((value, index) =>
      index === step ? changeAt(value, rest, change) : value,
    );
  }
  const record = input as CircuitInput;
  const value = record[step];
  if (value === undefined) throw new Error(`the circuit has no input ${step}`);
  return { ...record, [step]: changeAt(value, rest, change) };
}

const changed = (random: Random, path: readonly (string | number)[], limit = FIELD_ORDER): CircuitInput =>
  changeAt(honest(), path, (value) => random.other(value, limit)) as CircuitInput;

/** A value that Budget refuses over HELD: another cap, spending that shrinks, or that exceeds the cap. */
function refusedValue(random: Random): p.Hex {
  const cap = 100n;
  switch (random.index(3)) {
    case 0:
      return budget(random.other(cap, LIMB), random.below(LIMB));
    case 1:
      return budget(cap, random.below(10n));
    default:
      return budget(cap, cap + 1n + random.below(LIMB - cap - 1n));
  }
}

export const MUTATIONS: Readonly<Record<string, (random: Random) => CircuitInput>> = {
  "data of the commitment": (random) => {
    const path =
      random.index(2) === 0
        ? ["rows", random.index(2), random.index(6)]
        : ["signers", random.index(SIGNERS), random.index(3)];
    return changed(random, path);
  },
  commitment: (random) => changed(random, ["statement", "commitment"]),
  "challenge and evaluation": (random) =>
    changed(random, ["statement", random.index(2) === 0 ? "z" : "evaluation"]),
  "old root": (random) => changed(random, ["statement", "old_root"]),
  "new root": (random) => changed(random, ["statement", "new_root"]),
  "ledger in the signed message": (random) => changed(random, ["statement", "ledger"]),
  "kind of row": (random) => {
    const kind = (4 + random.index(252)) as Kind;
    return forge({ row: { kind, key: KEY, seq: HELD.seq, value: HELD.value } });
  },
  seq: (random) => forge({ row: signedRow({ seq: random.other(2n, MAX_SEQ) }) }),
  rule: (random) => forge({ row: signedRow({ value: refusedValue(random) }) }),
  read: (random) => {
    const isSeq = random.index(2) === 0;
    const seq = isSeq ? random.other(HELD.seq, MAX_SEQ) : HELD.seq;
    const value = isSeq ? HELD.value : p.toHex(p.uintWord(random.other(BigInt(HELD.value), 2n ** 256n)));
    return forge({ row: { kind: RowKind.read, key: KEY, seq, value } });
  },
  "cell that the slot holds": (random) => {
    // Its seq and cap fit the row: only the path can refuse it.
    const spent = random.other(10n, 21n);
    return forge({ row: signedRow(), claimed: { ...HELD, value: budget(100n, spent) } });
  },
  "slot of another key": (random) => {
    const value = budget(random.below(LIMB), random.below(LIMB));
    const held = {
      key: random.index(2) === 0 ? OTHER_KEY : random.word(),
      seq: random.below(MAX_SEQ),
      value,
    };
    return forge({ row: signedRow({ seq: 1n, value: budget(0n, 0n) }), held });
  },
  "siblings of the path": (random) =>
    changed(random, ["witnesses", 1, "siblings", random.index(32), random.index(3)]),
  "scalar of a signature": (random) => {
    const limb = random.index(2);
    const path = ["witnesses", 1, "signatures", random.index(2), "s", limb];
    return changed(random, path, limb === 0 ? LIMB : HIGH_LIMB);
  },
  "challenge of a signature": (random) =>
    changed(random, ["witnesses", 1, "signatures", random.index(2), "e"]),
  "answer in the signed message": (random) =>
    changed(random, ["witnesses", 1, "link", random.index(2)], LIMB),
  "place of a signer": (random) => {
    const at = random.index(2);
    return forge({
      row: signedRow(),
      places: [0, 1].map((place, index) =>
        index === at ? Number(random.other(BigInt(place), BigInt(SIGNERS))) : place,
      ),
    });
  },
};
