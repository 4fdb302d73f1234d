import { AbiCoder, id, keccak256 } from "ethers";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";

const members = p.KEYSET_TYPE.slice("Keyset(".length, -1)
  .split(",")
  .map((member) => ({ type: member.split(" ")[0]!, name: member.split(" ")[1]! as keyof p.Keyset }));

test("the type string names the schema's fields in its order", () => {
  expect(members.map(({ name }) => name)).toEqual(Object.keys(p.Keyset.shape));
});

test("the id equals ethers' abi.encode", () => {
  fc.assert(
    fc.property(arbitrary.keyset, (keyset) => {
      const encoded = AbiCoder.defaultAbiCoder().encode(
        ["bytes32", ...members.map(({ type }) => type)],
        [id(p.KEYSET_TYPE), ...members.map(({ name }) => keyset[name])],
      );
      expect(p.keysetId(keyset)).toBe(keccak256(encoded));
    }),
  );
});

test("a change of any one field is another keyset", () => {
  fc.assert(
    fc.property(arbitrary.keyset, (keyset) => {
      for (const { name } of members) {
        const last = keyset[name].endsWith("0") ? "1" : "0";
        const changed = { ...keyset, [name]: `${keyset[name].slice(0, -1)}${last}` };
        expect(p.keysetId(changed)).not.toBe(p.keysetId(keyset));
      }
    }),
    { numRuns: 10 },
  );
});

test("a configuration's digest is the SHA-256 of its canonical form", () => {
  const expected = createHash("sha256").update('{"a":1,"b":[true]}').digest("hex");
  expect(p.configurationDigest({ b: [true], a: 1 })).toBe(`0x${expected}`);
});
