/** Generated programs for the machine: each returns what it computed, and the gas that is left then. */

import { concatBytes, fromHex, toHex, toUtf8, type Hex } from "../../../../protocol/bytes.ts";
import { keccak_256 } from "@noble/hashes/sha3.js";

export interface GeneratedProgram {
  readonly code: Uint8Array;
  readonly storage: readonly (readonly [Hex, Hex])[];
  readonly data: Hex;
}

export function programAddress(index: number): Hex {
  return `0x${"c0".repeat(18)}${index.toString(16).padStart(4, "0")}`;
}

const word = (value: bigint): Hex => `0x${BigInt.asUintN(256, value).toString(16).padStart(64, "0")}`;

/** Bytes of names and pushed numbers. */
export function assemble(...items: readonly (number | bigint)[]): Uint8Array {
  return concatBytes(
    ...items.map((item) => {
      if (typeof item === "number") return Uint8Array.of(item);
      const digits = item.toString(16);
      const bytes = fromHex(`0x${digits.length % 2 === 0 ? digits : `0${digits}`}`);
      return concatBytes(Uint8Array.of(0x5f + bytes.length), bytes);
    }),
  );
}

/** The same numbers for the same seed. */
class Chance {
  readonly #seed: string;
  #count = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  word(): bigint {
    this.#count += 1;
    return BigInt(toHex(keccak_256(toUtf8(`${this.#seed} ${this.#count}`))));
  }

  below(limit: number): number {
    return Number(this.word() % BigInt(limit));
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }
}

/** By what they take; all give one word. */
const OPERATIONS: readonly (readonly number[])[] = [
  // Of surroundings; CHAINID, SELFBALANCE, BASEFEE, GAS, MSIZE, PC, CODESIZE, RETURNDATASIZE.
  [
    0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x58,
    0x59, 0x5a,
  ],
  // ISZERO, NOT, CLZ, CALLDATALOAD, SLOAD, TLOAD, BLOBHASH.
  [0x15, 0x19, 0x1e, 0x35, 0x54, 0x5c, 0x49],
  [
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18,
    0x1a, 0x1b, 0x1c, 0x1d,
  ],
  [0x08, 0x09],
];

const EDGES = [0n, 1n, 2n, 31n, 32n, 255n, 256n, 2n ** 255n, 2n ** 256n - 1n, 2n ** 128n, 2n ** 255n - 1n];

export function randomPrograms(count: number): readonly GeneratedProgram[] {
  return Array.from({ length: count }, (_, index) => randomProgram(new Chance(`program ${index}`), index));
}

function randomProgram(chance: Chance, index: number): GeneratedProgram {
  const items: (number | bigint)[] = [];
  let depth = 0;
  const number = (): void => {
    const kind = chance.below(4);
    items.push(kind === 0 ? chance.pick(EDGES) : kind === 1 ? chance.word() : BigInt(chance.below(300)));
    depth += 1;
  };
  const need = (count: number): void => {
    while (depth < count) number();
  };
  for (let step = 0; step < 60; step += 1) {
    const kind = chance.below(20);
    if (kind < 9) {
      const takes = chance.pick([0, 1, 2, 2, 2, 3]);
      need(takes);
      items.push(chance.pick(OPERATIONS[takes] ?? []));
      depth += 1 - takes;
    } else if (kind < 14) {
      statement(chance, items, index);
    } else if (kind === 14 && depth > 0) {
      const reach = chance.below(Math.min(depth, 16));
      items.push(0x80 + reach);
      depth += 1;
    } else if (kind === 15 && depth > 1) {
      items.push(0x90 + chance.below(Math.min(depth - 1, 16)));
    } else {
      number();
    }
  }
  // The five highest words, and the gas that is left, are what it returns; one in ten reverts with them.
  need(5);
  for (let at = 0; at < 5; at += 1) items.push(BigInt(0x400 + 32 * at), 0x52);
  items.push(0x5a, 0x4a0n, 0x52, 0x4c0n, 0x0n, chance.below(10) === 0 ? 0xfd : 0xf3);
  const storage = Array.from(
    { length: 4 },
    (_, slot) => [word(BigInt(slot)), word(chance.pick(EDGES))] as const,
  );
  const data = toHex(
    concatBytes(...Array.from({ length: chance.below(4) }, () => fromHex(word(chance.word())))),
  );
  return { code: assemble(...items), storage, data };
}

/** Gives no word, or drops the one that it gives. */
function statement(chance: Chance, items: (number | bigint)[], index: number): void {
  const small = (): bigint => BigInt(chance.below(400));
  const other = (): bigint => BigInt(programAddress(Math.max(0, index - 1 - chance.below(3))));
  const statements: readonly (() => readonly (number | bigint)[])[] = [
    () => [chance.word(), small(), 0x52],
    () => [small(), small(), 0x53],
    () => [chance.pick(EDGES), BigInt(chance.below(6)), 0x55],
    () => [chance.word(), BigInt(chance.below(3)), 0x5d],
    () => [small(), small(), small(), 0x37],
    () => [small(), small(), small(), 0x39],
    () => [small(), small(), small(), 0x5e],
    () => [small(), small(), small(), other(), 0x3c],
    () => [small(), small(), 0x20, 0x50],
    () => [small(), small(), 0x51, 0x01, 0x50],
    () => [other(), 0x31, other(), 0x3b, 0x01, other(), 0x3f, 0x01, 0x50],
    () => [BigInt(chance.below(6)), 0x40, 0x50],
    () => [small(), small(), 0xa0, chance.word(), small(), small(), 0xa1],
    () => call(chance, other(), small),
    () => call(chance, other(), small),
    () => call(chance, chance.pick([2n, 4n]), small),
    () => [0x3d, 0x5f, 0x5f, 0x3e],
  ];
  items.push(...chance.pick(statements)());
}

function call(chance: Chance, to: bigint, small: () => bigint): readonly (number | bigint)[] {
  const kind = chance.pick([0xf1, 0xf2, 0xf4, 0xfa, 0xfa]);
  const hasValue = kind === 0xf1 || kind === 0xf2;
  const gas = chance.pick([50_000n, 3_000n, 2n ** 255n, 100_000n]);
  const value = hasValue ? [chance.pick([0n, 0n, 1n, 7n])] : [];
  return [small(), small(), small(), small(), ...value, to, gas, kind, small(), 0x52];
}
