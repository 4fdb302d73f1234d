import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { encode } from "cborg";
import { describe, expect, test } from "vitest";
import { recogniseEvidence } from "../../../attestation/evidence/recognise-evidence.ts";
import { parseCarriedEndorsements } from "../../../attestation/ra-tls/carried-endorsements.ts";
import { findCertificateEvidence } from "../../../attestation/ra-tls/certificate-evidence.ts";
import { encodeEvidenceExtension } from "../../../attestation/ra-tls/evidence-extension.ts";
import { verifyRaTlsCertificate } from "../../../attestation/ra-tls/verify-ra-tls.ts";
import { SIMULATOR_COLLATERAL } from "../../../attestation/simulator/collateral.ts";
import { parseIntelEndorsements } from "../../../attestation/intel/intel-endorsements.ts";
import { parseCertificate } from "../../../attestation/x509/certificate.ts";
import {
  certificateExtension,
  type CertificateExtension,
} from "../../../enclave/attesters/simulator/certificate-writer.ts";
import { concatBytes, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { claimsReportData } from "../../../protocol/claims.ts";
import { codeOf } from "../../support/code-of.ts";
import { toMessagePack, toScale } from "../../support/fake-dstack.ts";
import { KEYS, NOW } from "../../support/fake-intel.ts";
import {
  claimsOf,
  dstackAttestation,
  dstackEventLog,
  dstackQuote,
  endorsementExtension,
  evidenceExtension,
  evidenceFor,
  gramineLegacy,
  interoperable,
  KEYSET_ID,
  mintTlsCertificate,
  NONCE,
  TLS_KEY,
} from "../../support/fake-ra-tls.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const verify = async (der: Uint8Array, now = NOW) => await verifyRaTlsCertificate(der, {}, { now });
const spkiHash = toHex(sha256(TLS_KEY.spki));

/** A claims map of any content, with evidence bound to it. */
async function withClaims(claims: unknown): Promise<CertificateExtension> {
  return await interoperable(new Uint8Array(encode(claims)));
}
const hashEntry = (algorithm: number, hash: Uint8Array): Uint8Array => encode([algorithm, hash]);

describe("accepts a certificate", () => {
  test("of the CCC's form, and gives nonce and keyset", async () => {
    const verified = await verify(await mintTlsCertificate([await interoperable()]));
    expect(verified).toMatchObject({
      format: "interoperable",
      nonce: NONCE,
      keysetId: KEYSET_ID,
      spkiHash,
      eventLog: null,
    });
    expect(verified.evidence.kind).toBe("simulator");
  });

  test.for<readonly [string, (spki: Uint8Array) => Uint8Array]>([
    ["SHA-256", (spki) => hashEntry(1, sha256(spki))],
    ["SHA-384", (spki) => hashEntry(7, sha384(spki))],
    ["SHA-512", (spki) => hashEntry(8, sha512(spki))],
  ])("that hashes its key with %s, and has no nonce", async ([, hash]) => {
    const claims = { "pubkey-hash": hash(TLS_KEY.spki), key_0: toUtf8("an application's own") };
    const verified = await verify(
      await mintTlsCertificate([await withClaims(new Map(Object.entries(claims)))]),
    );
    expect([verified.nonce, verified.keysetId]).toEqual([null, null]);
  });

  test.for(["1.2.840.113741.1337.6", "0.6.9.42.840.113741.1337.6"])(
    "of Gramine's legacy form under %s",
    async (oid) => {
      const verified = await verify(await mintTlsCertificate([await gramineLegacy(oid)]));
      expect(verified).toMatchObject({ format: "gramine-legacy", nonce: null, keysetId: null });
    },
  );

  test("of dstack's form, with and without an event log", async () => {
    const bare = await verify(await mintTlsCertificate([await dstackQuote()]));
    expect(bare).toMatchObject({ format: "dstack", eventLog: null });
    const logged = await verify(
      await mintTlsCertificate([await dstackQuote(), dstackEventLog(toUtf8("[]"))]),
    );
    expect(logged.eventLog).toEqual([]);
  });

  test("whose issuer is another, which is the caller's to judge", async () => {
    const der = await mintTlsCertificate([await interoperable()], { issuer: "app CA" }, KEYS.stranger);
    expect((await verify(der)).spkiHash).toBe(spkiHash);
  });

  test("with names and an extended key usage marked critical", async () => {
    const critical = ["2.5.29.17", "2.5.29.37"].map((oid) => ({
      oid,
      critical: true,
      value: Uint8Array.of(0x30, 0),
    }));
    expect((await verify(await mintTlsCertificate([await interoperable(), ...critical]))).spkiHash).toBe(
      spkiHash,
    );
  });
});

describe("an attestation of dstack's in a certificate", () => {
  const reportData = sha512(concatBytes(toUtf8("ratls-cert:"), TLS_KEY.spki));

  test.for([
    ["version 0", toScale],
    ["version 1", toMessagePack],
  ] as const)("of %s is found, with the report data that vouches for the key", async ([, encode]) => {
    const quote = await evidenceFor(reportData);
    const bytes = encode({ platform: { kind: "tdx", quote }, events: [], reportData });
    const certificate = parseCertificate(
      await mintTlsCertificate([await dstackQuote(), dstackAttestation(bytes)]),
    );
    expect(findCertificateEvidence(certificate)).toMatchObject({
      format: "dstack",
      evidence: bytes,
      reportData: toHex(reportData),
      eventLog: null,
    });
    expect(recogniseEvidence(bytes)).toBe("dstack");
  });
});

describe("refuses a certificate", () => {
  const cases: readonly (readonly [string, () => Promise<Uint8Array>, string])[] = [
    [
      "without evidence",
      async () => await mintTlsCertificate([certificateExtension.basicConstraints(false, null)]),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "whose claims name another key",
      async () => await mintTlsCertificate([await interoperable(claimsOf(KEYS.stranger))]),
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "whose evidence is bound to other claims",
      async () =>
        await mintTlsCertificate([
          await interoperable(claimsOf(TLS_KEY), await evidenceFor(new Uint8Array(64))),
        ]),
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "whose evidence goes on after the hash",
      async () => {
        const claims = claimsOf(TLS_KEY);
        const reportData = claimsReportData(claims);
        reportData[63] = 1;
        return await mintTlsCertificate([await interoperable(claims, await evidenceFor(reportData))]);
      },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "of Gramine's form for another key",
      async () =>
        await mintTlsCertificate([await gramineLegacy()], { spki: KEYS.stranger.spki }, KEYS.stranger),
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "of dstack's form for another key",
      async () =>
        await mintTlsCertificate([await dstackQuote()], { spki: KEYS.stranger.spki }, KEYS.stranger),
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "that has expired",
      async () => await mintTlsCertificate([await interoperable()], { notAfter: NOW - 1 }),
      "EVIDENCE_CHAIN_EXPIRED",
    ],
    [
      "of the future",
      async () => await mintTlsCertificate([await interoperable()], { notBefore: NOW + 1 }),
      "EVIDENCE_CHAIN_NOT_YET_VALID",
    ],
    [
      "that another key signed in its name",
      async () => await mintTlsCertificate([await interoperable()], {}, KEYS.stranger),
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "with an unknown critical extension",
      async () =>
        await mintTlsCertificate([
          await interoperable(),
          { oid: "1.2.3.4", critical: true, value: Uint8Array.of(5, 0) },
        ]),
      "EVIDENCE_CHAIN_CRITICAL_EXTENSION",
    ],
    [
      "whose evidence is under another tag",
      async () =>
        await mintTlsCertificate([evidenceExtension(Uint8Array.of(0xd9, 0xea, 0x61, 0x82, 0x40, 0x40))]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "whose evidence is no array",
      async () => await mintTlsCertificate([evidenceExtension(Uint8Array.of(0xd9, 0xea, 0x60, 0x40))]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "whose array has one member",
      async () => await mintTlsCertificate([evidenceExtension(Uint8Array.of(0xd9, 0xea, 0x60, 0x81, 0x40))]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "whose evidence is a number",
      async () =>
        await mintTlsCertificate([evidenceExtension(Uint8Array.of(0xd9, 0xea, 0x60, 0x82, 0x01, 0x40))]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "whose claims are a number",
      async () =>
        await mintTlsCertificate([evidenceExtension(Uint8Array.of(0xd9, 0xea, 0x60, 0x82, 0x40, 0x01))]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "whose evidence is of no kind",
      async () => await mintTlsCertificate([await interoperable(claimsOf(TLS_KEY), toUtf8("nothing"))]),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "whose claims are no map",
      async () => await mintTlsCertificate([await withClaims([1])]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "without a hash of its key",
      async () => await mintTlsCertificate([await withClaims(new Map([["nonce", new Uint8Array(32)]]))]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "whose hash is no pair",
      async () => await mintTlsCertificate([await withClaims(new Map([["pubkey-hash", encode([1])]]))]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "whose hash is not an array",
      async () => await mintTlsCertificate([await withClaims(new Map([["pubkey-hash", encode(1)]]))]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "whose hash is of another algorithm",
      async () =>
        await mintTlsCertificate([
          await withClaims(new Map([["pubkey-hash", hashEntry(2, sha256(TLS_KEY.spki))]])),
        ]),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "whose hash is text",
      async () =>
        await mintTlsCertificate([await withClaims(new Map([["pubkey-hash", encode([1, "text"])]]))]),
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "whose nonce is text",
      async () =>
        await mintTlsCertificate([
          await withClaims(
            new Map<string, unknown>([
              ["pubkey-hash", hashEntry(1, sha256(TLS_KEY.spki))],
              ["nonce", "text"],
            ]),
          ),
        ]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "whose keyset is not 32 bytes",
      async () =>
        await mintTlsCertificate([
          await withClaims(
            new Map([
              ["pubkey-hash", hashEntry(1, sha256(TLS_KEY.spki))],
              ["keyset", new Uint8Array(31)],
            ]),
          ),
        ]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with an event log that is not text",
      async () => await mintTlsCertificate([await dstackQuote(), dstackEventLog(Uint8Array.of(0xff))]),
      "EVIDENCE_MALFORMED",
    ],
  ];

  test.for(cases)("%s", async ([, make, code]) => {
    const der = await make();
    expect(await rejectionOf(() => verify(der))).toBe(code);
  });

  test("at a time in milliseconds", async () => {
    const der = await mintTlsCertificate([await interoperable()]);
    expect(await rejectionOf(() => verify(der, NOW * 1000))).toBe("INPUT_INVALID");
  });
});

describe("endorsements in a certificate", () => {
  test.for(["der", "hex"] as const)("are read with lists in %s", async (form) => {
    const der = await mintTlsCertificate([
      await interoperable(),
      endorsementExtension(SIMULATOR_COLLATERAL, form),
    ]);
    const carried = parseCarriedEndorsements(parseCertificate(der));
    const expected = parseIntelEndorsements(SIMULATOR_COLLATERAL);
    expect(carried?.tcbInfo).toEqual(expected.tcbInfo);
    expect(carried?.signedTcbInfo.signature).toEqual(expected.signedTcbInfo.signature);
    expect(carried?.crls.map(({ tbs }) => tbs)).toEqual(expected.crls.map(({ tbs }) => tbs));
    expect((await verify(der)).spkiHash).toBe(spkiHash);
  });

  test("are not asked for when the caller has some", async () => {
    const der = await mintTlsCertificate([
      await interoperable(),
      { oid: "2.23.133.5.4.2", critical: false, value: Uint8Array.of(0) },
    ]);
    expect(await rejectionOf(() => verify(der))).toBe("ENDORSEMENT_MALFORMED");
    const intel = parseIntelEndorsements(SIMULATOR_COLLATERAL);
    expect((await verifyRaTlsCertificate(der, { intel }, { now: NOW })).spkiHash).toBe(spkiHash);
  });

  test("that are nothing but NULs are read at the cost of their length", async () => {
    const nuls = `${"\0".repeat(150_000)}!`;
    const der = await mintTlsCertificate([
      await interoperable(),
      endorsementExtension({ ...SIMULATOR_COLLATERAL, tcb_info_issuer_chain: nuls }, "der"),
    ]);
    const before = process.cpuUsage().user;
    expect(parseCarriedEndorsements(parseCertificate(der))?.signedTcbInfo.signers).toEqual([]);
    expect(process.cpuUsage().user - before).toBeLessThan(1_000_000);
  });

  test.for<readonly [string, readonly number[]]>([
    ["of another number of members", [0xd9, 0xea, 0x60, 0x81, 0x01]],
    ["with a member that is no byte string", [0xd9, 0xea, 0x60, 0x88, 1, 1, 1, 1, 1, 1, 1, 1]],
  ])("are refused %s", async ([, bytes]) => {
    const value = Uint8Array.from(bytes);
    const der = await mintTlsCertificate([
      await interoperable(),
      { oid: "2.23.133.5.4.2", critical: false, value },
    ]);
    expect(codeOf(() => parseCarriedEndorsements(parseCertificate(der)))).toBe("ENDORSEMENT_MALFORMED");
  });
});

describe("the evidence extension", () => {
  test("writes lengths in their shortest form, and a tag of our own for other kinds", () => {
    for (const length of [0, 23, 24, 255, 256, 65_535, 65_536]) {
      const evidence = new Uint8Array(length);
      const encoded = encodeEvidenceExtension("intel-quote", { evidence, claims: new Uint8Array() });
      expect(encoded).toEqual(
        concatBytes(Uint8Array.of(0xd9, 0xea, 0x60), encode([evidence, new Uint8Array()])),
      );
    }
    const other = encodeEvidenceExtension("other", { evidence: new Uint8Array(), claims: new Uint8Array() });
    expect(toHex(other)).toBe("0xda61647974824040");
  });
});
