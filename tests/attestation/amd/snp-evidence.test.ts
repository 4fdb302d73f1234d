import { encode, rfc8949EncodeOptions } from "cborg";
import { describe, expect, test } from "vitest";
import { parseAmdCertificateTable, parseAmdEndorsements } from "../../../attestation/amd/amd-endorsements.ts";
import { parseCertificateTable } from "../../../attestation/amd/certificate-table.ts";
import { isSnpEvidence, parseSnpEvidence } from "../../../attestation/amd/snp-evidence.ts";
import { parseSnpReport } from "../../../attestation/amd/snp-report.ts";
import { verifySnpEvidence } from "../../../attestation/amd/verify-snp-evidence.ts";
import { concatBytes, fromHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { AMD_NOW, mintAmdWorld } from "../../support/fake-amd.ts";
import { toPem } from "../../support/fake-x509.ts";

/** GHCB 2.03, table 8. */
const GUID = {
  ark: "0xc0b406a4a803495297433fb6014cd0ae",
  ask: "0x4ab7b379bbac4fe4a02f05aef327c782",
  vcek: "0x63da758de6644564adc5f4b93be8accd",
  vlek: "0xa8074bc2a25a483eaae639c045a0b8a1",
  crl: "0x92f81bc358114d3d97ffd19f88dc67ea",
  other: "0x00000000000000000000000000000001",
} as const satisfies Record<string, Hex>;

const le32 = (value: number) =>
  Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);

function table(
  entries: readonly (readonly [keyof typeof GUID, Uint8Array])[],
  closing = new Uint8Array(24),
): Uint8Array<ArrayBuffer> {
  let offset = (entries.length + closing.length / 24) * 24;
  const heads = entries.map(([kind, content]) => {
    const head = concatBytes(fromHex(GUID[kind]), le32(offset), le32(content.length));
    offset += content.length;
    return head;
  });
  return concatBytes(...heads, closing, ...entries.map(([, content]) => content));
}

describe("a certificate table", () => {
  test("gives its contents by kind, and passes over a host's own", () => {
    const contents = parseCertificateTable(
      table([
        ["vcek", Uint8Array.of(1)],
        ["other", Uint8Array.of(2)],
        ["crl", Uint8Array.of(3)],
      ]),
    );
    expect([...contents]).toEqual([
      ["vcek", Uint8Array.of(1)],
      ["crl", Uint8Array.of(3)],
    ]);
  });

  test.for<readonly [string, Uint8Array<ArrayBuffer>]>([
    ["without its closing entry", table([["vcek", new Uint8Array(10)]], new Uint8Array())],
    ["of 33 entries", table(Array.from({ length: 33 }, () => ["other", new Uint8Array()] as const))],
    [
      "with one kind twice",
      table([
        ["ask", Uint8Array.of(1)],
        ["ask", Uint8Array.of(1)],
      ]),
    ],
    ["with an entry beyond its end", table([["ask", Uint8Array.of(1)]]).slice(0, -1)],
  ])("is refused %s", ([, bytes]) => {
    expect(codeOf(() => parseCertificateTable(bytes))).toBe("EVIDENCE_MALFORMED");
    expect(codeOf(() => parseAmdCertificateTable(bytes))).toBe("ENDORSEMENT_MALFORMED");
  });

  test("brings certificates in PEM or DER, and a revocation list", async () => {
    const { leaf, ask, ark, crls } = await mintAmdWorld({ crl: {} });
    const bytes = table([
      ["ark", toUtf8(toPem(ark))],
      ["ask", ask],
      ["vcek", leaf],
      ["crl", crls[0]!],
    ]);
    const endorsements = parseAmdCertificateTable(bytes);
    expect(endorsements.certificates.map(({ label }) => label)).toEqual([
      "SEV-VCEK",
      "SEV-Milan",
      "ARK-Milan",
    ]);
    expect(endorsements.crls.length).toBe(1);
  });
});

describe("endorsements", () => {
  test.for([
    ["certificate", { certificates: [toUtf8("nothing")], crls: [] }],
    ["list", { certificates: [], crls: [Uint8Array.of(0x30, 0)] }],
  ] as const)("with a malformed %s cannot be judged with", ([, files]) => {
    expect(codeOf(() => parseAmdEndorsements(files))).toBe("ENDORSEMENT_MALFORMED");
  });
});

describe("SEV-SNP evidence", () => {
  const forms = async () => {
    const { leaf, ask, ark, signReport } = await mintAmdWorld();
    const report = await signReport();
    const certificates = table([
      ["vcek", leaf],
      ["ask", ask],
      ["ark", ark],
    ]);
    const tsm = (fields: Readonly<Record<string, unknown>>) =>
      encode(
        { auxblob: certificates, outblob: report, provider: "sev_guest\n", ...fields },
        rfc8949EncodeOptions,
      );
    return { report, certificates, tsm };
  };

  test("is a report alone, with a table, or in configfs-tsm's map", async () => {
    const { report, certificates, tsm } = await forms();
    for (const bytes of [
      report,
      concatBytes(report, certificates),
      tsm({}),
      tsm({ auxblob: new Uint8Array() }),
    ]) {
      expect(isSnpEvidence(bytes)).toBe(true);
      expect(parseSnpEvidence(bytes).report).toEqual(report);
    }
    expect(parseSnpEvidence(report).certificateTable).toBeNull();
    expect(parseSnpEvidence(tsm({ auxblob: new Uint8Array() })).certificateTable).toBeNull();
    expect(parseSnpEvidence(tsm({})).certificateTable).toEqual(certificates);
  });

  test("is not something else", async () => {
    const { report, tsm } = await forms();
    const others = [
      report.slice(0, -1),
      report.with(1, 1),
      report.with(0, 0),
      report.with(0x34, 2),
      report.with(0x37, 1),
      tsm({ provider: "tdx_guest" }),
      tsm({ provider: 7 }),
      tsm({ outblob: "text" }),
      tsm({ auxblob: null }),
      tsm({}).slice(0, -1),
      encode([1, 2, 3]),
      Uint8Array.of(0xa3),
      new Uint8Array(),
    ];
    expect(others.map(isSnpEvidence)).toEqual(others.map(() => false));
  });

  test("is refused when it is too short for a report, or longer than any table", () => {
    for (const length of [0, 1183, 256 * 1024 + 1])
      expect(codeOf(() => parseSnpEvidence(new Uint8Array(length)))).toBe("EVIDENCE_MALFORMED");
  });

  test("is judged with what it brings and with what the caller has", async () => {
    const { report, certificates } = await forms();
    // Under AMD's own roots: that the chain is refused shows that it was found.
    const own = verifySnpEvidence(concatBytes(report, certificates), undefined, { now: AMD_NOW });
    await expect(own).rejects.toMatchObject({ code: "EVIDENCE_CHAIN_UNTRUSTED" });
    const { endorsements } = await mintAmdWorld();
    const given = verifySnpEvidence(report, endorsements, { now: AMD_NOW });
    await expect(given).rejects.toMatchObject({ code: "EVIDENCE_CHAIN_UNTRUSTED" });
    await expect(verifySnpEvidence(report, undefined, { now: AMD_NOW })).rejects.toMatchObject({
      code: "ENDORSEMENT_UNAVAILABLE",
    });
  });
});

describe("a report", () => {
  test.for<readonly [string, (report: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>, string]>([
    ["of another length", (report) => report.slice(1), "EVIDENCE_MALFORMED"],
    ["of version 1", (report) => report.with(0, 1), "EVIDENCE_UNSUPPORTED"],
    ["of version 6", (report) => report.with(0, 6), "EVIDENCE_UNSUPPORTED"],
    ["of another signature algorithm", (report) => report.with(0x34, 2), "EVIDENCE_UNSUPPORTED"],
    ["that firmware did not sign", (report) => report.with(0x48, 7 << 2), "EVIDENCE_UNSUPPORTED"],
    ["with a byte in the padding of r", (report) => report.with(0x2a0 + 48, 1), "EVIDENCE_MALFORMED"],
    ["with a byte in the padding of s", (report) => report.with(0x2e8 + 71, 1), "EVIDENCE_MALFORMED"],
    ["with a byte after the signature", (report) => report.with(0x49f, 1), "EVIDENCE_MALFORMED"],
  ])("%s is refused", async ([, change, code]) => {
    const { signReport } = await mintAmdWorld();
    const report = await signReport();
    expect(codeOf(() => parseSnpReport(change(report)))).toBe(code);
  });

  test("keeps its values when the caller's buffer changes", async () => {
    const { signReport } = await mintAmdWorld();
    const buffer = Buffer.from(await signReport());
    const parsed = parseSnpReport(buffer);
    buffer.fill(0xff);
    expect(parsed.measurement).toEqual(new Uint8Array(48).fill(0x3e));
  });

  test("gives every bit of the guest policy", async () => {
    const { signReport } = await mintAmdWorld();
    const policyOf = async (policy: bigint) => parseSnpReport(await signReport({ policy })).policy;
    expect(await policyOf(0x3fd0102n)).toMatchObject({
      abiMajor: 1,
      abiMinor: 2,
      smtAllowed: true,
      migrateMaAllowed: true,
      debugAllowed: true,
      singleSocketRequired: true,
      cxlAllowed: true,
      memAes256XtsRequired: true,
      raplDisableRequired: true,
      ciphertextHidingDramRequired: true,
      pageSwapDisabled: true,
      undefinedBits: 0n,
    });
    expect(await policyOf(1n << 26n)).toMatchObject({
      debugAllowed: false,
      smtAllowed: false,
      undefinedBits: 1n,
    });
  });
});
