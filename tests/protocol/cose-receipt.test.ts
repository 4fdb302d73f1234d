import { expect, test } from "vitest";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { encodeCoseClaims, encodeCoseHeader, signCoseReceipt } from "../../protocol/cose-receipt.ts";
import { functionsDomain, offChainDomain } from "../../protocol/domain.ts";

const word = (byte: string): Hex => `0x${byte.repeat(32)}`;
const address: Hex = `0x${"11".repeat(20)}`;
const statement = {
  domain: offChainDomain(),
  answer: {
    requestId: word("01"),
    status: 1,
    outputHash: word("02"),
    transcriptRoot: word("03"),
    stateBlockHash: word("04"),
    keysetId: word("05"),
    answeredAt: 1_793_491_200n,
  },
  keyset: {
    answerKey: address,
    tlsKeyHash: word("06"),
    sealingKey: word("07"),
    logKey: word("08"),
    behaviourDigest: word("09"),
    operatorDigest: word("0a"),
    softwareVersionHash: word("0b"),
    payee: address,
  },
  evidenceHash: word("0c"),
};

test("the protected header, byte by byte", () => {
  const text = (value: string): string => Buffer.from(value).toString("hex");
  const id = (byte: string): string => `7842${text(word(byte))}`;
  expect(toHex(encodeCoseHeader(statement))).toBe(
    "0xa5" +
      "01382e" + // alg: -47
      `037818${text("application/eat-ucs+cbor")}` +
      `045820${"05".repeat(32)}` + // kid
      `0fa201${id("05")}02${id("01")}` + // CWT claims: iss, sub
      `1073${text("application/eat+cwt")}`,
  );
});

test("the claims are in the order of their encoded labels, private ones last", () => {
  const hex = toHex(encodeCoseClaims(statement, new Uint8Array(65).fill(4)));
  // iat, cti, cnf; eat_profile; -65537 to -65543.
  expect(hex.startsWith(`0xab061a${(1_793_491_200).toString(16)}075820${"01".repeat(32)}08a101a4`)).toBe(
    true,
  );
  const labels = ["190109", ...[0, 1, 2, 3, 4, 5, 6].map((n) => `3a0001000${n}`)];
  const places = labels.map((label) => hex.indexOf(label));
  expect(places.every((place, index) => place > (places[index - 1] ?? 0))).toBe(true);
});

test("a chain's id has 32 bytes, however small it is", () => {
  const domain = functionsDomain(1n, address);
  const hex = toHex(encodeCoseClaims({ ...statement, domain }, new Uint8Array(65).fill(4)));
  expect(hex).toContain(`67${Buffer.from("chainId").toString("hex")}5820${"00".repeat(31)}01`);
});

test("the file is a tagged array of four that ends with 64 bytes of signature", () => {
  const file = signCoseReceipt(statement, new Uint8Array(32).fill(7));
  expect(toHex(file.subarray(0, 3))).toBe("0xd28458");
  expect(toHex(file.subarray(-66, -64))).toBe("0x5840");
});
