import { encode, rfc8949EncodeOptions } from "cborg";
import { describe, expect, test } from "vitest";
import { isCoseSign1 } from "../../../attestation/aws/cose-sign1.ts";
import { parseNitroDocument } from "../../../attestation/aws/nitro-document.ts";
import { fromHex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import {
  verifyNitroDocument,
  verifyNitroDocumentUnder,
} from "../../../attestation/aws/verify-nitro-document.ts";
import { AWS_NOW, mintAwsWorld, pcrs, type AwsPlan } from "../../support/fake-aws.ts";
import { bitsFlippedOf, flipBits } from "../../support/bits/flip-bits.ts";
import { flipBit, KEY_USAGE } from "../../support/fake-x509.ts";

const HOUR = 3600;

async function verify(plan: Partial<AwsPlan>, now: number = AWS_NOW) {
  const { roots, document } = await mintAwsWorld(plan);
  return await verifyNitroDocumentUnder(roots, document, { now });
}

describe("accepts", () => {
  test.for<readonly [string, Partial<AwsPlan>, number?]>([
    ["a document at its own time", {}],
    ["a document years later, by its own time", {}, AWS_NOW + 100_000_000],
    ["a document five minutes ahead of the caller's clock", {}, AWS_NOW - 300],
    ["a document under COSE's tag", { isTagged: true }],
    [
      "the shortest and the longest optional fields",
      { fields: { public_key: Uint8Array.of(1), user_data: new Uint8Array(), nonce: new Uint8Array(1024) } },
    ],
    [
      "a document without optional fields",
      { fields: { public_key: undefined, user_data: undefined, nonce: undefined } },
    ],
    ["a field that AWS may add", { fields: { future: 1 } }],
    [
      "PCRs of SHA-256 and SHA-512 length",
      {
        fields: {
          pcrs: new Map([
            [0, new Uint8Array(32).fill(1)],
            [31, new Uint8Array(64)],
          ]),
        },
      },
    ],
    [
      "a document in the last second of its certificate",
      { timestamp: (AWS_NOW + 2 * HOUR) * 1000 },
      AWS_NOW + 2 * HOUR,
    ],
  ])("%s", async ([, plan, now]) => {
    expect((await verify(plan, now)).kind).toBe("nitro");
  });

  test("and gives the document's values", async () => {
    const { claims, issuedAt, verifiedAt, reportData, debug } = await verify(
      { timestamp: AWS_NOW * 1000 + 999 },
      AWS_NOW + 5,
    );
    expect({ issuedAt, verifiedAt, reportData, debug }).toEqual({
      issuedAt: AWS_NOW,
      verifiedAt: AWS_NOW + 5,
      reportData: `0x${"d0".repeat(64)}`,
      debug: false,
    });
    expect(claims).toMatchObject({ timestamp: AWS_NOW * 1000 + 999, publicKey: null, nonce: null });
    expect(claims.pcrs["0"]).toBe(`0x${"c0".repeat(48)}`);
  });

  test.for([
    ["PCR0 is zero", pcrs(new Uint8Array(48)), true],
    ["there is no PCR0", new Map([[1, new Uint8Array(48).fill(1)]]), true],
    ["one bit of PCR0 is set", pcrs(flipBit(new Uint8Array(48), 383)), false],
  ] as const)("and says that it is debug when %s", async ([, values, debug]) => {
    expect((await verify({ fields: { pcrs: values } })).debug).toBe(debug);
  });
});

describe("refuses", () => {
  test.for<readonly [string, Partial<AwsPlan>, string, number?]>([
    ["a document from the future", {}, "EVIDENCE_NOT_YET_VALID", AWS_NOW - 301],
    [
      "a document older than its certificate",
      { timestamp: (AWS_NOW - HOUR - 1) * 1000 },
      "EVIDENCE_CHAIN_NOT_YET_VALID",
    ],
    [
      "a document younger than its certificate",
      { timestamp: (AWS_NOW + 2 * HOUR + 1) * 1000 },
      "EVIDENCE_CHAIN_EXPIRED",
      AWS_NOW + 3 * HOUR,
    ],
    [
      "an expired instance",
      { certificates: { instance: { notAfter: AWS_NOW - 1 } } },
      "EVIDENCE_CHAIN_EXPIRED",
    ],
    ["a future zone", { certificates: { zone: { notBefore: AWS_NOW + 1 } } }, "EVIDENCE_CHAIN_NOT_YET_VALID"],
    ["an instance that is no CA", { certificates: { instance: { ca: null } } }, "EVIDENCE_CHAIN_NOT_CA"],
    [
      "a region that allows no zone below it",
      { certificates: { region: { ca: { pathLength: 1 } } } },
      "EVIDENCE_CHAIN_PATH_LENGTH",
    ],
    [
      "a zone whose key may not sign certificates",
      { certificates: { zone: { keyUsage: KEY_USAGE.digitalSignature } } },
      "EVIDENCE_CHAIN_KEY_USAGE",
    ],
    [
      "an enclave whose key may not sign",
      { certificates: { enclave: { keyUsage: KEY_USAGE.keyCertSign } } },
      "EVIDENCE_CHAIN_KEY_USAGE",
    ],
    [
      "an unknown critical extension",
      {
        certificates: {
          enclave: { extensions: [{ oid: "1.2.3.4", critical: true, value: Uint8Array.of(5, 0) }] },
        },
      },
      "EVIDENCE_CHAIN_CRITICAL_EXTENSION",
    ],
    [
      "a gap in the chain",
      { certificates: { zone: { subject: "another zone" } } },
      "EVIDENCE_CHAIN_UNTRUSTED",
    ],
    ["a signature by another key", { signer: "stranger" }, "EVIDENCE_SIGNATURE_INVALID"],
    [
      "a signature by the instance in the enclave's place",
      { signer: "instance" },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    ["another algorithm", { protectedHeader: new Map([[1, -7]]) }, "EVIDENCE_UNSUPPORTED"],
    [
      "a second protected header",
      {
        protectedHeader: new Map<number, unknown>([
          [1, -35],
          [2, [42]],
        ]),
      },
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "an unprotected header, which nothing signs",
      { unprotectedHeader: new Map([[4, 1]]) },
      "EVIDENCE_MALFORMED",
    ],
    ["another digest", { fields: { digest: "SHA256" } }, "EVIDENCE_UNSUPPORTED"],
    ["a digest that is no text", { fields: { digest: 384 } }, "EVIDENCE_MALFORMED"],
    ["an empty module id", { fields: { module_id: "" } }, "EVIDENCE_MALFORMED"],
    ["no module id", { fields: { module_id: undefined } }, "EVIDENCE_MALFORMED"],
    ["a timestamp of zero", { fields: { timestamp: 0 } }, "EVIDENCE_MALFORMED"],
    ["a timestamp with a fraction", { fields: { timestamp: 1.5 } }, "EVIDENCE_MALFORMED"],
    ["a timestamp that no calendar has", { fields: { timestamp: 8.64e15 + 1 } }, "EVIDENCE_MALFORMED"],
    ["a timestamp after the year 9999", { fields: { timestamp: 253_402_300_800_000 } }, "EVIDENCE_MALFORMED"],
    ["a timestamp that is text", { fields: { timestamp: "now" } }, "EVIDENCE_MALFORMED"],
    ["a timestamp beyond exact numbers", { fields: { timestamp: 2n ** 60n } }, "EVIDENCE_MALFORMED"],
    ["no PCRs", { fields: { pcrs: new Map() } }, "EVIDENCE_MALFORMED"],
    [
      "more PCRs than there are",
      { fields: { pcrs: new Map(Array.from({ length: 33 }, (_, i) => [i, new Uint8Array(48)])) } },
      "EVIDENCE_MALFORMED",
    ],
    [
      "a PCR beyond the last",
      { fields: { pcrs: new Map([[32, new Uint8Array(48)]]) } },
      "EVIDENCE_MALFORMED",
    ],
    ["a PCR named by text", { fields: { pcrs: new Map([["0", new Uint8Array(48)]]) } }, "EVIDENCE_MALFORMED"],
    [
      "a PCR of another length",
      { fields: { pcrs: new Map([[0, new Uint8Array(20)]]) } },
      "EVIDENCE_MALFORMED",
    ],
    ["a PCR that is text", { fields: { pcrs: new Map([[0, "x".repeat(48)]]) } }, "EVIDENCE_MALFORMED"],
    ["PCRs that are no map", { fields: { pcrs: [] } }, "EVIDENCE_MALFORMED"],
    ["an empty bundle", { fields: { cabundle: [] } }, "EVIDENCE_MALFORMED"],
    [
      "a bundle of too many",
      { fields: { cabundle: Array.from({ length: 9 }, () => Uint8Array.of(1)) } },
      "EVIDENCE_MALFORMED",
    ],
    [
      "an empty certificate in the bundle",
      { fields: { cabundle: [new Uint8Array()] } },
      "EVIDENCE_MALFORMED",
    ],
    ["a bundle that is no array", { fields: { cabundle: 1 } }, "EVIDENCE_MALFORMED"],
    [
      "a certificate beyond 1024 bytes",
      { fields: { certificate: new Uint8Array(1025) } },
      "EVIDENCE_MALFORMED",
    ],
    ["a certificate that is none", { fields: { certificate: Uint8Array.of(0x30, 0) } }, "EVIDENCE_MALFORMED"],
    ["an empty public key", { fields: { public_key: new Uint8Array() } }, "EVIDENCE_MALFORMED"],
    [
      "a public key beyond 1024 bytes",
      { fields: { public_key: new Uint8Array(1025) } },
      "EVIDENCE_MALFORMED",
    ],
    ["user data beyond 1024 bytes", { fields: { user_data: new Uint8Array(1025) } }, "EVIDENCE_MALFORMED"],
    ["a nonce that is text", { fields: { nonce: "nonce" } }, "EVIDENCE_MALFORMED"],
    ["a time in milliseconds", {}, "INPUT_INVALID", AWS_NOW * 1000],
  ])("%s", async ([, plan, code, now]) => {
    await expect(verify(plan, now)).rejects.toMatchObject({ code });
  });

  const ES384 = fromHex("0xa1013822");
  const cose = (...parts: readonly unknown[]) => new Uint8Array(encode(parts, rfc8949EncodeOptions));
  test.for<readonly [string, Uint8Array]>([
    ["no array", encode(1)],
    ["an array of three", cose(ES384, new Map(), new Uint8Array())],
    [
      "a protected header that is no byte string",
      cose(new Map(), new Map(), new Uint8Array(), new Uint8Array(96)),
    ],
    ["a payload elsewhere", cose(ES384, new Map(), null, new Uint8Array(96))],
    ["an unprotected header that is no map", cose(ES384, [], new Uint8Array(), new Uint8Array(96))],
    ["a signature of another length", cose(ES384, new Map(), new Uint8Array(), new Uint8Array(64))],
    ["a signature that is text", cose(ES384, new Map(), new Uint8Array(), "x".repeat(96))],
    ["a payload that is no map", cose(ES384, new Map(), encode([1]), new Uint8Array(96))],
    ["more bytes than the device writes", cose(ES384, new Map(), new Uint8Array(16_384), new Uint8Array(96))],
  ])("a COSE_Sign1 with %s", ([, bytes]) => {
    expect(codeOf(() => parseNitroDocument(bytes))).toBe("EVIDENCE_MALFORMED");
  });

  test("to recognise what does not begin as a document does", async () => {
    const documents = await Promise.all([mintAwsWorld(), mintAwsWorld({ isTagged: true })]);
    expect(documents.map(({ document }) => isCoseSign1(document))).toEqual([true, true]);
    const [{ document }] = documents;
    const others = [document.slice(1), document.with(5, 0x25), new Uint8Array(), Uint8Array.of(0xd2)];
    expect(others.map(isCoseSign1)).toEqual(others.map(() => false));
  });

  test("a protected header that is no map", () => {
    const bytes = cose(encode(1), new Map(), new Uint8Array(), new Uint8Array(96));
    expect(codeOf(() => parseNitroDocument(bytes))).toBe("EVIDENCE_UNSUPPORTED");
  });

  test("every chain but AWS's own, where the root is the pinned one", async () => {
    const { document } = await mintAwsWorld();
    await expect(verifyNitroDocument(document, { now: AWS_NOW })).rejects.toMatchObject({
      code: "EVIDENCE_CHAIN_UNTRUSTED",
    });
  });

  test("a document one bit away from a genuine one, whichever bit it is", async ({ annotate }) => {
    const { roots, document } = await mintAwsWorld({
      fields: { pcrs: new Map([[0, new Uint8Array(48).fill(1)]]) },
    });
    const { flipped, accepted, codes } = await flipBits(document, async (changed) => {
      await verifyNitroDocumentUnder(roots, changed, { now: AWS_NOW });
    });
    await annotate(`${flipped} bits flipped, one at a time, each through the whole verifier`);
    expect(flipped).toBe(bitsFlippedOf(document.length));
    expect(accepted).toEqual([]);
    expect(codes.filter((code) => !code.startsWith("EVIDENCE_"))).toEqual([]);
    expect(codes).toContain("EVIDENCE_SIGNATURE_INVALID");
  }, 300_000);
});
