import type { Field } from "../encoding/layout.ts";

/** Quote header, 48 bytes (Intel SGX ECDSA Quote Library API, A.4; TDX DCAP Quoting Library API, A.3.1). */
export const QUOTE_HEADER = {
  version: { at: 0, length: 2 },
  attestationKeyType: { at: 2, length: 2 },
  /** Reserved and zero in version 3, which is SGX by definition. */
  teeType: { at: 4, length: 4 },
  qeVendorId: { at: 12, length: 16 },
} as const satisfies Readonly<Record<string, Field>>;

export const QUOTE_HEADER_BYTES = 48;

/** Version 5 only, after the header (TDX DCAP Quoting Library API, A.4.2). */
export const BODY_DESCRIPTOR = {
  type: { at: 48, length: 2 },
  size: { at: 50, length: 4 },
} as const satisfies Readonly<Record<string, Field>>;

export const BODY_DESCRIPTOR_BYTES = 6;

/** SGX REPORT body, 384 bytes (Intel SDM vol. 3D, REPORT structure). */
export const SGX_REPORT_BODY = {
  cpuSvn: { at: 0, length: 16 },
  miscSelect: { at: 16, length: 4 },
  isvExtProdId: { at: 32, length: 16 },
  attributes: { at: 48, length: 16 },
  mrEnclave: { at: 64, length: 32 },
  mrSigner: { at: 128, length: 32 },
  configId: { at: 192, length: 64 },
  isvProdId: { at: 256, length: 2 },
  isvSvn: { at: 258, length: 2 },
  configSvn: { at: 260, length: 2 },
  isvFamilyId: { at: 304, length: 16 },
  reportData: { at: 320, length: 64 },
} as const satisfies Readonly<Record<string, Field>>;

export const SGX_REPORT_BODY_BYTES = 384;

/** TD report body of TDX 1.0, 584 bytes (TDX DCAP Quoting Library API, A.3.2). TDX 1.5 appends two fields (A.3.3). */
export const TD_REPORT_BODY = {
  teeTcbSvn: { at: 0, length: 16 },
  mrSeam: { at: 16, length: 48 },
  mrSignerSeam: { at: 64, length: 48 },
  seamAttributes: { at: 112, length: 8 },
  tdAttributes: { at: 120, length: 8 },
  xfam: { at: 128, length: 8 },
  mrTd: { at: 136, length: 48 },
  mrConfigId: { at: 184, length: 48 },
  mrOwner: { at: 232, length: 48 },
  mrOwnerConfig: { at: 280, length: 48 },
  rtMr0: { at: 328, length: 48 },
  rtMr1: { at: 376, length: 48 },
  rtMr2: { at: 424, length: 48 },
  rtMr3: { at: 472, length: 48 },
  reportData: { at: 520, length: 64 },
} as const satisfies Readonly<Record<string, Field>>;

export const TD_REPORT_BODY_BYTES = 584;

export const TD_REPORT_BODY_15 = {
  teeTcbSvn2: { at: 584, length: 16 },
  mrServiceTd: { at: 600, length: 48 },
} as const satisfies Readonly<Record<string, Field>>;

export const TD_REPORT_BODY_15_BYTES = 648;

/** Which body a quote carries: its length, and for version 5 its type number (A.4.2). */
export const BODY_BYTES = {
  sgx: SGX_REPORT_BODY_BYTES,
  td10: TD_REPORT_BODY_BYTES,
  td15: TD_REPORT_BODY_15_BYTES,
} as const;

export type BodyType = keyof typeof BODY_BYTES;

export const TEE_TYPE = { sgx: 0x00, tdx: 0x81 } as const;

/** ECDSA over P-256 with SHA-256: the only attestation key type that Intel's quoting enclaves use. */
export const ATTESTATION_KEY_ECDSA_P256 = 2;

/** Certification data (A.4.9): 5 is a PEM chain of the PCK certificate, 6 wraps the QE report and another of these. */
export const CERTIFICATION_DATA = { encryptedPpid: 3, pckChain: 5, qeReport: 6 } as const;

/** Certification data of type 3: the PPID, encrypted to Intel with RSA-3072, and the TCB that the PCK was derived for (A.4, table 9). */
export const ENCRYPTED_PPID = {
  cpuSvn: { at: 384, length: 16 },
  pceSvn: { at: 400, length: 2 },
  pceId: { at: 402, length: 2 },
} as const;
export const ENCRYPTED_PPID_BYTES = 404;
