import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { Noir } from "@noir-lang/noir_js";
import { limbsOf } from "../../../coprocessor/ledger/poseidon-tree-hash.ts";
import { bytes32 } from "../../../protocol/fields.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { compileCircuit } from "../../support/compile-circuit.ts";

const Cell = z.object({ key: bytes32, seq: z.string(), value: bytes32 });
const Write = Cell.extend({
  held: Cell.nullable(),
  slotPoseidon: z.string(),
  siblingsPoseidon: z.array(z.array(bytes32)),
  rootPoseidon: bytes32,
});
const { state } = z
  .object({ state: z.object({ emptyPoseidon: bytes32, writes: z.array(Write) }) })
  .parse(JSON.parse(readFileSync(new URL("../../vectors/coprocessor/ledger.json", import.meta.url), "utf8")));

const limbs = (word: Hex): string[] => limbsOf(word).map((limb) => limb.toString());
const toCell = ({ key, seq, value }: z.infer<typeof Cell>) => ({ key: limbs(key), seq, value: limbs(value) });
const ZERO = { key: `0x${"00".repeat(32)}`, seq: "0", value: `0x${"00".repeat(32)}` } as const;

const inputOf = (write: z.infer<typeof Write>) => ({
  held: toCell(write.held ?? ZERO),
  is_held: write.held !== null,
  written: toCell(write),
  siblings: write.siblingsPoseidon,
});

describe("the circuit's tree", () => {
  let noir: Noir;
  beforeAll(async () => {
    noir = await compileCircuit("state-path");
  }, 120_000);

  test("is TypeScript's, write by write", async () => {
    let root = state.emptyPoseidon;
    for (const write of state.writes) {
      const { returnValue } = await noir.execute(inputOf(write));
      const [old, next, slot] = returnValue as [Hex, Hex, boolean[]];
      expect(BigInt(old)).toBe(BigInt(root));
      expect(BigInt(next)).toBe(BigInt(write.rootPoseidon));
      const bits = slot.map((bit) => (bit ? "1" : "0")).toReversed();
      expect(BigInt(`0b${bits.join("")}`)).toBe(BigInt(write.slotPoseidon));
      root = write.rootPoseidon;
    }
  });

  test.for([
    ["a key's limb", { key: [(2n ** 128n).toString(), "0"], seq: "1", value: ["0", "0"] }],
    ["a seq", { key: ["0", "0"], seq: (2n ** 64n).toString(), value: ["0", "0"] }],
    ["a value's limb", { key: ["0", "0"], seq: "1", value: ["0", (2n ** 128n).toString()] }],
  ] as const)("refuses %s of more bits than it has", async ([, cell]) => {
    const [write] = state.writes;
    if (write === undefined) throw new Error("no vector");
    await expect(
      noir.execute({ ...inputOf(write), written: { ...cell, key: [...cell.key], value: [...cell.value] } }),
    ).rejects.toThrow();
  });
});
