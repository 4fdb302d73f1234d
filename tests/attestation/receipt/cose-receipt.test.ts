import { encode, rfc8949EncodeOptions } from "cborg";
import { createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  checkSameStatement,
  isCoseReceipt,
  parseCoseReceipt,
  verifyCoseReceipt,
} from "../../../attestation/receipt/cose-receipt.ts";
import { addressOfPublicKey } from "../../../protocol/answer.ts";
import { concatBytes, fromHex, toHex } from "../../../protocol/bytes.ts";
import {
  COSE_CLAIM,
  COSE_HEADER,
  encodeCoseClaims,
  encodeCoseHeader,
  encodeCoseSign1,
  type CoseStatement,
} from "../../../protocol/cose-receipt.ts";
import { functionsDomain, type OnChainDomain } from "../../../protocol/domain.ts";
import { EvidenceError } from "../../../protocol/errors.ts";
import { keysetId } from "../../../protocol/keyset.ts";
import { parseReceipt, type Receipt } from "../../../protocol/receipt.ts";
import { decodeCbor, type CborValue } from "../../../attestation/encoding/cbor.ts";
import { codeOf } from "../../support/code-of.ts";
import { createSampleTwin, sampleStatement, signAnyTwin } from "../../support/sample-cose-receipt.ts";
import { createSampleReceipt } from "../../support/sample-receipt.ts";

const onChainFile = await createSampleReceipt({ where: "on chain" });
const offChainFile = await createSampleReceipt({ where: "off chain" });
const twin = createSampleTwin(onChainFile);
const { statement, publicKey, signature, toBeSigned } = parseCoseReceipt(twin);
const header = encodeCoseHeader(statement);
const claims = encodeCoseClaims(statement, publicKey);
const cbor = (value: unknown): Uint8Array<ArrayBuffer> => new Uint8Array(encode(value, rfc8949EncodeOptions));
const parts = (...items: readonly unknown[]): Uint8Array<ArrayBuffer> =>
  concatBytes(Uint8Array.of(0xd2), cbor(items));
const LIMITS = { maxBytes: 4_096, maxDepth: 4, maxItems: 128, containers: "definite" } as const;
type Mutable = Map<CborValue, unknown>;
const editMap = (bytes: Uint8Array, edit: (map: Mutable) => void): Uint8Array<ArrayBuffer> => {
  const map: Mutable = new Map(decodeCbor(bytes, LIMITS) as ReadonlyMap<CborValue, CborValue>);
  edit(map);
  return cbor(map);
};
const editClaims = (edit: (map: Mutable) => void): Uint8Array => signAnyTwin(header, editMap(claims, edit));

function refusal(call: () => unknown): EvidenceError {
  try {
    call();
  } catch (error) {
    if (error instanceof EvidenceError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe.each([
  ["on chain", onChainFile],
  ["off chain", offChainFile],
] as const)("the twin of a receipt from %s", (_, file) => {
  const made = createSampleTwin(file);

  test("verifies, and states what the receipt states", () => {
    const verified = verifyCoseReceipt(made);
    expect(verified.checks.map(({ name }) => name)).toEqual(["format", "keyset", "key", "signature"]);
    expect(verified.statement).toEqual(sampleStatement(file));
    expect(checkSameStatement(verified, parseReceipt(file)).ok).toBe(true);
  });

  test("is the same bytes each time", () => {
    expect(createSampleTwin(file)).toEqual(made);
  });

  test("is refused when a bit of any byte changes", () => {
    for (let at = 0; at < made.length; at++) {
      const changed = new Uint8Array(made);
      changed[at]! ^= 1 << (at % 8);
      expect(
        codeOf(() => verifyCoseReceipt(changed)),
        `byte ${at}`,
      ).toMatch(/^EVIDENCE_/);
    }
  });

  test("is refused when it is cut or something follows", () => {
    for (let length = 0; length < made.length; length++)
      expect(codeOf(() => verifyCoseReceipt(made.subarray(0, length)))).toBe("EVIDENCE_MALFORMED");
    expect(codeOf(() => verifyCoseReceipt(concatBytes(made, Uint8Array.of(0))))).toBe("EVIDENCE_MALFORMED");
  });
});

test("of an answer through Functions names that domain", () => {
  const domain = functionsDomain(11_155_111n, "0x00000000000000000000000000000000000000aa");
  const functions = { ...statement, domain };
  const file = signAnyTwin(encodeCoseHeader(functions), encodeCoseClaims(functions, publicKey));
  expect(verifyCoseReceipt(file).statement.domain).toEqual(domain);
});

test("is what RFC 9052, 8812 and 9711 say, to another implementation", () => {
  const hex = Buffer.from(twin).toString("hex");
  // Tag 18, array of four, a protected header of five that begins with alg = ES256K.
  expect(hex).toMatch(/^d28458..a501382e/u);
  const key = createPublicKey({
    format: "jwk",
    key: {
      kty: "EC",
      crv: "secp256k1",
      x: Buffer.from(publicKey.subarray(1, 33)).toString("base64url"),
      y: Buffer.from(publicKey.subarray(33)).toString("base64url"),
    },
  });
  expect(verify("sha256", toBeSigned, { key, dsaEncoding: "ieee-p1363" }, signature)).toBe(true);
  const read = decodeCbor(claims, LIMITS) as ReadonlyMap<CborValue, CborValue>;
  expect(read.get(6)).toBe(Number(statement.answer.answeredAt));
  expect(toHex(read.get(7) as Uint8Array)).toBe(statement.answer.requestId);
  expect(read.get(265)).toMatch(/^urn:uuid:/u);
  const cwt = (decodeCbor(header, LIMITS) as ReadonlyMap<CborValue, CborValue>).get(15);
  expect(cwt).toEqual(
    new Map([
      [1, statement.answer.keysetId],
      [2, statement.answer.requestId],
    ]),
  );
});

test("holds neither prompt nor output", () => {
  const { output, payload } = parseReceipt(onChainFile);
  const hex = toHex(twin).slice(2);
  expect(hex).not.toContain(output.slice(2));
  expect(hex).not.toContain(payload.slice(-200));
});

test("may carry receipts of transparency services, which are outside its signature", () => {
  const attached = new Map([[394, [Uint8Array.of(1), Uint8Array.of(2)]]]);
  const { checks } = verifyCoseReceipt(parts(header, attached, claims, signature));
  expect(checks[0]?.detail).toContain("2 receipts attached, not judged");
});

describe("refuses what a liar with the right key signed", () => {
  test.for<[string, Uint8Array]>([
    ["a claim more", editClaims((map) => map.set(-70_000, 1))],
    ["no profile", editClaims((map) => map.delete(COSE_CLAIM.profile))],
    ["another profile", editClaims((map) => map.set(COSE_CLAIM.profile, "urn:uuid:0"))],
    ["no domain", editClaims((map) => map.delete(COSE_CLAIM.domain))],
    [
      "a chain's id of 31 bytes",
      editClaims((map) =>
        map.set(
          COSE_CLAIM.domain,
          new Map([...(map.get(COSE_CLAIM.domain) as Mutable), ["chainId", new Uint8Array(31)]]),
        ),
      ),
    ],
    ["a time that is no integer", editClaims((map) => map.set(COSE_CLAIM.iat, "now"))],
    ["a status that nobody signs", editClaims((map) => map.set(COSE_CLAIM.status, 0))],
    ["a hash of 31 bytes", editClaims((map) => map.set(COSE_CLAIM.outputHash, new Uint8Array(31)))],
    ["no keyset", editClaims((map) => map.delete(COSE_CLAIM.keyset))],
    ["no confirmation key", editClaims((map) => map.delete(COSE_CLAIM.cnf))],
    ["a confirmation that is no map", editClaims((map) => map.set(COSE_CLAIM.cnf, 1))],
    [
      "coordinates of another length",
      editClaims((map) =>
        map.set(
          COSE_CLAIM.cnf,
          new Map([
            [
              1,
              new Map([
                [-2, new Uint8Array(32)],
                [-3, new Uint8Array(31)],
              ]),
            ],
          ]),
        ),
      ),
    ],
    ["claims that are no map", signAnyTwin(header, cbor([1]))],
    ["a header that is no map", signAnyTwin(cbor([1]), claims)],
    [
      "another algorithm",
      signAnyTwin(
        editMap(header, (map) => map.set(COSE_HEADER.alg, -7)),
        claims,
      ),
    ],
    [
      "a header more",
      signAnyTwin(
        editMap(header, (map) => map.set(2, [1])),
        claims,
      ),
    ],
    [
      "another subject",
      signAnyTwin(
        editMap(header, (map) =>
          map.set(
            15,
            new Map([
              [1, statement.answer.keysetId],
              [2, "0x"],
            ]),
          ),
        ),
        claims,
      ),
    ],
  ])("with %s", ([, file]) => {
    expect(refusal(() => verifyCoseReceipt(file))).toMatchObject({
      code: "EVIDENCE_MALFORMED",
      details: { check: "format" },
    });
  });

  test("the same claims in another encoding", () => {
    // The first claim's label, 6, in two bytes instead of one.
    const long = concatBytes(claims.subarray(0, 1), Uint8Array.of(0x18, 0x06), claims.subarray(2));
    expect(claims[1]).toBe(0x06);
    expect(codeOf(() => verifyCoseReceipt(signAnyTwin(header, long)))).toBe("EVIDENCE_MALFORMED");
  });

  test("for another keyset", () => {
    const keyset = { ...statement.keyset, payee: statement.keyset.answerKey };
    const other = encodeCoseClaims({ ...statement, keyset }, publicKey);
    expect(refusal(() => verifyCoseReceipt(signAnyTwin(header, other)))).toMatchObject({
      code: "EVIDENCE_BINDING_MISMATCH",
      details: { check: "keyset" },
    });
  });

  test("under a key that is not the keyset's", () => {
    const other = encodeCoseClaims(statement, new Uint8Array(65).fill(4));
    expect(refusal(() => verifyCoseReceipt(signAnyTwin(header, other)))).toMatchObject({
      code: "EVIDENCE_BINDING_MISMATCH",
      details: { check: "key" },
    });
  });

  test("under a keyset whose key is no point of the curve", () => {
    const noPoint = new Uint8Array(65).fill(4);
    const keyset = { ...statement.keyset, answerKey: addressOfPublicKey(noPoint) };
    const lie: CoseStatement = {
      ...statement,
      keyset,
      answer: { ...statement.answer, keysetId: keysetId(keyset) },
    };
    const file = signAnyTwin(encodeCoseHeader(lie), encodeCoseClaims(lie, noPoint));
    expect(refusal(() => verifyCoseReceipt(file))).toMatchObject({
      code: "EVIDENCE_SIGNATURE_INVALID",
      details: { check: "signature" },
    });
  });
});

describe("refuses an envelope", () => {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const highS = (order - BigInt(toHex(signature.subarray(32)))).toString(16).padStart(64, "0");
  test.for<[string, Uint8Array]>([
    ["without its tag", twin.subarray(1)],
    ["of three parts", parts(header, new Map(), claims)],
    ["that is no array", concatBytes(Uint8Array.of(0xd2), cbor(1))],
    ["whose header is no byte string", parts(1, new Map(), claims, signature)],
    ["whose claims are detached", parts(header, new Map(), null, signature)],
    ["with a signature of 63 bytes", parts(header, new Map(), claims, signature.subarray(1))],
    ["with a signature that is text", parts(header, new Map(), claims, "x".repeat(64))],
    ["with an unprotected header that is no map", parts(header, 1, claims, signature)],
    ["with something else unprotected", parts(header, new Map([[4, 1]]), claims, signature)],
    [
      "with something beside the attached receipts",
      parts(
        header,
        new Map<number, unknown>([
          [394, []],
          [4, 1],
        ]),
        claims,
        signature,
      ),
    ],
    [
      "with attached receipts that are no byte strings",
      parts(header, new Map([[394, [1]]]), claims, signature),
    ],
    ["larger than any twin", parts(header, new Map([[394, [new Uint8Array(70_000)]]]), claims, signature)],
  ])("%s", ([, file]) => {
    expect(codeOf(() => verifyCoseReceipt(file))).toBe("EVIDENCE_MALFORMED");
  });

  test.for([0x00, 0xff])("whose signature is all %i", (byte) => {
    const file = encodeCoseSign1(header, claims, new Uint8Array(64).fill(byte));
    expect(codeOf(() => verifyCoseReceipt(file))).toBe("EVIDENCE_SIGNATURE_INVALID");
  });

  test("whose signature is the other one of the same statement (high s)", () => {
    const file = encodeCoseSign1(
      header,
      claims,
      concatBytes(signature.subarray(0, 32), fromHex(`0x${highS}`)),
    );
    expect(codeOf(() => verifyCoseReceipt(file))).toBe("EVIDENCE_SIGNATURE_INVALID");
  });
});

describe("a twin beside a receipt that states something else", () => {
  const verified = verifyCoseReceipt(twin);
  const receipt = parseReceipt(onChainFile);
  const bytes32 = `0x${"ab".repeat(32)}` as const;
  test.for<[string, Receipt]>([
    ["domain.chainId", { ...receipt, domain: { ...receipt.domain, chainId: 1n } } as Receipt],
    ...Object.keys(receipt.answer).map((name): [string, Receipt] => [
      `answer.${name}`,
      { ...receipt, answer: { ...receipt.answer, [name]: bytes32 } },
    ]),
    ...Object.keys(receipt.keyset).map((name): [string, Receipt] => [
      `keyset.${name}`,
      { ...receipt, keyset: { ...receipt.keyset, [name]: bytes32 } },
    ]),
    ["evidenceHash", { ...receipt, evidence: { ...receipt.evidence, bytes: "0x00" } }],
  ])("is refused: %s", ([field, other]) => {
    expect(refusal(() => checkSameStatement(verified, other))).toMatchObject({
      code: "EVIDENCE_BINDING_MISMATCH",
      details: { check: "statement", field },
    });
  });

  test("is refused: another domain has other fields", () => {
    const domain = parseReceipt(offChainFile).domain;
    const error = refusal(() => checkSameStatement(verified, { ...receipt, domain } as Receipt));
    expect(error.details["field"]).toBe("domain.name");
    const longer = { ...receipt, domain: { ...receipt.domain, salt: "0x" } } as unknown as Receipt;
    expect(refusal(() => checkSameStatement(verified, longer)).details["field"]).toBe("domain.salt");
    const { name, version, chainId } = receipt.domain as OnChainDomain;
    const missing = { ...receipt, domain: { name, version, chainId } } as unknown as Receipt;
    expect(refusal(() => checkSameStatement(verified, missing)).details["field"]).toBe(
      "domain.verifyingContract",
    );
  });
});

test("a damaged twin is still recognised as one; a receipt, a Nitro document and nothing are not", () => {
  expect(isCoseReceipt(twin)).toBe(true);
  expect(isCoseReceipt(twin.subarray(0, 100))).toBe(true);
  expect(isCoseReceipt(onChainFile)).toBe(false);
  expect(isCoseReceipt(fromHex("0x8444a1013822"))).toBe(false);
  expect(isCoseReceipt(new Uint8Array())).toBe(false);
});
