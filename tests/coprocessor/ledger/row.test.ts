import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeRow,
  parseRow,
  parseRows,
  ROW_BYTES,
  RowKind,
  type Row,
} from "../../../coprocessor/ledger/row.ts";
import { concatBytes, toHex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

const word = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex);
const row: fc.Arbitrary<Row> = fc.record({
  kind: fc.constantFrom(RowKind.read, RowKind.signed, RowKind.inbox, RowKind.unanswered),
  key: word,
  seq: fc.bigInt(0n, 2n ** 64n - 1n),
  value: word,
});

describe("rows", () => {
  test("are read as they were written", () => {
    fc.assert(
      fc.property(row, (given) => {
        expect(parseRow(encodeRow(given))).toEqual(given);
      }),
    );
    fc.assert(
      fc.property(fc.array(row), (given) => {
        expect(parseRows(concatBytes(...given.map(encodeRow)))).toEqual(given);
      }),
    );
  });

  test("of another length or kind are refused, and nothing else happens", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2 * ROW_BYTES }), (bytes) => {
        const isRow = bytes.length === ROW_BYTES && [1, 2, 3, 4].includes(bytes[0] ?? 0);
        expect(codeOf(() => parseRow(bytes))).toBe(isRow ? "nothing thrown" : "INPUT_INVALID");
      }),
    );
  });

  test.for([
    ["padding", { kind: RowKind.none }],
    ["an unknown kind", { kind: 5 as never }],
  ] as const)("of %s are not read", ([, change]) => {
    const bytes = encodeRow({
      key: toHex(new Uint8Array(32)),
      seq: 1n,
      value: toHex(new Uint8Array(32)),
      ...change,
    });
    expect(codeOf(() => parseRow(bytes))).toBe("INPUT_INVALID");
  });

  test("with a seq beyond 64 bits are not written", () => {
    const zero = toHex(new Uint8Array(32));
    for (const seq of [-1n, 2n ** 64n]) {
      expect(codeOf(() => encodeRow({ kind: RowKind.signed, key: zero, seq, value: zero }))).toBe(
        "INPUT_INVALID",
      );
    }
  });
});
