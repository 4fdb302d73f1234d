import "reflect-metadata";
import { X509Certificate } from "@peculiar/x509";
import { describe, expect, test } from "vitest";
import { DerReader, TAG } from "../../../attestation/asn1/der-reader.ts";
import { parseCertificate } from "../../../attestation/x509/certificate.ts";
import { parseCrl } from "../../../attestation/x509/crl.ts";
import { fromBase64, splitPem } from "../../../attestation/x509/pem.ts";
import { parseCertificates, parseCrls } from "../../../attestation/x509/pem-or-der.ts";
import { parsePublicKey } from "../../../attestation/x509/public-key.ts";
import { parseSignatureScheme } from "../../../attestation/x509/signature-scheme.ts";
import {
  certificateExtension,
  encodePem,
  mintCertificate,
  mintCrl,
  type CertificateFields,
  type CrlFields,
} from "../../../enclave/attesters/simulator/certificate-writer.ts";
import { der, type Der } from "../../../enclave/attesters/simulator/der-writer.ts";
import type { Signer } from "../../../enclave/attesters/simulator/signer.ts";
import { concatBytes, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { DAY, KEYS, mintFakeIntel, NOW } from "../../support/fake-intel.ts";

const FIELDS: CertificateFields = {
  subject: "leaf",
  issuer: "root",
  serial: "0x0100",
  notBefore: NOW - DAY,
  notAfter: NOW + DAY,
  spki: KEYS.pck.spki,
  extensions: [certificateExtension.basicConstraints(false, null)],
};
const mint = async (change: Partial<CertificateFields>, signer: Signer = KEYS.root) =>
  await mintCertificate({ ...FIELDS, ...change }, signer);

describe("a certificate", () => {
  test("reads as another implementation reads it", async () => {
    const { certificates } = await mintFakeIntel();
    for (const bytes of Object.values(certificates) as Uint8Array<ArrayBuffer>[]) {
      const ours = parseCertificate(bytes);
      const theirs = new X509Certificate(bytes);
      expect(ours.serial).toBe(`0x${theirs.serialNumber}`);
      expect(`CN=${ours.label}`).toBe(theirs.subject);
      expect(ours.notBefore * 1000).toBe(theirs.notBefore.getTime());
      expect(ours.notAfter * 1000).toBe(theirs.notAfter.getTime());
      expect(ours.publicKey.spkiHex).toBe(toHex(new Uint8Array(theirs.publicKey.rawData)));
      expect([...ours.extensions.keys()]).toEqual(theirs.extensions.map(({ type }) => type));
    }
  });

  test("without extensions is nobody's issuer, and says nothing of its key's use", async () => {
    const minted = parseCertificate(await mint({}));
    const fields: Uint8Array[] = [];
    const reader = new DerReader(minted.tbs).readSequence();
    while (reader.nextTag !== TAG.context3) fields.push(reader.readAny().raw);
    const algorithm = fields[2]!;
    const bare = der.sequence(der.sequence(...fields), algorithm, der.bitString(minted.signature));
    const { extensions, basicConstraints, keyUsage } = parseCertificate(bare);
    expect([extensions.size, basicConstraints.isCa, keyUsage]).toEqual([0, false, null]);
  });

  const renamed: Signer = { ...KEYS.root, algorithm: der.sequence(der.oid("1.2.840.10045.4.3.3")) };
  /** Names one algorithm inside the signature and another outside. */
  async function mintWithTwoAlgorithms(): Promise<Der> {
    const one = await mint({});
    const other = await mint({}, renamed);
    const tbsOf = (bytes: Uint8Array<ArrayBuffer>) => parseCertificate(bytes).tbs;
    return der.sequence(tbsOf(one), renamed.algorithm, der.bitString(parseCertificate(other).signature));
  }

  test.for<readonly [string, () => Promise<Uint8Array<ArrayBuffer>>, string]>([
    ["longer than any", () => Promise.resolve(new Uint8Array(300 * 1024)), "EVIDENCE_MALFORMED"],
    ["with bytes after it", async () => concatBytes(await mint({}), Uint8Array.of(0)), "EVIDENCE_MALFORMED"],
    ["that names two signature algorithms", mintWithTwoAlgorithms, "EVIDENCE_MALFORMED"],
    [
      "with a serial number of 21 bytes",
      async () => await mint({ serial: `0x01${"00".repeat(20)}` }),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with an extension twice",
      async () => await mint({ extensions: [...FIELDS.extensions, ...FIELDS.extensions] }),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with too many extensions",
      async () =>
        await mint({
          extensions: Array.from({ length: 65 }, (_, index) => ({
            oid: `1.2.3.${index}`,
            critical: false,
            value: der.null(),
          })),
        }),
      "EVIDENCE_MALFORMED",
    ],
    [
      "signed with SHA-1",
      async () => await mint({}, { ...KEYS.root, algorithm: der.sequence(der.oid("1.2.840.10045.4.1")) }),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "with basic constraints that go on",
      async () =>
        await mint({
          extensions: [{ oid: "2.5.29.19", critical: true, value: concatBytes(der.sequence(), der.null()) }],
        }),
      "EVIDENCE_MALFORMED",
    ],
  ])("is refused %s", async ([, make, code]) => {
    const bytes = await make();
    expect(codeOf(() => parseCertificate(bytes))).toBe(code);
  });

  test("is refused of version 1", async () => {
    const bytes = await mint({});
    const tbs = parseCertificate(bytes).tbs;
    // [0] { INTEGER 2 } begins the content of tbs.
    const at = bytes.indexOf(0xa0);
    expect(tbs.length).toBeGreaterThan(0);
    bytes[at + 4] = 0;
    expect(codeOf(() => parseCertificate(bytes))).toBe("EVIDENCE_MALFORMED");
  });

  test("may have no key usage, an empty one, and a subject without a common name", async () => {
    const none = parseCertificate(await mint({}));
    const empty = parseCertificate(
      await mint({
        extensions: [{ oid: "2.5.29.15", critical: true, value: der.bitString(new Uint8Array()) }],
      }),
    );
    expect(none.keyUsage).toBeNull();
    expect(empty.keyUsage).toEqual(new Set());
  });

  test("without any extensions is read", async () => {
    const full = parseCertificate(await mint({ extensions: [] }));
    expect(full.extensions.size).toBe(0);
    expect(full.basicConstraints).toEqual({ isCa: false, pathLength: null });
  });
});

describe("a public key is refused", () => {
  const ec = der.oid("1.2.840.10045.2.1");
  const p256 = der.oid("1.2.840.10045.3.1.7");
  const point = der.bitString(new Uint8Array(65).fill(4));
  test.for<readonly [string, Der, string]>([
    [
      "on a curve of another kind",
      der.sequence(der.sequence(ec, der.oid("1.3.132.0.10")), point),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "with explicit curve parameters",
      der.sequence(der.sequence(ec, der.sequence()), point),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "of another algorithm",
      der.sequence(der.sequence(der.oid("1.3.101.112"), der.null()), point),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "in compressed form",
      der.sequence(der.sequence(ec, p256), der.bitString(new Uint8Array(33).fill(2))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "under another point format",
      der.sequence(der.sequence(ec, p256), der.bitString(new Uint8Array(65).fill(6))),
      "EVIDENCE_MALFORMED",
    ],
  ])("%s", ([, spki, code]) => {
    expect(codeOf(() => parsePublicKey(spki))).toBe(code);
  });
});

describe("RSASSA-PSS parameters", () => {
  const pss = der.oid("1.2.840.113549.1.1.10");
  const sha384 = der.sequence(der.oid("2.16.840.1.101.3.4.2.2"));
  const sha256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"));
  const mgf = (hash: Der) => der.sequence(der.oid("1.2.840.113549.1.1.8"), hash);
  const identifier = (...parameters: Der[]) => der.sequence(pss, der.sequence(...parameters));

  test("are read with their hash and salt", () => {
    const expected = { name: "RSA-PSS", hash: "SHA-384", saltBytes: 48 };
    const parts = [
      der.context(0, sha384),
      der.context(1, mgf(sha384)),
      der.context(2, der.integer(48)),
    ] as const;
    expect(parseSignatureScheme(identifier(...parts))).toEqual(expected);
    expect(parseSignatureScheme(identifier(...parts, der.context(3, der.integer(1))))).toEqual(expected);
  });

  test.for<readonly [string, Der, string]>([
    [
      "that leave the hash to its default, SHA-1",
      identifier(der.context(1, mgf(sha384))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with another hash for the mask",
      identifier(der.context(0, sha384), der.context(1, mgf(sha256)), der.context(2, der.integer(48))),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "with another mask function",
      identifier(
        der.context(0, sha384),
        der.context(1, der.sequence(der.oid("1.2.3"), sha384)),
        der.context(2, der.integer(48)),
      ),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "with another trailer",
      identifier(
        der.context(0, sha384),
        der.context(1, mgf(sha384)),
        der.context(2, der.integer(48)),
        der.context(3, der.integer(2)),
      ),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "with an unknown hash",
      identifier(der.context(0, der.sequence(der.oid("1.2.3")))),
      "EVIDENCE_UNSUPPORTED",
    ],
  ])("are refused %s", ([, bytes, code]) => {
    expect(codeOf(() => parseSignatureScheme(bytes))).toBe(code);
  });
});

describe("a revocation list", () => {
  const LIST: CrlFields = { issuer: "root", thisUpdate: NOW - DAY, nextUpdate: NOW + DAY, revoked: ["0x05"] };
  const extension = (oid: string, critical: boolean) => ({ oid, critical, value: der.integer(1) });
  const list = async (change: Partial<CrlFields>, signer: Signer = KEYS.root) =>
    await mintCrl({ ...LIST, ...change }, signer);

  test("reads with and without entries", async () => {
    expect(parseCrl(await list({})).revoked).toEqual(new Set(["0x05"]));
    expect(parseCrl(await list({ revoked: [] })).revoked.size).toBe(0);
  });

  test("is refused when it is a delta, or of a part of the certificates", async () => {
    for (const oid of ["2.5.29.27", "2.5.29.28"]) {
      const bytes = await list({ extensions: [extension(oid, true)] });
      expect(codeOf(() => parseCrl(bytes))).toBe("EVIDENCE_MALFORMED");
    }
    const harmless = await list({ extensions: [extension("2.5.29.35", true), extension("1.2.3", false)] });
    expect(parseCrl(harmless).revoked.size).toBe(1);
  });

  /** `[extensions of an entry]` as the list's own writer does not make them. */
  async function listWithEntry(...entry: Der[]): Promise<Der> {
    const signed = der.sequence(
      der.integer(1),
      KEYS.root.algorithm,
      der.sequence(),
      der.time(NOW),
      der.time(NOW + 1),
      der.sequence(der.sequence(der.integer(5), der.time(NOW), ...entry)),
    );
    return der.sequence(signed, KEYS.root.algorithm, der.bitString(await KEYS.root.sign(signed)));
  }

  test("reads entries with a reason, and refuses entries of another issuer", async () => {
    const entry = (oid: string, critical: boolean) =>
      der.sequence(
        der.sequence(
          der.oid(oid),
          ...(critical ? [der.boolean(true)] : []),
          der.octetString(der.enumerated(1)),
        ),
      );
    expect(parseCrl(await listWithEntry()).revoked.size).toBe(1);
    expect(parseCrl(await listWithEntry(entry("2.5.29.21", false))).revoked.size).toBe(1);
    const indirect = await listWithEntry(entry("2.5.29.29", true));
    expect(codeOf(() => parseCrl(indirect))).toBe("EVIDENCE_MALFORMED");
  });

  test("is refused too long, of version 1, or naming two algorithms", () => {
    expect(codeOf(() => parseCrl(new Uint8Array(5 * 1024 * 1024)))).toBe("EVIDENCE_MALFORMED");
    const tbs = (version: number, algorithm: Der) =>
      der.sequence(der.integer(version), algorithm, der.sequence(), der.time(NOW), der.time(NOW));
    const wrap = (signed: Der) => der.sequence(signed, KEYS.root.algorithm, der.bitString(new Uint8Array(1)));
    expect(codeOf(() => parseCrl(wrap(tbs(0, KEYS.root.algorithm))))).toBe("EVIDENCE_MALFORMED");
    expect(codeOf(() => parseCrl(wrap(tbs(1, der.sequence(der.oid("1.2.3"))))))).toBe("EVIDENCE_MALFORMED");
  });
});

describe("PEM", () => {
  test("is read between other text, in one or several blocks", () => {
    const block = encodePem("CERTIFICATE", Uint8Array.of(1, 2, 3));
    expect(splitPem(`text\n${block}more${block}`, "CERTIFICATE")).toEqual(["AQID", "AQID"]);
    expect(splitPem(block, "X509 CRL")).toEqual([]);
  });

  test("has one spelling for each string of bytes", () => {
    const alphabet = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    const read = (texts: readonly string[]): string[] =>
      texts.filter((text) => codeOf(() => fromBase64(text)) === "nothing thrown");
    const spelt = (bytes: readonly number[]): string => btoa(String.fromCharCode(...bytes));
    expect(read(alphabet.map((digit) => `A${digit}==`)).sort()).toEqual(
      [0, 1, 2, 3].map((low) => spelt([low])).sort(),
    );
    expect(read(alphabet.map((digit) => `AA${digit}=`)).sort()).toEqual(
      Array.from({ length: 16 }, (_, low) => spelt([0, low])).sort(),
    );
    expect(fromBase64("AQ==")).toEqual(Uint8Array.of(1));
    expect(fromBase64("AQI=")).toEqual(Uint8Array.of(1, 2));
  });

  test.for<readonly [string, () => unknown]>([
    ["a block that does not end", () => splitPem("-----BEGIN CERTIFICATE-----\nAQID", "CERTIFICATE")],
    [
      "more blocks than any chain has",
      () => splitPem(encodePem("CERTIFICATE", Uint8Array.of(1)).repeat(33), "CERTIFICATE"),
    ],
    ["base64 without its padding", () => fromBase64("AQ")],
    ["base64 with other characters", () => fromBase64("AQ*=")],
    ["base64 with a stray bit before two signs of padding", () => fromBase64("AR==")],
    ["base64 with a stray bit before one sign of padding", () => fromBase64("AQJ=")],
    ["neither DER nor PEM", () => parseCertificates(toUtf8("hello"))],
    ["neither DER nor PEM of a list", () => parseCrls(toUtf8("hello"))],
  ])("refuses %s", ([, call]) => {
    expect(codeOf(call)).toBe("EVIDENCE_MALFORMED");
  });
});
