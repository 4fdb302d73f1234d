import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { HashList } from "../../../enclave/log/hash-list.ts";
import { codeOf } from "../../support/code-of.ts";

const hash = (index: number): Uint8Array => createHash("sha256").update(String(index)).digest();

function filled(count: number): HashList {
  const list = new HashList();
  for (let index = 0; index < count; index++) list.push(hash(index));
  return list;
}

test("gives back what was pushed, by place and by value", () => {
  const list = filled(700);
  for (const index of [0, 255, 256, 511, 512, 699]) {
    expect(Buffer.from(list.get(index)).equals(hash(index))).toBe(true);
    expect(list.lastIndexOf(hash(index))).toBe(index);
  }
  expect(codeOf(() => list.get(700))).toBe("INPUT_NOT_FOUND");
  expect(list.lastIndexOf(hash(700))).toBeNull();
});

test("finds the latest of equals, and nothing that lies across two places", () => {
  const list = filled(3);
  list.push(hash(1));
  expect(list.lastIndexOf(hash(1))).toBe(3);
  const across = Buffer.concat([hash(0).subarray(16), hash(1).subarray(0, 16)]);
  expect(list.lastIndexOf(across)).toBeNull();
  // What was never written is not a hash of zeros.
  expect(list.lastIndexOf(new Uint8Array(32))).toBeNull();
});

test("lets go of whole chunks before a place, and keeps its length", () => {
  const list = filled(700);
  list.dropBefore(511);
  expect(codeOf(() => list.get(255))).toBe("INPUT_NOT_FOUND");
  expect(codeOf(() => list.get(256))).toBe("nothing thrown");
  expect(list.lastIndexOf(hash(0))).toBeNull();
  list.dropBefore(512);
  expect(codeOf(() => list.get(511))).toBe("INPUT_NOT_FOUND");
  expect(list.length).toBe(700);
});
