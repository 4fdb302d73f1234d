import { expect, test } from "vitest";
import { toBase64 } from "../../protocol/base64.ts";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import {
  encodeCheckpointText,
  encodeConsistencyProof,
  encodeInclusionProof,
  logOrigin,
  noteKeyId,
  signCheckpoint,
  statementLeaf,
} from "../../protocol/receipt-log.ts";

/** RFC 8032 §7.1, test 1. */
const KEY = {
  privateKey: fromHex("0x9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
  publicKey: fromHex("0xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
};
const ID: Hex = `0x${"ab".repeat(32)}`;
const ROOT = new Uint8Array(32).fill(1);

test("a checkpoint is origin, size and root, a blank line, and one line of the log key's", () => {
  const text = encodeCheckpointText(logOrigin(ID), { size: 7, root: ROOT });
  expect(text).toBe(`adyton-keyset/${ID}\n7\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n`);
  const [signed, line] = signCheckpoint(ID, { size: 7, root: ROOT }, KEY).split("\n\n");
  expect(`${signed ?? ""}\n`).toBe(text);
  const [, name, base64 = ""] = /^— (\S+) (\S+)\n$/u.exec(line ?? "") ?? [];
  expect(name).toBe(logOrigin(ID));
  const bytes = Buffer.from(base64, "base64");
  expect(bytes).toHaveLength(4 + 64);
  expect(toHex(bytes.subarray(0, 4))).toBe(toHex(noteKeyId(logOrigin(ID), KEY.publicKey)));
});

test("a leaf is the hash of a zero byte and the digest that was signed", () => {
  // sha256(00 ‖ 32 × ab), by coreutils.
  expect(toHex(statementLeaf(ID))).toBe("0x86754e71ab90f305c4faa7eee57b41b89e49ebcdf03a745c855ee611e4597237");
});

test("proofs are lines of base64 between what they prove and the checkpoint", () => {
  expect(encodeInclusionProof(3, [ROOT], "note\n")).toBe(
    `c2sp.org/tlog-proof@v1\nindex 3\n${toBase64(ROOT)}\n\nnote\n`,
  );
  expect(encodeConsistencyProof(0, [], "note\n")).toBe("old 0\n\nnote\n");
});
