import { describe, expect, test } from "vitest";
import { parseIntelEndorsements } from "../../../attestation/intel/intel-endorsements.ts";
import { parsePckExtension } from "../../../attestation/intel/pck-certificate.ts";
import { parseQeIdentity } from "../../../attestation/intel/qe-identity.ts";
import { parseQuote } from "../../../attestation/intel/quote.ts";
import { parseJsonDocument, splitSignedResponse } from "../../../attestation/intel/signed-json.ts";
import { parseTcbInfo } from "../../../attestation/intel/tcb-info.ts";
import { parseCertificate } from "../../../attestation/x509/certificate.ts";
import {
  certificateExtension,
  encodePem,
  type CertificateExtension,
} from "../../../enclave/attesters/simulator/certificate-writer.ts";
import { der, type Der } from "../../../enclave/attesters/simulator/der-writer.ts";
import { encodePckExtension, littleEndian } from "../../../enclave/attesters/simulator/intel-writer.ts";
import { concatBytes, fromHex, fromUtf8, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import {
  genuinePck,
  genuineQeIdentity,
  genuineTcbInfo,
  mintFakeIntel,
  type Patch,
} from "../../support/fake-intel.ts";

const version5 = (await mintFakeIntel({ version: 5 })).quote;
const version4 = (await mintFakeIntel()).quote;
const version3 = (await mintFakeIntel({ tee: "sgx" })).quote;

describe("a quote", () => {
  const patch = (quote: Uint8Array, ...patches: Patch[]): Uint8Array<ArrayBuffer> => {
    const copy = new Uint8Array(quote);
    for (const [at, bytes] of patches) copy.set(bytes, at);
    return copy;
  };
  const signatureLengthAt = 48 + 584;
  const qePartAt = signatureLengthAt + 4 + 128;

  test.for<readonly [string, Uint8Array<ArrayBuffer>, string]>([
    ["longer than any", new Uint8Array(200 * 1024), "EVIDENCE_MALFORMED"],
    ["of nothing", new Uint8Array(), "EVIDENCE_MALFORMED"],
    ["of version 2", patch(version4, [0, littleEndian(2, 2)]), "EVIDENCE_UNSUPPORTED"],
    ["of version 6", patch(version4, [0, littleEndian(6, 2)]), "EVIDENCE_UNSUPPORTED"],
    ["with a P-384 attestation key", patch(version4, [2, littleEndian(3, 2)]), "EVIDENCE_UNSUPPORTED"],
    ["of another TEE", patch(version4, [4, littleEndian(1, 4)]), "EVIDENCE_UNSUPPORTED"],
    ["of version 3 for TDX", patch(version3, [4, littleEndian(0x81, 4)]), "EVIDENCE_MALFORMED"],
    [
      "of version 5 with another body type",
      patch(version5, [48, littleEndian(4, 2)]),
      "EVIDENCE_UNSUPPORTED",
    ],
    ["of version 5 with body type 0", patch(version5, [48, littleEndian(0, 2)]), "EVIDENCE_UNSUPPORTED"],
    [
      "of version 5 with an SGX body for TDX",
      patch(version5, [48, littleEndian(1, 2)]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "of version 5 with a body of another size",
      patch(version5, [50, littleEndian(585, 4)]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with signature data past its end",
      patch(version4, [signatureLengthAt, littleEndian(0xffffffff, 4)]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with signature data a byte short",
      patch(version4, [signatureLengthAt, littleEndian(version4.length - signatureLengthAt - 5, 4)]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with certification data of another type outside",
      patch(version4, [qePartAt, littleEndian(5, 2)]),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "with certification data of another length outside",
      patch(version4, [qePartAt + 2, littleEndian(10, 4)]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with an encrypted PPID of another length than RSA-3072's",
      patch(version4, [qePartAt + 6 + 384 + 64 + 2 + 32, littleEndian(3, 2)]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with a PPID that is not encrypted",
      patch(version4, [qePartAt + 6 + 384 + 64 + 2 + 32, littleEndian(1, 2)]),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "with a chain longer than the rest",
      patch(version4, [qePartAt + 6 + 384 + 64 + 2 + 32 + 2, littleEndian(0xffff, 4)]),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with a chain shorter than the rest",
      patch(version4, [qePartAt + 6 + 384 + 64 + 2 + 32 + 2, littleEndian(10, 4)]),
      "EVIDENCE_MALFORMED",
    ],
  ])("is refused %s", ([, quote, code]) => {
    expect(codeOf(() => parseQuote(quote))).toBe(code);
  });

  test.for([
    ["zeros", new Uint8Array(100), 0],
    ["a line end", Uint8Array.of(10), 1],
    ["zeros and something else", Uint8Array.of(0, 1), 2],
  ] as const)(
    "is read as it is with %s after it, and says how many bytes nothing signs",
    ([, after, bytesAfter]) => {
      const { bytesAfter: counted, ...quote } = parseQuote(concatBytes(version4, after));
      expect(counted).toBe(bytesAfter);
      expect({ ...quote, bytesAfter: 0 }).toEqual(parseQuote(version4));
    },
  );

  test("is read with zeros after it, which say nothing", () => {
    expect(parseQuote(concatBytes(version4, new Uint8Array(1000))).signed).toEqual(
      parseQuote(version4).signed,
    );
  });

  test("cut off anywhere is refused, with one of two codes", () => {
    for (let length = 0; length < version4.length; length += 7) {
      expect(["EVIDENCE_MALFORMED", "EVIDENCE_UNSUPPORTED"]).toContain(
        codeOf(() => parseQuote(version4.slice(0, length))),
      );
    }
  });
});

describe("the SGX extension of a PCK certificate", () => {
  const OID = "1.2.840.113741.1.13.1";
  async function certificateWith(...extensions: CertificateExtension[]) {
    const { certificates } = await mintFakeIntel({
      pck: { extensions: [certificateExtension.basicConstraints(false, null), ...extensions] },
    });
    return parseCertificate(certificates.pck);
  }
  const extension = (...entries: Der[]): CertificateExtension => ({
    oid: OID,
    critical: false,
    value: der.sequence(...entries),
  });
  const entry = (suffix: string, value: Der): Der => der.sequence(der.oid(`${OID}.${suffix}`), value);

  test("is read as it was written", async () => {
    expect(parsePckExtension(await certificateWith(encodePckExtension(genuinePck())))).toEqual(genuinePck());
  });

  test.for<readonly [string, CertificateExtension[]]>([
    ["missing", []],
    ["empty", [extension()]],
    ["with a field of another parent", [extension(der.sequence(der.oid("1.2.3.1"), der.integer(1)))]],
    ["with a field twice", [extension(entry("1", der.integer(1)), entry("1", der.integer(1)))]],
    [
      "with more fields than the profile has",
      [extension(...Array.from({ length: 40 }, (_, index) => entry(String(index + 1), der.integer(1))))],
    ],
    ["with a PPID of 15 bytes", [encodePckExtension({ ...genuinePck(), ppid: `0x${"00".repeat(15)}` })]],
    [
      "with 15 components",
      [encodePckExtension({ ...genuinePck(), sgxComponentSvns: new Array<number>(15).fill(1) })],
    ],
    [
      "followed by something",
      [
        {
          ...encodePckExtension(genuinePck()),
          value: concatBytes(encodePckExtension(genuinePck()).value, der.null()),
        },
      ],
    ],
  ])("is refused %s", async ([, extensions]) => {
    const certificate = await certificateWith(...extensions);
    expect(codeOf(() => parsePckExtension(certificate))).toBe("EVIDENCE_MALFORMED");
  });
});

describe("Intel's collateral", () => {
  test("is refused of another shape, with lists that are not hex, and too long", async () => {
    const { collateral } = await mintFakeIntel();
    for (const change of [
      { pck_crl: undefined },
      { pck_crl: 5 },
      { pck_crl: "xyz" },
      { tcb_info_signature: "0" },
      { root_ca_crl: "00" },
      { tcb_info: "{" },
      { tcb_info: `"${"a".repeat(1024 * 1024)}"` },
    ]) {
      expect(codeOf(() => parseIntelEndorsements({ ...collateral, ...change }))).toBe(
        "ENDORSEMENT_MALFORMED",
      );
    }
    expect(codeOf(() => parseIntelEndorsements(null))).toBe("ENDORSEMENT_MALFORMED");
  });

  test("is read with lists in PEM", async () => {
    const { collateral } = await mintFakeIntel();
    const pem = encodePem("X509 CRL", fromHex(`0x${String(collateral["pck_crl"])}`));
    const expected = parseIntelEndorsements(collateral).crls.map(({ tbs }) => tbs);
    expect(parseIntelEndorsements({ ...collateral, pck_crl: pem }).crls.map(({ tbs }) => tbs)).toEqual(
      expected,
    );
  });

  test.for<readonly [string, object]>([
    [
      "an SVN above 255",
      {
        tcbLevels: [
          {
            ...levelOf(genuineTcbInfo("tdx")),
            tcb: {
              sgxtcbcomponents: new Array(16).fill({ svn: 256 }),
              pcesvn: 1,
              tdxtcbcomponents: new Array(16).fill({ svn: 1 }),
            },
          },
        ],
      },
    ],
    [
      "15 components",
      {
        tcbLevels: [
          {
            ...levelOf(genuineTcbInfo("tdx")),
            tcb: {
              sgxtcbcomponents: new Array(15).fill({ svn: 1 }),
              pcesvn: 1,
              tdxtcbcomponents: new Array(16).fill({ svn: 1 }),
            },
          },
        ],
      },
    ],
    [
      "a status that Intel does not use",
      { tcbLevels: [{ ...levelOf(genuineTcbInfo("tdx")), tcbStatus: "Fine" }] },
    ],
    ["no levels", { tcbLevels: [] }],
    ["another version", { version: 4 }],
    ["no version", { version: undefined }],
    ["another TCB type", { tcbType: 1 }],
    ["a date that does not exist", { issueDate: "2025-13-01T00:00:00Z" }],
    ["a date with an offset", { issueDate: "2025-01-01T00:00:00+00:00" }],
    ["an FMSPC of five bytes", { fmspc: "0011223344" }],
  ])("TCB info is refused with %s", ([, change]) => {
    expect(codeOf(() => parseTcbInfo(JSON.stringify({ ...genuineTcbInfo("tdx"), ...change })))).toBe(
      "ENDORSEMENT_MALFORMED",
    );
  });

  test("TCB info of version 2 is refused with a component missing", () => {
    const components = Object.fromEntries(
      Array.from({ length: 15 }, (_, index) => [`sgxtcbcomp${String(index + 1).padStart(2, "0")}svn`, 1]),
    );
    const info = {
      ...genuineTcbInfo("sgx"),
      version: 2,
      tcbLevels: [{ tcb: { ...components, pcesvn: 1 }, tcbDate: "x", tcbStatus: "UpToDate" }],
    };
    expect(codeOf(() => parseTcbInfo(JSON.stringify(info)))).toBe("ENDORSEMENT_MALFORMED");
  });

  test("a QE identity of another enclave, or of version 1, is refused", () => {
    for (const change of [{ id: "QVE" }, { version: 1 }]) {
      expect(codeOf(() => parseQeIdentity(JSON.stringify({ ...genuineQeIdentity("tdx"), ...change })))).toBe(
        "ENDORSEMENT_MALFORMED",
      );
    }
  });
});

function levelOf(info: Record<string, unknown>): object {
  return (info["tcbLevels"] as object[])[0]!;
}

describe("a signed response of Intel's service", () => {
  test("is split at exactly the bytes that were signed, whatever they hold", () => {
    const text = '{ "a" : "}{\\"", "b":{"c":[{}]} ,"d":1.0}';
    expect(splitSignedResponse("tcbInfo", `{"tcbInfo":${text},"signature":"ab"}`)).toEqual({
      text,
      signature: "ab",
    });
    expect(splitSignedResponse("tcbInfo", `{"signature":"ab", "tcbInfo" : ${text}}`)).toEqual({
      text,
      signature: "ab",
    });
  });

  test.for([
    "[]",
    "null",
    "{",
    '{"tcbInfo":{}}',
    '{"signature":"ab"}',
    '{"tcbInfo":5,"signature":"ab"}',
    // The only match is inside a string, where the braces do not end.
    '{"signature":"ab","x":"\\"tcbInfo\\":{"}',
    String.raw`{"signature":"ab","x":["\\","\"tcbInfo\":{"]}`,
  ])("is refused as %s", (body) => {
    expect(codeOf(() => splitSignedResponse("tcbInfo", body))).toBe("ENDORSEMENT_MALFORMED");
  });

  test("keeps the text byte for byte", () => {
    const { signed } = parseJsonDocument("x", '{ "a":1 }');
    expect(fromUtf8(signed)).toBe('{ "a":1 }');
    expect(toUtf8('{ "a":1 }')).toEqual(signed);
  });
});
