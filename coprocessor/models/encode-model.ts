/** A model as bytes: what the generated contract reads, and what its hash is of. */

import { concatBytes, fromHex, type Hex } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { IntegerModel, Layer, Tree } from "./integer-model.ts";

/** Marks a leaf where a node has its feature. */
export const LEAF = 0xffff;

function integer(value: number, bytes: number): Uint8Array<ArrayBuffer> {
  const digits = BigInt.asUintN(bytes * 8, BigInt(value)).toString(16);
  return fromHex(`0x${digits.padStart(bytes * 2, "0")}`, bytes);
}

export function encodeModel(model: IntegerModel): Uint8Array<ArrayBuffer> {
  return model.kind === "trees"
    ? concatBytes(...model.base.map((value) => integer(value, 4)), ...model.trees.map(encodeTree))
    : concatBytes(...model.layers.map(encodeLayer));
}

/** output (2 bytes), then nodes of 8: feature, threshold (4), place of the right branch; or LEAF, value (4), 0. The left branch comes next. */
function encodeTree({ nodes, output }: Tree): Uint8Array<ArrayBuffer> {
  const encoded = nodes.map((node) =>
    "leaf" in node
      ? concatBytes(integer(LEAF, 2), integer(node.leaf, 4), integer(0, 2))
      : concatBytes(integer(node.feature, 2), integer(node.threshold, 4), integer(node.right, 2)),
  );
  return concatBytes(integer(nodes.length, 2), integer(output, 2), ...encoded);
}

/** Numbers of inputs and outputs (2 each), bits to shift (1; 255 for the last layer); then for each output its bias (8) and weights (2 each). */
function encodeLayer({ rows, shift }: Layer): Uint8Array<ArrayBuffer> {
  const inputs = rows[0]?.weights.length ?? 0;
  const head = concatBytes(integer(inputs, 2), integer(rows.length, 2), integer(shift ?? 255, 1));
  const body = rows.map(({ weights, bias }) =>
    concatBytes(integer(bias, 8), ...weights.map((weight) => integer(weight, 2))),
  );
  return concatBytes(head, ...body);
}

/** Names the model: its numbers and how they are read. */
export function modelHash(model: IntegerModel): Hex {
  const { kind, features, outputs, featureBits, featureLimit, scoreBits } = model;
  const terms = [kind === "trees" ? 1 : 2, features, outputs, featureBits, featureLimit, scoreBits];
  return keccak(concatBytes(...terms.map((term) => integer(term, 4)), encodeModel(model)));
}
