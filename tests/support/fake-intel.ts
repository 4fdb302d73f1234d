/** An Intel of our own: chains, lists, documents and quotes in Intel's shape, right or wrong in one place. */

import {
  certificateExtension,
  joinChain,
  mintCertificate,
  mintCrl,
  toBareHex,
  type CertificateFields,
  type CrlFields,
} from "../../enclave/attesters/simulator/certificate-writer.ts";
import {
  encodePckExtension,
  littleEndian,
  mintQuote,
  signJson,
  type PckFields,
} from "../../enclave/attesters/simulator/intel-writer.ts";
import { createP256Signer, type P256Signer } from "../../enclave/attesters/simulator/signer.ts";
import {
  parseIntelEndorsements,
  type IntelEndorsements,
} from "../../attestation/intel/intel-endorsements.ts";
import type { QuoteTrust } from "../../attestation/intel/trust.ts";
import { parsePublicKey } from "../../attestation/x509/public-key.ts";
import { fromHex, toUtf8 } from "../../protocol/bytes.ts";

/** 2025-10-09T08:53:20Z: when everything below is in date. */
export const NOW = 1_760_000_000;
export const DAY = 86_400;

export const NAMES = {
  root: "Test SGX Root CA",
  pckCa: "Test SGX PCK Platform CA",
  tcbSigner: "Test SGX TCB Signing",
  pck: "Test SGX PCK Certificate",
} as const;

export const KEYS = {
  root: createP256Signer("test root"),
  pckCa: createP256Signer("test PCK CA"),
  tcbSigner: createP256Signer("test TCB signer"),
  pck: createP256Signer("test PCK"),
  attestation: createP256Signer("test attestation key"),
  stranger: createP256Signer("a stranger"),
} as const;

export const SERIALS = { root: "0x01", pckCa: "0x02", tcbSigner: "0x03", pck: "0x04" } as const;

/** Intel's vendor id: the fake root is what differs. */
export const FAKE_TRUST: QuoteTrust = {
  anchor: { name: "Test SGX Root CA", publicKey: parsePublicKey(KEYS.root.spki) },
  qeVendorId: "0x939a7233f79c4ca9940a0db3957f0607",
};

export const FMSPC = "0x00aabbccddee";
export const PCE_ID = "0x0000";
const QE_MRSIGNER = "dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5";
const MODULE_MRSIGNER = "11".repeat(48);

/** Overwrites bytes of a structure at an offset. */
export type Patch = readonly [at: number, bytes: Uint8Array];

export type Json = Record<string, unknown>;

/** What differs from a genuine quote and its endorsements. */
export interface FakeIntelChange {
  readonly tee?: "sgx" | "tdx";
  readonly version?: 3 | 4 | 5;
  readonly bodyType?: "sgx" | "td10" | "td15";
  readonly root?: Partial<CertificateFields>;
  readonly pckCa?: Partial<CertificateFields>;
  readonly tcbSigner?: Partial<CertificateFields>;
  readonly pck?: Partial<CertificateFields>;
  readonly pckFields?: Partial<PckFields>;
  readonly rootCrl?: Partial<CrlFields>;
  readonly pckCrl?: Partial<CrlFields>;
  readonly tcbInfo?: Json;
  readonly qeIdentity?: Json;
  /** Keys that sign in the place of the right ones. */
  readonly signers?: Partial<
    Record<"root" | "pckCa" | "tcbSigner" | "pck" | "attestation" | "rootCrl" | "pckCrl", P256Signer>
  >;
  readonly body?: readonly Patch[];
  readonly qeReport?: readonly Patch[];
  /** PEM text in the quote, from the certificates that were minted. */
  readonly chain?: (certificates: FakeCertificates) => string;
  readonly collateral?: Json;
}

export interface FakeCertificates {
  readonly root: Uint8Array<ArrayBuffer>;
  readonly pckCa: Uint8Array<ArrayBuffer>;
  readonly tcbSigner: Uint8Array<ArrayBuffer>;
  readonly pck: Uint8Array<ArrayBuffer>;
}

export interface FakeIntel {
  readonly quote: Uint8Array<ArrayBuffer>;
  readonly collateral: Json;
  readonly endorsements: () => IntelEndorsements;
  readonly certificates: FakeCertificates;
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
const { basicConstraints, keyUsage } = certificateExtension;

function patched(bytes: Uint8Array, patches: readonly Patch[] = []): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  for (const [at, value] of patches) copy.set(value, at);
  return copy;
}

export async function mintFakeIntel(change: FakeIntelChange = {}): Promise<FakeIntel> {
  const certificates = await mintCertificates(change);
  const collateral = { ...(await mintCollateral(change, certificates)), ...change.collateral };
  return {
    certificates,
    collateral,
    endorsements: () => parseIntelEndorsements(collateral),
    quote: mintFakeQuote(change, certificates),
  };
}

async function mintCertificates(change: FakeIntelChange): Promise<FakeCertificates> {
  const signers = { ...KEYS, ...change.signers };
  const dates = { notBefore: NOW - 365 * DAY, notAfter: NOW + 365 * DAY };
  const ca = (pathLength: number) => [keyUsage("keyCertSign", "cRLSign"), basicConstraints(true, pathLength)];
  const leaf = [keyUsage("digitalSignature"), basicConstraints(false, null)];
  const mint = async (name: keyof typeof SERIALS, fields: Partial<CertificateFields>, signer: P256Signer) =>
    await mintCertificate(
      {
        subject: NAMES[name],
        issuer: NAMES.root,
        serial: SERIALS[name],
        spki: KEYS[name].spki,
        extensions: leaf,
        ...dates,
        ...fields,
        ...change[name],
      },
      signer,
    );
  const pckExtension = encodePckExtension({ ...genuinePck(), ...change.pckFields });
  return {
    root: await mint("root", { extensions: ca(1) }, signers.root),
    pckCa: await mint("pckCa", { extensions: ca(0) }, signers.root),
    tcbSigner: await mint("tcbSigner", {}, signers.root),
    pck: await mint("pck", { issuer: NAMES.pckCa, extensions: [...leaf, pckExtension] }, signers.pckCa),
  };
}

export function genuinePck(): PckFields {
  return {
    ppid: `0x${"5a".repeat(16)}`,
    sgxComponentSvns: new Array<number>(16).fill(3),
    pceSvn: 13,
    cpuSvn: `0x${"03".repeat(16)}`,
    pceId: PCE_ID,
    fmspc: FMSPC,
  };
}

async function mintCollateral(change: FakeIntelChange, certificates: FakeCertificates): Promise<Json> {
  const { root, pckCa, tcbSigner } = certificates;
  const signers = { ...KEYS, rootCrl: KEYS.root, pckCrl: KEYS.pckCa, ...change.signers };
  const dates = { thisUpdate: NOW - DAY, nextUpdate: NOW + 30 * DAY, revoked: [] };
  const rootCrl = await mintCrl({ issuer: NAMES.root, ...dates, ...change.rootCrl }, signers.rootCrl);
  const pckCrl = await mintCrl({ issuer: NAMES.pckCa, ...dates, ...change.pckCrl }, signers.pckCrl);
  const tcbInfo = signJson({ ...genuineTcbInfo(change.tee ?? "tdx"), ...change.tcbInfo }, signers.tcbSigner);
  const qeIdentity = signJson(
    { ...genuineQeIdentity(change.tee ?? "tdx"), ...change.qeIdentity },
    signers.tcbSigner,
  );
  return {
    pck_crl_issuer_chain: joinChain(pckCa, root),
    root_ca_crl: toBareHex(rootCrl),
    pck_crl: toBareHex(pckCrl),
    tcb_info_issuer_chain: joinChain(tcbSigner, root),
    tcb_info: tcbInfo.text,
    tcb_info_signature: toBareHex(tcbInfo.signature),
    qe_identity_issuer_chain: joinChain(tcbSigner, root),
    qe_identity: qeIdentity.text,
    qe_identity_signature: toBareHex(qeIdentity.signature),
  };
}

const documentDates = {
  issueDate: iso(NOW - DAY),
  nextUpdate: iso(NOW + 30 * DAY),
  tcbEvaluationDataNumber: 17,
};

export const svns = (value: number): readonly { readonly svn: number }[] =>
  Array.from({ length: 16 }, () => ({ svn: value }));

export function tcbLevel(svn: number, tcbStatus: string, advisoryIDs: readonly string[] = []): Json {
  // Component 1 is the module's version, which Intel's levels leave at 0.
  const tdxtcbcomponents = svns(svn).map((component, index) => (index === 1 ? { svn: 0 } : component));
  const tcb = { sgxtcbcomponents: svns(svn), pcesvn: 13, tdxtcbcomponents };
  return { tcb, tcbDate: iso(NOW - DAY), tcbStatus, advisoryIDs };
}

export function tdxModule(id: string, isvsvn: number, tcbStatus: string): Json {
  const level = { tcb: { isvsvn }, tcbDate: iso(NOW - DAY), tcbStatus };
  return { id, ...moduleSigner(), tcbLevels: [level] };
}

export function moduleSigner(): Json {
  return { mrsigner: MODULE_MRSIGNER, attributes: "0000000000000000", attributesMask: "FFFFFFFFFFFFFFFF" };
}

export function genuineTcbInfo(tee: "sgx" | "tdx"): Json {
  const common = { version: 3, ...documentDates, fmspc: FMSPC.slice(2), pceId: PCE_ID.slice(2), tcbType: 0 };
  const tcbLevels = [tcbLevel(3, "UpToDate"), tcbLevel(1, "OutOfDate", ["INTEL-SA-00001"])];
  if (tee === "sgx") return { id: "SGX", ...common, tcbLevels };
  const tdxModuleIdentities = [tdxModule("TDX_03", 3, "UpToDate"), tdxModule("TDX_01", 3, "UpToDate")];
  return { id: "TDX", ...common, tdxModule: moduleSigner(), tdxModuleIdentities, tcbLevels };
}

export function genuineQeIdentity(tee: "sgx" | "tdx"): Json {
  return {
    id: tee === "sgx" ? "QE" : "TD_QE",
    version: 2,
    ...documentDates,
    miscselect: "00000000",
    miscselectMask: "FFFFFFFF",
    attributes: "11000000000000000000000000000000",
    attributesMask: "FBFFFFFFFFFFFFFF0000000000000000",
    mrsigner: QE_MRSIGNER.toUpperCase(),
    isvprodid: 2,
    tcbLevels: [
      { tcb: { isvsvn: 4 }, tcbDate: iso(NOW - DAY), tcbStatus: "UpToDate" },
      {
        tcb: { isvsvn: 2 },
        tcbDate: iso(NOW - DAY),
        tcbStatus: "OutOfDate",
        advisoryIDs: ["INTEL-SA-00002"],
      },
    ],
  };
}

/** Offsets in the TD report body (Intel TDX DCAP Quoting Library API, A.3.2 and A.3.3), and in the SGX report body. */
export const AT = {
  teeTcbSvn: 0,
  mrSignerSeam: 64,
  seamAttributes: 112,
  tdAttributes: 120,
  mrTd: 136,
  rtMr1: 376,
  reportData: 520,
  teeTcbSvn2: 584,
  sgxAttributes: 48,
  sgxMrSigner: 128,
  sgxIsvProdId: 256,
  sgxIsvSvn: 258,
  sgxReportData: 320,
} as const;

function genuineBody(bodyType: "sgx" | "td10" | "td15"): Uint8Array<ArrayBuffer> {
  if (bodyType === "sgx") return patched(new Uint8Array(384), [[64, new Uint8Array(32).fill(0x64)]]);
  return patched(new Uint8Array(bodyType === "td10" ? 584 : 648), [
    [AT.teeTcbSvn, Uint8Array.of(3, 0, ...new Array<number>(14).fill(3))],
    [AT.mrSignerSeam, new Uint8Array(48).fill(0x11)],
    [AT.tdAttributes, Uint8Array.of(0, 0, 0, 0x10)],
    [AT.mrTd, new Uint8Array(48).fill(0x77)],
  ]);
}

/** A module of version 3 measured the TD, SVNs otherwise as in the genuine body. */
export const MODULE_3: Patch = [AT.teeTcbSvn, Uint8Array.of(3, 3, ...new Array<number>(14).fill(3))];

function genuineQeReport(): Uint8Array<ArrayBuffer> {
  return patched(new Uint8Array(384), [
    [AT.sgxAttributes, Uint8Array.of(0x11)],
    [AT.sgxMrSigner, fromHex(`0x${QE_MRSIGNER}`)],
    [AT.sgxIsvProdId, littleEndian(2, 2)],
    [AT.sgxIsvSvn, littleEndian(4, 2)],
  ]);
}

const BODY_NUMBER = { sgx: 1, td10: 2, td15: 3 } as const;

function mintFakeQuote(change: FakeIntelChange, certificates: FakeCertificates): Uint8Array<ArrayBuffer> {
  const tee = change.tee ?? "tdx";
  const bodyType = change.bodyType ?? (tee === "sgx" ? "sgx" : "td10");
  const { pck, pckCa, root } = certificates;
  return mintQuote(
    {
      version: change.version ?? (tee === "sgx" ? 3 : 4),
      teeType: tee === "sgx" ? 0 : 0x81,
      bodyType: BODY_NUMBER[bodyType],
      qeVendorId: fromHex(FAKE_TRUST.qeVendorId),
      body: patched(genuineBody(bodyType), change.body),
      qeReport: patched(genuineQeReport(), change.qeReport),
      qeAuthenticationData: new Uint8Array(32).fill(0x20),
      pckChain: toUtf8(change.chain?.(certificates) ?? joinChain(pck, pckCa, root)),
    },
    { attestation: change.signers?.attestation ?? KEYS.attestation, pck: change.signers?.pck ?? KEYS.pck },
  );
}
