import { AbiCoder, keccak256, toUtf8Bytes } from "ethers";
import { expect, test } from "vitest";
import {
  addressWord,
  bytes32Word,
  hashWords,
  keccak,
  keccakText,
  uintWord,
} from "../../protocol/struct-hash.ts";
import { toHex } from "../../protocol/bytes.ts";
import { codeOf } from "../support/code-of.ts";

test("hashes as Keccak-256, not as SHA3-256", () => {
  expect(keccak(new Uint8Array())).toBe("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  expect(keccakText("é")).toBe(keccak256(toUtf8Bytes("é")));
});

test("lays words out as abi.encode does", () => {
  const account = `0x${"ab".repeat(20)}` as const;
  const hash = `0x${"cd".repeat(32)}` as const;
  const words = [uintWord(7), uintWord(2n ** 256n - 1n), addressWord(account), bytes32Word(hash)];
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["bytes32", "uint256", "uint256", "address", "bytes32"],
    [hash, 7, 2n ** 256n - 1n, account, hash],
  );
  expect(hashWords(hash, words)).toBe(keccak256(encoded));
  expect(toHex(uintWord(7))).toBe(`0x${"0".repeat(63)}7`);
});

test.for([
  ["an integer past 256 bits", () => uintWord(2n ** 256n)],
  ["a negative integer", () => uintWord(-1)],
  ["an address of 19 bytes", () => addressWord(`0x${"ab".repeat(19)}`)],
  ["an address in checksum case", () => addressWord(`0x${"Ab".repeat(20)}`)],
  ["a hash of 33 bytes", () => bytes32Word(`0x${"ab".repeat(33)}`)],
] as const)("refuses %s", ([, call]) => {
  expect(codeOf(call)).toBe("INPUT_INVALID");
});
