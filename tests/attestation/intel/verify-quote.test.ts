import { describe, expect, test } from "vitest";
import { verifySgxQuoteUnder } from "../../../attestation/intel/verify-sgx.ts";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import { certificateExtension, joinChain } from "../../../enclave/attesters/simulator/certificate-writer.ts";
import { encodePckExtension } from "../../../enclave/attesters/simulator/intel-writer.ts";
import {
  AT,
  DAY,
  FAKE_TRUST,
  genuinePck,
  KEYS,
  mintFakeIntel,
  MODULE_3,
  NAMES,
  NOW,
  SERIALS,
  type FakeIntelChange,
} from "../../support/fake-intel.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { verifyFakeQuote as verify } from "../../support/verify-fake-quote.ts";

const { basicConstraints, keyUsage } = certificateExtension;

const EXPIRED = { notAfter: NOW - 1 };
const FUTURE = { notBefore: NOW + 1 };
const unknownCritical = { oid: "1.2.3.4", critical: true, value: Uint8Array.of(5, 0) };
const pckExtension = encodePckExtension(genuinePck());
const leaf = [keyUsage("digitalSignature"), basicConstraints(false, null)];
const ca = [keyUsage("keyCertSign", "cRLSign"), basicConstraints(true, 0)];

describe("accepts", () => {
  test.for<readonly [string, FakeIntelChange]>([
    ["a TDX quote of version 4", {}],
    ["a TDX 1.0 body in version 5", { version: 5 }],
    ["a TDX 1.5 body in version 5", { version: 5, bodyType: "td15" }],
    ["an SGX quote of version 3", { tee: "sgx" }],
    ["an SGX quote of version 4", { tee: "sgx", version: 4 }],
    ["an SGX quote of version 5", { tee: "sgx", version: 5 }],
    ["a TDX module with an identity of its own", { body: [MODULE_3] }],
    ["a chain in another order", { chain: ({ pck, pckCa, root }) => joinChain(pck, root, pckCa) }],
    ["a chain whose leaf comes last", { chain: ({ pck, pckCa, root }) => joinChain(root, pckCa, pck) }],
    ["a chain without the root", { chain: ({ pck, pckCa }) => joinChain(pck, pckCa) }],
    ["a chain of the leaf alone, as the endorsements hold the rest", { chain: ({ pck }) => joinChain(pck) }],
    ["a list that revokes somebody else", { pckCrl: { revoked: ["0x99"] } }],
    ["the same serial number revoked by another issuer", { rootCrl: { revoked: [SERIALS.pck] } }],
  ])("%s", async ([, change]) => {
    expect((await verify(change)).tcbStatus).toBe("UpToDate");
  });

  test("an older root certificate of the pinned key, beside the newer one", async () => {
    const older = await mintFakeIntel({ root: { notBefore: NOW - 3000 * DAY, notAfter: NOW - DAY } });
    const change: FakeIntelChange = {
      chain: ({ pck, pckCa, root }) => joinChain(pck, older.certificates.root, pckCa, root),
    };
    expect((await verify(change)).tcbStatus).toBe("UpToDate");
  });

  test("each date up to its last second", async () => {
    const change = { pck: { notAfter: NOW }, pckCrl: { nextUpdate: NOW } };
    expect((await verify(change)).window).toEqual({ from: NOW - DAY, until: NOW });
  });
});

describe("refuses", () => {
  test.for<readonly [string, FakeIntelChange, string]>([
    ["a revoked PCK", { pckCrl: { revoked: [SERIALS.pck] } }, "EVIDENCE_REVOKED"],
    ["a revoked PCK CA", { rootCrl: { revoked: [SERIALS.pckCa] } }, "EVIDENCE_CA_REVOKED"],
    ["a revoked TCB signer", { rootCrl: { revoked: [SERIALS.tcbSigner] } }, "ENDORSEMENT_REVOKED"],
    ["an expired PCK", { pck: EXPIRED }, "EVIDENCE_CHAIN_EXPIRED"],
    ["a PCK of the future", { pck: FUTURE }, "EVIDENCE_CHAIN_NOT_YET_VALID"],
    ["an expired PCK CA", { pckCa: EXPIRED }, "EVIDENCE_CHAIN_EXPIRED"],
    ["a PCK CA of the future", { pckCa: FUTURE }, "EVIDENCE_CHAIN_NOT_YET_VALID"],
    ["an expired TCB signer", { tcbSigner: EXPIRED }, "ENDORSEMENT_EXPIRED"],
    ["a TCB signer of the future", { tcbSigner: FUTURE }, "ENDORSEMENT_NOT_YET_VALID"],
    ["an expired root", { root: EXPIRED }, "ENDORSEMENT_EXPIRED"],
    ["a root of the future", { root: FUTURE }, "ENDORSEMENT_NOT_YET_VALID"],
    ["an expired root CRL", { rootCrl: { nextUpdate: NOW - 1 } }, "ENDORSEMENT_EXPIRED"],
    ["a root CRL of the future", { rootCrl: { thisUpdate: NOW + 1 } }, "ENDORSEMENT_NOT_YET_VALID"],
    ["an expired PCK CRL", { pckCrl: { nextUpdate: NOW - 1 } }, "ENDORSEMENT_EXPIRED"],
    ["a PCK CRL of the future", { pckCrl: { thisUpdate: NOW + 1 } }, "ENDORSEMENT_NOT_YET_VALID"],
    ["expired TCB info", { tcbInfo: { nextUpdate: "2025-10-09T08:53:19Z" } }, "ENDORSEMENT_EXPIRED"],
    [
      "TCB info of the future",
      { tcbInfo: { issueDate: "2025-10-09T08:53:21Z" } },
      "ENDORSEMENT_NOT_YET_VALID",
    ],
    ["an expired QE identity", { qeIdentity: { nextUpdate: "2025-10-09T08:53:19Z" } }, "ENDORSEMENT_EXPIRED"],
    [
      "a QE identity of the future",
      { qeIdentity: { issueDate: "2025-10-09T08:53:21Z" } },
      "ENDORSEMENT_NOT_YET_VALID",
    ],
    ["a PCK signed by another CA's key", { signers: { pckCa: KEYS.stranger } }, "EVIDENCE_CHAIN_INVALID"],
    ["a PCK CA that names another root", { pckCa: { issuer: "Another Root" } }, "EVIDENCE_CHAIN_UNTRUSTED"],
    [
      "a path longer than the CA allows",
      {
        pckCa: { extensions: [ca[0]!, basicConstraints(true, 0)] },
        root: { extensions: [ca[0]!, basicConstraints(true, 0)] },
      },
      "EVIDENCE_CHAIN_PATH_LENGTH",
    ],
    [
      "a CA without the CA flag",
      { pckCa: { extensions: [ca[0]!, basicConstraints(false, null)] } },
      "EVIDENCE_CHAIN_NOT_CA",
    ],
    ["a CA without basic constraints", { pckCa: { extensions: [ca[0]!] } }, "EVIDENCE_CHAIN_NOT_CA"],
    [
      "a CA that may not sign certificates",
      { pckCa: { extensions: [keyUsage("cRLSign"), ca[1]!] } },
      "EVIDENCE_CHAIN_KEY_USAGE",
    ],
    [
      "a PCK that may not sign",
      { pck: { extensions: [keyUsage("keyCertSign"), leaf[1]!, pckExtension] } },
      "EVIDENCE_CHAIN_KEY_USAGE",
    ],
    [
      "an unknown critical extension of the PCK",
      { pck: { extensions: [...leaf, pckExtension, unknownCritical] } },
      "EVIDENCE_CHAIN_CRITICAL_EXTENSION",
    ],
    [
      "an unknown critical extension of the CA",
      { pckCa: { extensions: [...ca, unknownCritical] } },
      "EVIDENCE_CHAIN_CRITICAL_EXTENSION",
    ],
    [
      "a CRL by a CA that may not sign lists",
      { pckCa: { extensions: [keyUsage("keyCertSign"), ca[1]!] } },
      "ENDORSEMENT_SIGNATURE_INVALID",
    ],
    ["a CRL signed by another key", { signers: { pckCrl: KEYS.stranger } }, "ENDORSEMENT_SIGNATURE_INVALID"],
    [
      "a root CRL signed by another key",
      { signers: { rootCrl: KEYS.stranger } },
      "ENDORSEMENT_SIGNATURE_INVALID",
    ],
    ["a CRL of another issuer", { pckCrl: { issuer: "Another CA" } }, "ENDORSEMENT_UNAVAILABLE"],
    ["TCB info of another FMSPC", { tcbInfo: { fmspc: "00AABBCCDDEF" } }, "ENDORSEMENT_MISMATCH"],
    ["TCB info of another PCE", { tcbInfo: { pceId: "0001" } }, "ENDORSEMENT_MISMATCH"],
    ["a PCK of another FMSPC", { pckFields: { fmspc: "0x000000000000" } }, "ENDORSEMENT_MISMATCH"],
    ["the QE identity of SGX for a TDX quote", { qeIdentity: { id: "QE" } }, "ENDORSEMENT_MISMATCH"],
    ["the TCB info of SGX for a TDX quote", { tcbInfo: { id: "SGX" } }, "ENDORSEMENT_MISMATCH"],
    ["documents signed by the PCK", { signers: { tcbSigner: KEYS.pck } }, "ENDORSEMENT_SIGNATURE_INVALID"],
    [
      "a signer of documents by another name",
      { tcbSigner: { subject: NAMES.pck } },
      "ENDORSEMENT_CHAIN_INVALID",
    ],
    [
      "another quoting enclave's signer",
      { qeReport: [[AT.sgxMrSigner, Uint8Array.of(0)]] },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "another enclave of the same signer",
      { qeReport: [[AT.sgxIsvProdId, Uint8Array.of(3)]] },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "a quoting enclave in debug mode",
      { qeReport: [[AT.sgxAttributes, Uint8Array.of(0x13)]] },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "a quoting enclave with other MISCSELECT",
      { qeReport: [[16, Uint8Array.of(1)]] },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "a TDX module of another signer",
      { body: [[AT.mrSignerSeam, Uint8Array.of(0)]] },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["a TDX module in debug", { body: [[AT.seamAttributes, Uint8Array.of(1)]] }, "EVIDENCE_BINDING_MISMATCH"],
    ["a TDX module that Intel does not list", { body: [[1, Uint8Array.of(9)]] }, "EVIDENCE_BINDING_MISMATCH"],
    ["a QE report signed by another key", { signers: { pck: KEYS.stranger } }, "EVIDENCE_SIGNATURE_INVALID"],
    [
      "a quote without a PCK certificate",
      { chain: ({ pckCa, root }) => joinChain(pckCa, root) },
      "EVIDENCE_MALFORMED",
    ],
  ])("%s", async ([, change, code]) => {
    expect(await rejectionOf(() => verify(change))).toBe(code);
  });

  test("a chain to a root of the same name and another key", async () => {
    const change: FakeIntelChange = {
      signers: { root: KEYS.stranger, rootCrl: KEYS.stranger },
      root: { spki: KEYS.stranger.spki },
    };
    expect(await rejectionOf(() => verify(change))).toBe("ENDORSEMENT_CHAIN_INVALID");
  });

  test("a PCK chain under a stranger's root, endorsed by genuine documents", async () => {
    const strange = await mintFakeIntel({
      signers: { root: KEYS.stranger },
      root: { spki: KEYS.stranger.spki },
    });
    const genuine = await mintFakeIntel();
    const context = { endorsements: genuine.endorsements(), now: NOW, trust: FAKE_TRUST };
    const endorsements = { ...context.endorsements, certificates: new Map() };
    const verifyIt = () => verifyTdQuote("tdx", strange.quote, { ...context, endorsements });
    expect(await rejectionOf(verifyIt)).toBe("EVIDENCE_CHAIN_UNTRUSTED");
  });

  test("an attestation key that the quoting enclave does not vouch for", async () => {
    const { quote, endorsements } = await mintFakeIntel();
    const authenticationDataAt = 48 + 584 + 4 + 128 + 6 + 384 + 64 + 2;
    expect(quote[authenticationDataAt]).toBe(0x20);
    quote[authenticationDataAt] = 0x21;
    const context = { endorsements: endorsements(), now: NOW, trust: FAKE_TRUST };
    expect(await rejectionOf(() => verifyTdQuote("tdx", quote, context))).toBe("EVIDENCE_BINDING_MISMATCH");
  });

  test("a quoting enclave of another vendor", async () => {
    const { quote, endorsements } = await mintFakeIntel();
    const trust = { ...FAKE_TRUST, qeVendorId: `0x${"00".repeat(16)}` as const };
    const verifyIt = () => verifyTdQuote("tdx", quote, { endorsements: endorsements(), now: NOW, trust });
    expect(await rejectionOf(verifyIt)).toBe("EVIDENCE_UNSUPPORTED");
  });

  test("a time in milliseconds", async () => {
    expect(await rejectionOf(() => verify({}, NOW * 1000))).toBe("INPUT_INVALID");
  });

  test("each kind's quote in the other's function", async () => {
    const sgx = await mintFakeIntel({ tee: "sgx" });
    const tdx = await mintFakeIntel();
    const context = { now: NOW, trust: FAKE_TRUST };
    const asTdx = () => verifyTdQuote("tdx", sgx.quote, { ...context, endorsements: sgx.endorsements() });
    const asSgx = () =>
      verifySgxQuoteUnder(FAKE_TRUST, tdx.quote, { now: NOW, endorsements: tdx.endorsements() });
    expect(await rejectionOf(asTdx)).toBe("EVIDENCE_MALFORMED");
    expect(await rejectionOf(asSgx)).toBe("EVIDENCE_MALFORMED");
  });

  test("a TDX quote judged with TCB info of version 2", async () => {
    const components = Object.fromEntries(
      Array.from({ length: 16 }, (_, index) => [`sgxtcbcomp${String(index + 1).padStart(2, "0")}svn`, 3]),
    );
    const tcbLevels = [
      { tcb: { ...components, pcesvn: 13 }, tcbDate: "2025-01-01T00:00:00Z", tcbStatus: "UpToDate" },
    ];
    const tcbInfo = { version: 2, id: undefined, tcbLevels };
    expect(await rejectionOf(() => verify({ tcbInfo }))).toBe("ENDORSEMENT_MISMATCH");
    expect((await verify({ tee: "sgx", tcbInfo })).tcbStatus).toBe("UpToDate");
  });
});

describe("says what it established", () => {
  test("in the vendor's words, with a window and a list of checks", async () => {
    const verified = await verify({ body: [[AT.reportData, new Uint8Array(64).fill(9)]] });
    expect(verified).toMatchObject({
      kind: "tdx",
      debug: false,
      platformId: genuinePck().ppid,
      reportData: `0x${"09".repeat(64)}`,
      window: { from: NOW - DAY, until: NOW + 30 * DAY },
      verifiedAt: NOW,
      claims: { mrTd: `0x${"77".repeat(48)}`, teeTcbSvn2: null },
    });
    expect(verified.checks.map(({ name }) => name)).toContain("PCK chain not revoked");
  });

  test("with debug where an attribute says so, in TDX and in SGX", async () => {
    expect((await verify({ body: [[AT.tdAttributes, Uint8Array.of(1)]] })).debug).toBe(true);
    expect((await verify({ tee: "sgx", body: [[AT.sgxAttributes, Uint8Array.of(0x02)]] })).debug).toBe(true);
    expect((await verify({ tee: "sgx", body: [[AT.sgxAttributes, Uint8Array.of(0x05)]] })).debug).toBe(false);
  });
});
