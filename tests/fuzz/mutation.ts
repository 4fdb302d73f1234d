/** Mutations of bytes from a seed: the same seed, the same inputs, on every machine. */

import { concatBytes } from "../../protocol/bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** An integer from 0 up to `bound`, exclusive. */
export type Random = (bound: number) => number;

/** mulberry32: 32 bits of state, good enough to choose bytes with, and the same everywhere. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

type Mutator = (bytes: Bytes, random: Random) => Bytes;

/** Numbers at which lengths and counts go wrong. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff] as const;

const MUTATORS: readonly Mutator[] = [
  function flipBit(bytes, random) {
    const at = random(bytes.length);
    return bytes.with(at, bytes[at]! ^ (1 << random(8)));
  },
  function setByte(bytes, random) {
    return bytes.with(random(bytes.length), random(256));
  },
  function setEdge(bytes, random) {
    return bytes.with(random(bytes.length), EDGES[random(EDGES.length)]!);
  },
  function fillRun(bytes, random) {
    const at = random(bytes.length);
    return bytes.slice().fill(EDGES[random(EDGES.length)]!, at, at + 1 + random(16));
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random(bytes.length));
  },
  function dropHead(bytes, random) {
    return bytes.slice(random(Math.min(bytes.length, 64)));
  },
  function extend(bytes, random) {
    const more = Uint8Array.from({ length: 1 + random(64) }, () => random(256));
    return concatBytes(bytes, more);
  },
  function removeRun(bytes, random) {
    const at = random(bytes.length);
    return concatBytes(bytes.subarray(0, at), bytes.subarray(at + 1 + random(32)));
  },
  function repeatRun(bytes, random) {
    const at = random(bytes.length);
    const end = Math.min(bytes.length, at + 1 + random(64));
    return concatBytes(bytes.subarray(0, end), bytes.subarray(at, end), bytes.subarray(end));
  },
  function swapRuns(bytes, random) {
    const [a, b] = [random(bytes.length), random(bytes.length)];
    const length = Math.min(1 + random(32), bytes.length - Math.max(a, b));
    const swapped = bytes.slice();
    swapped.set(bytes.subarray(a, a + length), b);
    swapped.set(bytes.subarray(b, b + length), a);
    return swapped;
  },
  function randomBytes(_, random) {
    return Uint8Array.from({ length: random(2048) }, () => random(256));
  },
];

/** One to four mutations, one after another; an input without bytes is given one. */
export function mutate(bytes: Bytes, random: Random): Bytes {
  let mutated = bytes;
  for (let left = 1 + random(4); left > 0; left--)
    mutated = MUTATORS[random(MUTATORS.length)]!(mutated.length === 0 ? Uint8Array.of(0) : mutated, random);
  return mutated;
}
