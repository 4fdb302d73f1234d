import { createHash, generateKeyPairSync, sign, X509Certificate, type KeyObject } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { DerReader, TAG } from "../../../attestation/asn1/der-reader.ts";
import {
  encodePem,
  mintCertificate,
  type CertificateExtension,
} from "../../../enclave/attesters/simulator/certificate-writer.ts";
import { der } from "../../../enclave/attesters/simulator/der-writer.ts";
import { createP256Signer } from "../../../enclave/attesters/simulator/signer.ts";
import { pinLogs, verifyTimestamps } from "../../../enclave/egress/signed-certificate-timestamps.ts";
import { concatBytes, fromHex, toHex } from "../../../protocol/bytes.ts";

const authority = createP256Signer("test authority");
const server = createP256Signer("test server");
const log = generateKeyPairSync("ec", { namedCurve: "P-256" });
const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
const TIMESTAMP = 1_795_305_600_000n;

const pinned = (key: KeyObject) =>
  pinLogs([{ name: "test log", key: key.export({ type: "spki", format: "der" }).toString("base64") }]);
const logId = (key: KeyObject) =>
  createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();

const other: CertificateExtension = { oid: "2.5.29.17", critical: false, value: der.sequence() };

async function mint(
  extensions: readonly CertificateExtension[],
  subject = "model.example",
): Promise<X509Certificate> {
  const fields = {
    subject,
    issuer: "authority",
    serial: "0x01",
    notBefore: 1_700_000_000,
    notAfter: 2_000_000_000,
    spki: server.spki,
    extensions,
  } as const;
  return new X509Certificate(encodePem("CERTIFICATE", await mintCertificate(fields, authority)));
}

function tbsOf(certificate: X509Certificate): Uint8Array {
  return new DerReader(new Uint8Array(certificate.raw)).readSequence().read(TAG.sequence).raw;
}

const uint = (value: bigint | number, bytes: number): Uint8Array =>
  fromHex(`0x${value.toString(16).padStart(bytes * 2, "0")}`);

/** RFC 6962 §3.2, from the other side. */
async function timestampFor(
  subject: string,
  signer: typeof log,
  issuer = authority.spki,
): Promise<Uint8Array> {
  const tbs = tbsOf(await mint([other], subject));
  const issuerKeyHash = createHash("sha256").update(issuer).digest();
  const signed = concatBytes(
    Uint8Array.of(0, 0),
    uint(TIMESTAMP, 8),
    uint(1, 2),
    issuerKeyHash,
    uint(tbs.length, 3),
    tbs,
    uint(0, 2),
  );
  const signature = sign("sha256", signed, signer.privateKey);
  return concatBytes(
    Uint8Array.of(0),
    logId(signer.publicKey),
    uint(TIMESTAMP, 8),
    uint(0, 2),
    uint(0x0403, 2),
    uint(signature.length, 2),
    signature,
  );
}

function listOf(...timestamps: readonly Uint8Array[]): CertificateExtension {
  const items = concatBytes(...timestamps.flatMap((item) => [uint(item.length, 2), item]));
  const value = der.octetString(concatBytes(uint(items.length, 2), items));
  return { oid: "1.3.6.1.4.1.11129.2.4.2", critical: false, value };
}

let issuer: X509Certificate;
let good: Uint8Array;
beforeAll(async () => {
  const fields = {
    subject: "authority",
    issuer: "authority",
    serial: "0x02",
    notBefore: 1_700_000_000,
    notAfter: 2_000_000_000,
    spki: authority.spki,
    extensions: [],
  } as const;
  issuer = new X509Certificate(encodePem("CERTIFICATE", await mintCertificate(fields, authority)));
  good = await timestampFor("model.example", log);
});

describe("timestamps embedded in a certificate", () => {
  test("count when a pinned log signed them for this certificate", async () => {
    const leaf = await mint([other, listOf(good)]);
    expect(verifyTimestamps(leaf, issuer, pinned(log.publicKey))).toEqual([
      { logId: toHex(logId(log.publicKey)), timestamp: Number(TIMESTAMP) },
    ]);
  });

  test("count once per log", async () => {
    const leaf = await mint([other, listOf(good, await timestampFor("model.example", log))]);
    expect(verifyTimestamps(leaf, issuer, pinned(log.publicKey))).toHaveLength(1);
  });

  test("count for nothing when the log is not pinned", async () => {
    const leaf = await mint([other, listOf(good)]);
    expect(verifyTimestamps(leaf, issuer, pinned(stranger.publicKey))).toEqual([]);
  });

  test("count for nothing in a certificate of another name", async () => {
    const leaf = await mint([other, listOf(good)], "elsewhere.example");
    expect(verifyTimestamps(leaf, issuer, pinned(log.publicKey))).toEqual([]);
  });

  test("count for nothing under another authority's key", async () => {
    const leaf = await mint([other, listOf(await timestampFor("model.example", log, server.spki))]);
    expect(verifyTimestamps(leaf, issuer, pinned(log.publicKey))).toEqual([]);
  });

  test("count for nothing with any one bit of them changed", async () => {
    const logs = pinned(log.publicKey);
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const changed = new Uint8Array(good);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const leaf = await mint([other, listOf(changed)]);
      expect(verifyTimestamps(leaf, issuer, logs), `bit ${bit}`).toEqual([]);
    }
  });

  test("are none where the certificate has none", async () => {
    expect(verifyTimestamps(await mint([other]), issuer, pinned(log.publicKey))).toEqual([]);
  });
});
