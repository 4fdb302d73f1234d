/** Paths of state trees on a wire: most siblings are empty, and only the others are written. */

import * as z from "zod";
import { concatBytes, fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { bytes32, bytesHex, uint64 } from "../../protocol/fields.ts";
import { EMPTY_NODE } from "./keccak-tree-hash.ts";
import type { StatePath } from "./state-tree.ts";
import { TREE_LEVELS } from "./tree-hash.ts";

const SIBLINGS = 3 * TREE_LEVELS;
const BITMAP_BYTES = SIBLINGS / 8;

export const StatePathWire = z.strictObject({
  key: bytes32,
  /** The slot's cell, which may be another key's. */
  held: z.strictObject({ key: bytes32, seq: uint64, value: bytes32 }).nullable(),
  /** A bit for each sibling, the first one the highest of the first byte; then those that are not empty. */
  siblings: bytesHex,
});
export type StatePathWire = z.output<typeof StatePathWire>;

/** How nodes of a tree are written, and which is empty at a level. */
export interface NodeWire<Node> {
  readonly empty: (level: number) => Node;
  readonly encode: (node: Node) => Hex;
  readonly decode: (word: Hex) => Node;
}

const KECCAK: NodeWire<Hex> = { empty: () => EMPTY_NODE, encode: (node) => node, decode: (word) => word };

/** Of a keccak tree, unless another is named. */
export function toStatePathWire(key: Hex, path: StatePath<Hex>): StatePathWire;
export function toStatePathWire<Node>(key: Hex, path: StatePath<Node>, wire: NodeWire<Node>): StatePathWire;
export function toStatePathWire<Node>(
  key: Hex,
  { held, siblings }: StatePath<Node>,
  wire = KECCAK as unknown as NodeWire<Node>,
): StatePathWire {
  const all = siblings.flatMap((level, height) =>
    level.map((node) => (node === wire.empty(height) ? null : wire.encode(node))),
  );
  const bitmap = new Uint8Array(BITMAP_BYTES);
  for (const [place, node] of all.entries())
    if (node !== null) bitmap[place >> 3] = (bitmap[place >> 3] ?? 0) | (0x80 >> (place & 7));
  const present = all.filter((node) => node !== null).map((node) => fromHex(node, 32));
  return { key, held, siblings: toHex(concatBytes(bitmap, ...present)) };
}

/** @throws {InputError} INPUT_INVALID for more or fewer siblings than the bitmap says */
export function fromStatePathWire(path: StatePathWire): StatePath<Hex>;
export function fromStatePathWire<Node>(path: StatePathWire, wire: NodeWire<Node>): StatePath<Node>;
export function fromStatePathWire<Node>(
  { held, siblings }: StatePathWire,
  wire = KECCAK as unknown as NodeWire<Node>,
): StatePath<Node> {
  const bytes = fromHex(siblings);
  let at = BITMAP_BYTES;
  const next = (place: number): Node => {
    if (((bytes[place >> 3] ?? 0) & (0x80 >> (place & 7))) === 0) return wire.empty(Math.floor(place / 3));
    at += 32;
    if (at > bytes.length) return wire.empty(0);
    return wire.decode(toHex(bytes.subarray(at - 32, at)));
  };
  const levels = Array.from(
    { length: TREE_LEVELS },
    (_, level) => [next(3 * level), next(3 * level + 1), next(3 * level + 2)] as const,
  );
  if (at === bytes.length) return { held, siblings: levels };
  throw new InputError({
    code: "INPUT_INVALID",
    message: "a path has as many siblings as its bitmap says",
    details: { expected: at, actual: bytes.length },
  });
}
