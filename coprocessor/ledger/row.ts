/** Rows: what an epoch writes on chain. `kind(1) ‖ key(32) ‖ seq(8) ‖ value(32)`; docs/reference/ledger.md, Row. */

import { concatBytes, fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";

export const ROW_BYTES = 73;

export const RowKind = {
  /** Pads the data of a proof; never on chain. */
  none: 0,
  read: 1,
  signed: 2,
  inbox: 3,
  /** An entry that came to no answer: the key keeps its seq, and the value says why (`NonAnswer`). */
  unanswered: 4,
} as const;
export type RowKind = (typeof RowKind)[keyof typeof RowKind];

/** A key's cell: how often it was written, and its last value. */
export interface Cell {
  readonly key: Hex;
  readonly seq: bigint;
  readonly value: Hex;
}

export interface Row extends Cell {
  readonly kind: RowKind;
}

const KINDS: ReadonlySet<number> = new Set(Object.values(RowKind));
const MAX_SEQ = 2n ** 64n - 1n;

export function uint64Bytes(value: bigint): Uint8Array<ArrayBuffer> {
  return fromHex(`0x${value.toString(16).padStart(16, "0")}`, 8);
}

/** @throws {InputError} INPUT_INVALID for a seq beyond 64 bits, or words that are none */
export function encodeRow({ kind, key, seq, value }: Row): Uint8Array<ArrayBuffer> {
  if (seq < 0n || seq > MAX_SEQ)
    throw new InputError({ code: "INPUT_INVALID", message: "a row's seq has 64 bits" });
  return concatBytes(Uint8Array.of(kind), fromHex(key, 32), uint64Bytes(seq), fromHex(value, 32));
}

/** @throws {InputError} INPUT_INVALID for another length, padding, and kinds that there are not */
export function parseRow(bytes: Uint8Array): Row {
  const kind = bytes[0] ?? RowKind.none;
  if (bytes.length !== ROW_BYTES || kind === RowKind.none || !KINDS.has(kind)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "not a row: it has 73 bytes and a kind from 1 to 4",
      details: { length: bytes.length, kind },
    });
  }
  return {
    kind: kind as RowKind,
    key: toHex(bytes.subarray(1, 33)),
    seq: BigInt(toHex(bytes.subarray(33, 41))),
    value: toHex(bytes.subarray(41)),
  };
}

/** @throws {InputError} INPUT_INVALID for bytes that are not whole rows, and as `parseRow` */
export function parseRows(bytes: Uint8Array): readonly Row[] {
  if (bytes.length % ROW_BYTES !== 0)
    throw new InputError({ code: "INPUT_INVALID", message: "rows have 73 bytes each" });
  return splitRows(bytes).map(parseRow);
}

/** Whole rows, unread. */
export function splitRows(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: Math.floor(bytes.length / ROW_BYTES) }, (_, index) =>
    bytes.subarray(index * ROW_BYTES, (index + 1) * ROW_BYTES),
  );
}
