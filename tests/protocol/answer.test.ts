import { computeAddress, recoverAddress, Signature, SigningKey, TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const privateKey = arbitrary.bytes32.filter((key) => BigInt(key) > 0n && BigInt(key) < ORDER);

const ANSWER_MEMBERS = p.ANSWER_TYPE.slice("Answer(".length, -1)
  .split(",")
  .map((member) => ({ type: member.split(" ")[0]!, name: member.split(" ")[1]! }));

test("the type string names the schema's fields in its order", () => {
  expect(ANSWER_MEMBERS.map(({ name }) => name)).toEqual(Object.keys(p.Answer.shape));
});

test("the digest equals ethers' EIP-712, on chain and off chain", () => {
  fc.assert(
    fc.property(arbitrary.onChainDomain, arbitrary.answer, (domain, answer) => {
      const types = { Answer: ANSWER_MEMBERS };
      expect(p.answerDigest(domain, answer)).toBe(TypedDataEncoder.hash(domain, types, answer));
      const offChain = p.offChainDomain();
      expect(p.answerDigest(offChain, answer)).toBe(TypedDataEncoder.hash(offChain, types, answer));
    }),
  );
});

test("no two domains sign the same digest", () => {
  fc.assert(
    fc.property(arbitrary.onChainDomain, arbitrary.answer, (domain, answer) => {
      const digests = [
        domain,
        p.offChainDomain(),
        p.onChainDomain(domain.chainId ^ 1n, domain.verifyingContract),
        p.onChainDomain(domain.chainId, `0x${"11".repeat(20)}`),
      ].map((each) => p.answerDigest(each, answer));
      expect(new Set(digests).size).toBe(digests.length);
    }),
  );
});

test("a signature is what ethers makes and reads", () => {
  fc.assert(
    fc.property(arbitrary.bytes32, privateKey, (digest, key) => {
      const signature = p.signDigest(digest, p.fromHex(key));
      expect(signature).toBe(new SigningKey(key).sign(digest).serialized);
      expect(p.recoverSigner(digest, signature)).toBe(recoverAddress(digest, signature).toLowerCase());
      expect(p.recoverSigner(digest, signature)).toBe(computeAddress(key).toLowerCase());
      expect(p.addressOfPublicKey(p.fromHex(new SigningKey(key).publicKey as p.Hex))).toBe(
        computeAddress(key).toLowerCase(),
      );
    }),
    { numRuns: 20 },
  );
});

const digest = p.keccakText("digest");
const key = p.fromHex(p.keccakText("key"));
const good = p.signDigest(digest, key);
const [r, s, v] = [good.slice(2, 66), good.slice(66, 130), good.slice(130)];
const highS = (ORDER - BigInt(`0x${s}`)).toString(16).padStart(64, "0");
const otherV = v === "1b" ? "1c" : "1b";

test.for([
  ["the other, high s with its v", r + highS + otherV],
  ["the high s alone", r + highS + v],
  ["v 0", `${r + s}00`],
  ["v 1", `${r + s}01`],
  ["v 29", `${r + s}1d`],
  ["r zero", "00".repeat(32) + s + v],
  ["s zero", r + "00".repeat(32) + v],
  ["r past the order", "ff".repeat(32) + s + v],
] as const)("refuses a signature with %s", ([, signature]) => {
  expect(codeOf(() => p.recoverSigner(digest, `0x${signature}`))).toBe("EVIDENCE_SIGNATURE_INVALID");
});

test.for([
  ["64 bytes, as EIP-2098 has it", Signature.from(good).compactSerialized],
  ["66 bytes", `${good}00`],
])("refuses a signature of %s", ([, signature]) => {
  expect(codeOf(() => p.recoverSigner(digest, signature as p.Hex))).toBe("INPUT_INVALID");
});

test("a signature with any one bit changed is of another signer, or of none", () => {
  const signer = p.recoverSigner(digest, good);
  for (let bit = 0; bit < 65 * 8; bit++) {
    const changed = p.fromHex(good);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const recovered = codeOf(() => {
      if (p.recoverSigner(digest, p.toHex(changed)) === signer) throw new Error(`bit ${bit} does not matter`);
    });
    expect(["nothing thrown", "EVIDENCE_SIGNATURE_INVALID"]).toContain(recovered);
  }
});

test("every status has a name, and the numbers next to them have none", () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(p.answerStatusName)).toEqual(Object.keys(p.AnswerStatus));
  expect([-1, 10, 0.5].map(p.answerStatusName)).toEqual([undefined, undefined, undefined]);
});

test("what one host or one odd node can cause settles late, and no other status", () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter(p.settlesLate)).toEqual([3, 6, 7]);
});

test("a compact signature is EIP-2098's, and comes back with its v", () => {
  fc.assert(
    fc.property(arbitrary.bytes32, privateKey, (digest, key) => {
      const signature = p.signDigest(digest, p.fromHex(key));
      const { r, vs } = p.toCompactSignature(signature);
      expect(`${r}${vs.slice(2)}`).toBe(Signature.from(signature).compactSerialized);
      expect(p.fromCompactSignature({ r, vs })).toBe(signature);
    }),
    { numRuns: 20 },
  );
});

test("the JSON form and back is the identity, and refuses what is never signed", () => {
  fc.assert(
    fc.property(arbitrary.answer, (answer) => {
      const wire: unknown = JSON.parse(JSON.stringify(z.encode(p.Answer, answer)));
      expect(p.Answer.parse(wire)).toEqual(answer);
      for (const change of [{ status: 0 }, { status: 8 }, { status: 10 }, { answeredAt: `${2n ** 40n}` }])
        expect(p.Answer.safeParse({ ...(wire as object), ...change }).success).toBe(false);
    }),
  );
});
