/**
 * Cases of other projects' conformance suites. Their mutations are made again on evidence of our own vendors, so that they always run; their
 * data is read in place where it is there (docs/reference/vectors.md, Other projects' suites). `ADYTON_SUITES` names a folder of
 * checkouts, `owner+name` each, for the cases that are files of theirs.
 */

import { encode } from "cborg";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { parseAmdEndorsements } from "../../attestation/amd/amd-endorsements.ts";
import { AMD_ROOTS } from "../../attestation/amd/roots.ts";
import { verifySnpReportUnder } from "../../attestation/amd/verify-snp-report.ts";
import { parseNitroDocument } from "../../attestation/aws/nitro-document.ts";
import { parseHclReport } from "../../attestation/azure/hcl-report.ts";
import { parseIntelEndorsements } from "../../attestation/intel/intel-endorsements.ts";
import { INTEL_TRUST } from "../../attestation/intel/trust.ts";
import { verifySgxQuoteUnder } from "../../attestation/intel/verify-sgx.ts";
import { verifyTdQuote } from "../../attestation/intel/verify-tdx.ts";
import { parseSpdmMeasurements } from "../../attestation/nvidia/spdm-measurements.ts";
import { judgeEvidence } from "../../attestation/verdict/judge-evidence.ts";
import { parseCertificates } from "../../attestation/x509/pem-or-der.ts";
import { createTrustAnchor } from "../../attestation/x509/trust-anchor.ts";
import { createFileSource } from "../../endorsements/files/file-source.ts";
import { concatBytes, fromHex, fromUtf8, toUtf8 } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { codeOf } from "../support/code-of.ts";
import {
  FAKE_TRUST,
  KEYS,
  mintFakeIntel,
  NOW,
  type FakeIntel,
  type FakeIntelChange,
} from "../support/fake-intel.ts";
import { toPem } from "../support/fake-x509.ts";
import { SUITES_FOLDER, VECTORS_FOLDER } from "../support/vectors/config.ts";

/** The code that `work` ends with, or "genuine". */
async function outcomeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "genuine";
  } catch (error) {
    if (error instanceof AdytonError) return (error as AdytonError).code;
    throw error;
  }
}

describe("canvasxyz/teekit be0c105: mutations of its tests, on quotes of our own", () => {
  const FORMS = {
    "SGX version 3": { tee: "sgx" },
    "TDX version 4": { tee: "tdx" },
    "TDX version 5": { tee: "tdx", version: 5 },
  } as const;

  interface Mutation {
    readonly change?: FakeIntelChange;
    readonly edit?: (
      intel: FakeIntel,
    ) => Partial<Pick<FakeIntel, "quote">> & { readonly collateral?: Record<string, unknown> };
    readonly now?: number;
  }

  /** From the end of the signed bytes: the length, the quote's signature, the key; then the QE's part, which is wrapped from version 4 on. */
  const signedBytes = (quote: Uint8Array): number => {
    const version = quote[0]!;
    return version === 3 ? 432 : version === 4 ? 632 : 638;
  };
  const flip = (at: (quote: Uint8Array) => number) => (intel: FakeIntel) => {
    const quote = new Uint8Array(intel.quote);
    quote[at(quote)]! ^= 1;
    return { quote };
  };
  const qeSignature = (quote: Uint8Array): number =>
    signedBytes(quote) + 4 + 128 + (quote[0] === 3 ? 0 : 6) + 384 + 10;
  const broken = (der: Uint8Array): string => {
    const copy = new Uint8Array(der);
    copy[copy.length - 5]! ^= 1;
    return toPem(copy);
  };
  const pem = (der: Uint8Array): string => toPem(der);
  const withoutCopies = (intel: FakeIntel) => ({
    collateral: { ...intel.collateral, pck_crl_issuer_chain: pem(intel.certificates.root) },
  });

  test.for<readonly [string, Mutation, string]>([
    ["nothing changed", {}, "genuine"],
    [
      "an intermediate missing, which the collateral holds",
      { change: { chain: ({ pck, root }) => pem(pck) + pem(root) } },
      "genuine",
    ],
    [
      "an intermediate altered, which the collateral holds",
      { change: { chain: ({ pck, pckCa, root }) => pem(pck) + broken(pckCa) + pem(root) } },
      "genuine",
    ],
    [
      "a missing intermediate, nor in the collateral",
      { change: { chain: ({ pck, root }) => pem(pck) + pem(root) }, edit: withoutCopies },
      "EVIDENCE_CHAIN_UNTRUSTED",
    ],
    [
      "an intermediate altered, nor in the collateral",
      {
        change: { chain: ({ pck, pckCa, root }) => pem(pck) + broken(pckCa) + pem(root) },
        edit: withoutCopies,
      },
      "EVIDENCE_CHAIN_INVALID",
    ],
    // The root is pinned by its key: nobody's copy of its certificate is needed.
    [
      "an altered root",
      { change: { chain: ({ pck, pckCa, root }) => pem(pck) + pem(pckCa) + broken(root) } },
      "genuine",
    ],
    [
      "an altered leaf",
      { change: { chain: ({ pck, pckCa, root }) => broken(pck) + pem(pckCa) + pem(root) } },
      "EVIDENCE_CHAIN_INVALID",
    ],
    ["another QE signature", { edit: flip(qeSignature) }, "EVIDENCE_SIGNATURE_INVALID"],
    [
      "another quote signature",
      { edit: flip((quote) => signedBytes(quote) + 4 + 3) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "another attestation key",
      { edit: flip((quote) => signedBytes(quote) + 4 + 64) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    // Nothing is shown to be false: whoever has the platform's chain can judge it.
    ["no chain", { change: { chain: () => "" } }, "ENDORSEMENT_UNAVAILABLE"],
    ["the year 2000", { now: 946_684_800 }, "ENDORSEMENT_NOT_YET_VALID"],
    ["the year 2100", { now: 4_102_444_800 }, "ENDORSEMENT_EXPIRED"],
    ["another TEE type", { edit: flip(() => 5) }, "EVIDENCE_UNSUPPORTED"],
    ["another attestation key type", { edit: flip(() => 2) }, "EVIDENCE_UNSUPPORTED"],
    ["another version", { edit: flip(() => 1) }, "EVIDENCE_UNSUPPORTED"],
    ["a revoked intermediate", { change: { rootCrl: { revoked: ["0x02"] } } }, "EVIDENCE_CA_REVOKED"],
    ["a revoked leaf", { change: { pckCrl: { revoked: ["0x04"] } } }, "EVIDENCE_REVOKED"],
    // Theirs believes any list; ours says that it cannot judge by one that nobody signed.
    [
      "a leaf revoked by a stranger's list",
      { change: { pckCrl: { revoked: ["0x04"] }, signers: { pckCrl: KEYS.stranger } } },
      "ENDORSEMENT_SIGNATURE_INVALID",
    ],
  ])("%s", async ([, { change = {}, edit, now = NOW }, expected]) => {
    for (const [name, form] of Object.entries(FORMS)) {
      const intel = await mintFakeIntel({ ...form, ...change });
      const { quote, collateral } = { ...intel, ...edit?.(intel) };
      const outcome = await outcomeOf(async () => {
        const context = { endorsements: parseIntelEndorsements(collateral), now, trust: FAKE_TRUST };
        if (form.tee === "sgx") await verifySgxQuoteUnder(FAKE_TRUST, quote, context);
        else await verifyTdQuote("tdx", quote, context);
      });
      expect([name, outcome]).toEqual([name, expected]);
    }
  });
});

describe("base/nitro-validator 0ea0d12: shapes of CBOR in its tests, read without looking at signatures", () => {
  const pcr = new Uint8Array(48);
  const certificate = new Uint8Array(100).fill(0x30);
  const FIELDS: readonly (readonly [string, Uint8Array])[] = [
    ["module_id", encode("i-0123456789abcdef0-enc0123456789abcdef")],
    ["digest", encode("SHA384")],
    ["timestamp", encode(1_767_225_600_000)],
    ["pcrs", encode(new Map([0, 1, 2, 3, 4, 8].map((index) => [index, pcr])))],
    ["certificate", encode(certificate)],
    ["cabundle", encode([certificate])],
    ["public_key", encode(null)],
    ["user_data", encode(null)],
    ["nonce", encode(null)],
  ];
  const INDEFINITE_MAP = 0xbf;
  const INDEFINITE_ARRAY = 0x9f;
  const BREAK = 0xff;
  const indefinite = (head: number, ...items: readonly Uint8Array[]): Uint8Array =>
    concatBytes(Uint8Array.of(head), ...items, Uint8Array.of(BREAK));
  const member = ([name, value]: readonly [string, Uint8Array]): Uint8Array =>
    concatBytes(encode(name), value);
  const changed = (name: string, value: Uint8Array | undefined) =>
    FIELDS.flatMap((field) =>
      field[0] !== name ? [field] : value === undefined ? [] : [[name, value] as const],
    );
  const definiteMap = (fields: readonly (readonly [string, Uint8Array])[]): Uint8Array =>
    concatBytes(Uint8Array.of(0xa0 + fields.length), ...fields.map(member));
  const cose = (payload: Uint8Array, unprotectedHeader: Uint8Array = encode({})): Uint8Array =>
    concatBytes(
      Uint8Array.of(0x84),
      encode(encode(new Map([[1, -35]]))),
      unprotectedHeader,
      encode(payload),
      encode(new Uint8Array(96)),
    );
  const pcrsIndefinite = indefinite(INDEFINITE_MAP, encode(0), encode(pcr));
  const bundleIndefinite = indefinite(INDEFINITE_ARRAY, encode(certificate));
  const twice = (name: string): Uint8Array =>
    definiteMap([...FIELDS, FIELDS.find((field) => field[0] === name)!]);

  test.for<readonly [string, Uint8Array, string]>([
    ["a map of definite length", cose(definiteMap(FIELDS)), "nothing thrown"],
    [
      "a map of indefinite length, keys in another order",
      cose(indefinite(INDEFINITE_MAP, ...FIELDS.toReversed().map(member))),
      "nothing thrown",
    ],
    ["no public key", cose(definiteMap(changed("public_key", undefined))), "nothing thrown"],
    [
      "a public key of no bytes",
      cose(definiteMap(changed("public_key", encode(new Uint8Array())))),
      "EVIDENCE_MALFORMED",
    ],
    ["a public key", cose(definiteMap(changed("public_key", encode(new Uint8Array(65))))), "nothing thrown"],
    [
      "a map that ends after its first member",
      cose(indefinite(INDEFINITE_MAP, member(FIELDS[0]!))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "PCRs of indefinite length, empty",
      cose(definiteMap(changed("pcrs", Uint8Array.of(INDEFINITE_MAP, BREAK)))),
      "EVIDENCE_MALFORMED",
    ],
    ["PCRs of indefinite length", cose(definiteMap(changed("pcrs", pcrsIndefinite))), "nothing thrown"],
    [
      "an unknown key of a map",
      cose(definiteMap([...FIELDS, ["future", encode(new Map([[1, 2]]))]])),
      "nothing thrown",
    ],
    [
      "an unknown key of an array of indefinite length",
      cose(definiteMap([...FIELDS, ["future", indefinite(INDEFINITE_ARRAY, encode(1), encode(2))]])),
      "nothing thrown",
    ],
    // Theirs passes over unknown keys, also twice. RFC 8949 §5.6: a map with a key twice is not valid, and has two meanings.
    [
      "an unknown key twice",
      cose(definiteMap([...FIELDS, ["future", encode(1)], ["future", encode(1)]])),
      "EVIDENCE_MALFORMED",
    ],
    ...["pcrs", "cabundle", "module_id", "timestamp", "public_key", "nonce"].map(
      (name) => [`${name} twice`, cose(twice(name)), "EVIDENCE_MALFORMED"] as const,
    ),
    ["PCRs 0 to 4 and 8", cose(definiteMap(FIELDS)), "nothing thrown"],
    ["PCR 32", cose(definiteMap(changed("pcrs", encode(new Map([[32, pcr]]))))), "EVIDENCE_MALFORMED"],
    [
      "bytes after the payload's map",
      cose(concatBytes(definiteMap(FIELDS), Uint8Array.of(0))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "bytes after the document",
      concatBytes(cose(definiteMap(FIELDS)), Uint8Array.of(0)),
      "EVIDENCE_MALFORMED",
    ],
    [
      "a bundle of thousands",
      cose(definiteMap(changed("cabundle", encode(Array.from({ length: 3000 }, () => new Uint8Array(1)))))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "a map of indefinite length that never ends",
      cose(indefinite(INDEFINITE_MAP, ...FIELDS.map(member)).slice(0, -1)),
      "EVIDENCE_MALFORMED",
    ],
    [
      "a bundle of indefinite length",
      cose(definiteMap(changed("cabundle", bundleIndefinite))),
      "nothing thrown",
    ],
    [
      "a bundle of indefinite length, empty",
      cose(definiteMap(changed("cabundle", Uint8Array.of(INDEFINITE_ARRAY, BREAK)))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "everything of indefinite length",
      cose(
        indefinite(
          INDEFINITE_MAP,
          ...changed("pcrs", pcrsIndefinite).map((field) =>
            member(field[0] === "cabundle" ? ["cabundle", bundleIndefinite] : field),
          ),
        ),
      ),
      "nothing thrown",
    ],
    // Theirs passes over it. Nothing signs that header, and no document of AWS's has anything there.
    [
      "an unprotected header with something in it",
      cose(definiteMap(FIELDS), encode(new Map([[4, new Uint8Array(2)]]))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "an unprotected header that ends before its value",
      cose(definiteMap(FIELDS), Uint8Array.of(0xa1, 4)).slice(0, 12),
      "EVIDENCE_MALFORMED",
    ],
    [
      "a certificate longer than 1024 bytes",
      cose(definiteMap(changed("certificate", encode(new Uint8Array(1025))))),
      "EVIDENCE_MALFORMED",
    ],
  ])("%s", ([, document, expected]) => {
    expect(codeOf(() => parseNitroDocument(document))).toBe(expected);
  });
});

const REAL = join(VECTORS_FOLDER, "suites");

describe.skipIf(!existsSync(REAL))("real evidence of other suites", () => {
  const read = (file: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(join(REAL, file)));

  test.for([
    ["attestation-rs-data__az_snp__evidence-v1.json", "2025-06-01", 4, "azureSnp", null],
    ["attestation-rs-data__az_tdx__evidence-v1.json", "2025-06-01", 4, "azureTdx", "OutOfDate"],
    ["base-nitro__real-2026-01-03.bin", "2026-06-29", 4, "nitro", null],
    ["veraison__evidence__sevsnp-ratsd-token", "2026-06-29", 4, "snp", null],
    // Parts of evidence, without what would vouch for them: nothing is shown, neither way.
    ["kinvolk__test__hcl-report-snp.bin", "2026-06-29", 3, "unknown", null],
    ["kinvolk__test__hcl-report-tdx.bin", "2026-06-29", 3, "unknown", null],
    ["kinvolk__test__quote.bin", "2026-06-29", 3, "unknown", null],
    ["nvidia-sdk__testdata__hopperAttestationReport.txt", "2026-06-29", 3, "unknown", null],
  ] as const)("%s", async ([file, day, status, kind, tcbStatus]) => {
    const now = Date.parse(`${day}T00:00:00Z`) / 1000;
    const intel = await createFileSource(join(VECTORS_FOLDER, "collateral/intel"));
    const { verdict } = await judgeEvidence(read(file), {
      now,
      findEndorsements: async ({ evidence }) => (evidence === null ? {} : await intel.find(evidence, now)),
      policy: null,
      nonce: null,
      reportData: null,
    });
    expect(verdict).toMatchObject({ status, pieces: [{ kind, tcbStatus }] });
  });

  test.for([
    ["kinvolk__test__hcl-report-snp.bin", "snp"],
    ["kinvolk__test__hcl-report-tdx.bin", "tdx"],
  ] as const)("%s is read as a report of Azure's paravisor", ([file, hardware]) => {
    expect(parseHclReport(read(file))).toMatchObject({ hardware });
  });

  test("nvidia-sdk__testdata__hopperAttestationReport.txt is read as measurements of SPDM", () => {
    const text = fromUtf8(read("nvidia-sdk__testdata__hopperAttestationReport.txt")).trim();
    const report = fromHex(`0x${text}`);
    expect(parseSpdmMeasurements(report).requestNonce).toHaveLength(32);
  });
});

interface TinfoilInput {
  readonly quote_b64?: string;
  readonly attestation_doc_b64?: string;
  readonly vcek_der_b64?: string;
  readonly amd_root_ca_pem?: string;
  readonly ask_pem?: string;
  readonly collateral: Record<string, string | undefined>;
  readonly expiration_check_date_unix: number;
}

const CHECKOUT = join(SUITES_FOLDER, "tinfoilsh+tinfoil-conformance");

describe.skipIf(!existsSync(CHECKOUT))(
  "tinfoilsh/tinfoil-conformance 13a81ec: its inputs, read in place",
  () => {
    const bytes = (base64: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(base64, "base64"));
    const anchorOf = (text: string) =>
      createTrustAnchor("the suite's own", parseCertificates(toUtf8(text))[0]!.publicKey.spkiHex);
    const bundle = join(VECTORS_FOLDER, "collateral/bundles/sgx-00606a000000-tcb2023-01-18-e14-v3-5716.json");

    async function verifyTdx({
      quote_b64,
      collateral: given,
      expiration_check_date_unix: now,
    }: TinfoilInput): Promise<unknown> {
      const known = JSON.parse(readFileSync(bundle, "utf8")) as Record<string, string>;
      const hex = (base64 = ""): string => Buffer.from(base64, "base64").toString("hex");
      const signed = (text = "", name: string) => ({
        body: text.slice(text.indexOf(`"${name}":`) + name.length + 3, text.lastIndexOf(',"signature"')),
        signature: (JSON.parse(text) as { readonly signature: string }).signature,
      });
      const tcbInfo = signed(given["tcb_info_json"], "tcbInfo");
      const identity = signed(given["qe_identity_json"], "enclaveIdentity");
      const chain = (name: string): string | undefined => given[`${name}_pem`] ?? known[name];
      const root = given["intel_root_ca_pem"];
      return await verifyTdQuote("tdx", bytes(quote_b64 ?? ""), {
        endorsements: parseIntelEndorsements({
          pck_crl_issuer_chain: chain("pck_crl_issuer_chain"),
          tcb_info_issuer_chain: chain("tcb_info_issuer_chain"),
          qe_identity_issuer_chain: chain("qe_identity_issuer_chain"),
          root_ca_crl: hex(given["root_crl_der_b64"]),
          pck_crl: hex(given["pck_crl_der_b64"]),
          tcb_info: tcbInfo.body,
          tcb_info_signature: tcbInfo.signature,
          qe_identity: identity.body,
          qe_identity_signature: identity.signature,
        }),
        now,
        trust: root === undefined ? INTEL_TRUST : { ...INTEL_TRUST, anchor: anchorOf(root) },
      });
    }

    async function verifySnp(input: TinfoilInput): Promise<unknown> {
      const { attestation_doc_b64 = "", vcek_der_b64 = "", amd_root_ca_pem: root, ask_pem: ask } = input;
      const roots =
        root === undefined ? AMD_ROOTS : AMD_ROOTS.map((own) => ({ ...own, anchor: anchorOf(root) }));
      const certificates = [bytes(vcek_der_b64), ...(ask === undefined ? [] : [toUtf8(ask)])];
      return await verifySnpReportUnder(roots, new Uint8Array(gunzipSync(bytes(attestation_doc_b64))), {
        endorsements: parseAmdEndorsements({ certificates, crls: [] }),
        now: input.expiration_check_date_unix,
      });
    }

    test.for([
      ["attestation-tdx/310-wrong-quote-version", "EVIDENCE_MALFORMED"],
      ["attestation-tdx/311-wrong-tee-type-sgx", "EVIDENCE_MALFORMED"],
      ["attestation-tdx/313-wrong-qe-vendor", "EVIDENCE_UNSUPPORTED"],
      ["attestation-tdx/314-truncated-quote", "EVIDENCE_MALFORMED"],
      ["attestation-tdx/320-pck-leaf-sig-broken", "EVIDENCE_CHAIN_INVALID"],
      // Its collateral has no issuer chains: the one that stands in for them holds the intermediate, whole.
      ["attestation-tdx/321-pck-intermediate-sig-broken", "genuine"],
      ["attestation-tdx/323-pck-chain-byte-changed", "EVIDENCE_MALFORMED"],
      ["attestation-tdx/328-pck-crl-expired", "ENDORSEMENT_EXPIRED"],
      ["attestation-tdx/330-quote-sig-broken-via-header", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-tdx/331-quote-sig-broken-via-body", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-tdx/333-ak-mismatch", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-tdx/334-intermediate-revoked", "EVIDENCE_CA_REVOKED"],
      ["attestation-tdx/336-qe-identity-mrsigner-mismatch", "EVIDENCE_BINDING_MISMATCH"],
      ["attestation-tdx/337-qe-identity-field-mismatch", "EVIDENCE_BINDING_MISMATCH"],
      ["attestation-tdx/347-ak-binding-invalid", "EVIDENCE_BINDING_MISMATCH"],
      ["attestation-tdx/349-qe-identity-version-invalid", "ENDORSEMENT_MALFORMED"],
      ["attestation-tdx/350-tcb-uptodate", "genuine"],
      ["attestation-tdx/361-tcb-configuration-needed", "genuine"],
      ["attestation-tdx/362-tcb-config-and-sw-hardening-needed", "genuine"],
      ["attestation-tdx/390-public-api-tcb-uptodate", "genuine"],
      // A policy's matter here: genuine, and refused by its rules (docs/reference/vectors.md).
      ["attestation-tdx/346-tcb-eval-data-number-too-low", "genuine"],
      ["attestation-tdx/364-tcb-out-of-date-config-needed", "genuine"],
      ["attestation-tdx/365-tcb-swhardening-needed-policy-rejected", "genuine"],
      ["attestation-tdx/401-td-attributes-debug-bit-set", "genuine"],
      ["attestation-tdx/403-td-attributes-sec-reserved-lower-set", "genuine"],
      ["attestation-tdx/404-td-attributes-sec-bit29-reserved-set", "genuine"],
      ["attestation-tdx/412-xfam-fp-sse-not-set", "genuine"],
      ["attestation-tdx/413-xfam-forbidden-bit-set", "genuine"],
      ["attestation-sev/200-real-sev-snp-happy", "genuine"],
      ["attestation-sev/210-wrong-report-version", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-sev/220-signature-byte-flipped", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-sev/221-signed-region-measurement-tampered", "EVIDENCE_SIGNATURE_INVALID"],
      ["attestation-sev/231-vcek-signature-tampered", "EVIDENCE_CHAIN_INVALID"],
      ["attestation-sev/240-vcek-expired", "EVIDENCE_CHAIN_EXPIRED"],
      ["attestation-sev/410-host-data-pin-mismatch", "genuine"],
      ["attestation-sev/420-report-data-pin-mismatch", "genuine"],
      ["attestation-sev/440-author-key-digest-pin-mismatch", "genuine"],
      ["attestation-sev/450-tcb-bl-spl-below-min", "genuine"],
      ["attestation-sev/460-measurement-pin-match", "genuine"],
      ["attestation-sev/461-all-pins-match", "genuine"],
      ["attestation-sev/601-synth-reserved-mbo-cleared", "genuine"],
      ["attestation-sev/602-synth-reserved-mbz-set", "genuine"],
      ["attestation-sev/604-synth-baseline-accept", "genuine"],
      ["attestation-sev/700-vcek-hwid-mismatch", "EVIDENCE_PLATFORM_MISMATCH"],
      ["attestation-sev/702-vcek-ucode-spl-mismatch", "EVIDENCE_TCB_MISMATCH"],
      ["attestation-sev/703-vcek-missing-hwid-extension", "EVIDENCE_CHAIN_INVALID"],
    ] as const)("%s", async ([path, expected]) => {
      const input = JSON.parse(
        readFileSync(join(CHECKOUT, "vectors", path, "input.json"), "utf8"),
      ) as TinfoilInput;
      const verify = input.quote_b64 === undefined ? verifySnp : verifyTdx;
      expect(await outcomeOf(async () => await verify(input))).toBe(expected);
    });
  },
);
