import { TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";

test("separators equal ethers'", () => {
  fc.assert(
    fc.property(arbitrary.onChainDomain, (domain) => {
      expect(p.domainSeparator(domain)).toBe(TypedDataEncoder.hashDomain(domain));
    }),
  );
  expect(p.domainSeparator(p.offChainDomain())).toBe(TypedDataEncoder.hashDomain(p.offChainDomain()));
});

test.for([
  ["another name", { name: "Adyton Off-chain" }],
  ["the version before", { version: "1" }],
  ["a salt", { salt: `0x${"00".repeat(32)}` }],
] as const)("an on-chain domain with %s is refused", ([, change]) => {
  const domain = { name: "Adyton", version: "2", chainId: "1", verifyingContract: `0x${"ab".repeat(20)}` };
  expect(p.OnChainDomain.safeParse(domain).success).toBe(true);
  expect(p.OnChainDomain.safeParse({ ...domain, ...change }).success).toBe(false);
});

test("an off-chain domain that names a chain is refused", () => {
  expect(p.OffChainDomain.safeParse(p.offChainDomain()).success).toBe(true);
  expect(p.OffChainDomain.safeParse({ ...p.offChainDomain(), chainId: "1" }).success).toBe(false);
});
