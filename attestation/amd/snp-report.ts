/**
 * SEV-SNP attestation report: bytes to fields.
 *
 * Source: AMD, SEV Secure Nested Paging Firmware ABI Specification, publication 56860 revision 1.58: §7.3
 * (ATTESTATION_REPORT, table 23, and PLATFORM_INFO, table 24), §4.3 (guest policy), chapter 10 (digital signatures).
 * Numbers of tables move between revisions, names of fields do not. Version 2 is that of revisions up to 1.55, version 3
 * adds the CPUID fields, version 5 (1.58) the mitigation vectors: every offset is shared. Version 4, which no public
 * revision describes, is what firmware 1.55.31 emits with the layout of version 3 (github.com/virtee/sev, issue 307).
 */

import { EvidenceError } from "../../protocol/errors.ts";
import { isAllZero, readBigUint, readField, readUint, type Field } from "../encoding/layout.ts";

/** §7.3. Bytes 0 to 0x29F are what the signature covers. */
export const SNP_REPORT = {
  version: { at: 0x000, length: 4 },
  guestSvn: { at: 0x004, length: 4 },
  policy: { at: 0x008, length: 8 },
  familyId: { at: 0x010, length: 16 },
  imageId: { at: 0x020, length: 16 },
  vmpl: { at: 0x030, length: 4 },
  signatureAlgo: { at: 0x034, length: 4 },
  currentTcb: { at: 0x038, length: 8 },
  platformInfo: { at: 0x040, length: 8 },
  flags: { at: 0x048, length: 4 },
  reportData: { at: 0x050, length: 64 },
  measurement: { at: 0x090, length: 48 },
  hostData: { at: 0x0c0, length: 32 },
  idKeyDigest: { at: 0x0e0, length: 48 },
  authorKeyDigest: { at: 0x110, length: 48 },
  reportId: { at: 0x140, length: 32 },
  reportIdMa: { at: 0x160, length: 32 },
  reportedTcb: { at: 0x180, length: 8 },
  cpuidFamily: { at: 0x188, length: 1 },
  cpuidModel: { at: 0x189, length: 1 },
  cpuidStepping: { at: 0x18a, length: 1 },
  chipId: { at: 0x1a0, length: 64 },
  committedTcb: { at: 0x1e0, length: 8 },
  currentVersion: { at: 0x1e8, length: 3 },
  committedVersion: { at: 0x1ec, length: 3 },
  launchTcb: { at: 0x1f0, length: 8 },
  launchMitVector: { at: 0x1f8, length: 8 },
  currentMitVector: { at: 0x200, length: 8 },
  signedRegion: { at: 0x000, length: 0x2a0 },
  signatureR: { at: 0x2a0, length: 72 },
  signatureS: { at: 0x2e8, length: 72 },
  signatureReserved: { at: 0x330, length: 368 },
} as const satisfies Record<string, Field>;

export const SNP_REPORT_LENGTH = 0x4a0;

const SUPPORTED_VERSIONS: ReadonlySet<number> = new Set([2, 3, 4, 5]);
const FIRST_VERSION_WITH_CPUID = 3;
const FIRST_VERSION_WITH_MITIGATIONS = 5;

/** SIGNATURE_ALGO, chapter 10: 1 is ECDSA P-384 with SHA-384; nothing else is defined. */
const ECDSA_P384_SHA384 = 1;
const P384_SCALAR_LENGTH = 48;

/** FLAGS, bits 4:2. */
const SIGNING_KEYS = ["VCEK", "VLEK"] as const;
export type SnpSigningKey = (typeof SIGNING_KEYS)[number];

export interface SnpGuestPolicy {
  /** Least firmware ABI version that may run the guest. */
  readonly abiMajor: number;
  readonly abiMinor: number;
  readonly smtAllowed: boolean;
  readonly migrateMaAllowed: boolean;
  readonly debugAllowed: boolean;
  readonly singleSocketRequired: boolean;
  readonly cxlAllowed: boolean;
  readonly memAes256XtsRequired: boolean;
  readonly raplDisableRequired: boolean;
  readonly ciphertextHidingDramRequired: boolean;
  readonly pageSwapDisabled: boolean;
  /** Bits that revision 1.58 does not define. */
  readonly undefinedBits: bigint;
  readonly raw: bigint;
}

export interface SnpFirmwareVersion {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

export interface SnpReport {
  readonly version: number;
  readonly guestSvn: number;
  readonly policy: SnpGuestPolicy;
  readonly familyId: Uint8Array<ArrayBuffer>;
  readonly imageId: Uint8Array<ArrayBuffer>;
  readonly vmpl: number;
  /** TCB_VERSION, 8 bytes; which byte is which component depends on the product (`tcb-version.ts`). */
  readonly currentTcb: Uint8Array<ArrayBuffer>;
  readonly platformInfo: bigint;
  readonly authorKeyEnabled: boolean;
  readonly maskChipKey: boolean;
  readonly signingKey: SnpSigningKey;
  readonly reportData: Uint8Array<ArrayBuffer>;
  readonly measurement: Uint8Array<ArrayBuffer>;
  readonly hostData: Uint8Array<ArrayBuffer>;
  readonly idKeyDigest: Uint8Array<ArrayBuffer>;
  readonly authorKeyDigest: Uint8Array<ArrayBuffer>;
  readonly reportId: Uint8Array<ArrayBuffer>;
  readonly reportIdMa: Uint8Array<ArrayBuffer>;
  readonly reportedTcb: Uint8Array<ArrayBuffer>;
  /** Since version 3; null before. */
  readonly cpuid: { readonly family: number; readonly model: number; readonly stepping: number } | null;
  /** All zero when the host masks it (MASK_CHIP_ID). */
  readonly chipId: Uint8Array<ArrayBuffer>;
  readonly committedTcb: Uint8Array<ArrayBuffer>;
  readonly currentVersion: SnpFirmwareVersion;
  readonly committedVersion: SnpFirmwareVersion;
  readonly launchTcb: Uint8Array<ArrayBuffer>;
  /** Since version 5; null before. */
  readonly mitigations: { readonly launch: bigint; readonly current: bigint } | null;
  readonly signedRegion: Uint8Array<ArrayBuffer>;
  /** r ‖ s, 48 bytes each, big-endian: the form WebCrypto takes. */
  readonly signature: Uint8Array<ArrayBuffer>;
}

/**
 * Fields of a report of version 2 to 5, read from a copy of `bytes`. Nothing is verified.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED for another length or a signature slot that is not zero-padded;
 *   EVIDENCE_UNSUPPORTED for another version, signature algorithm, or a report that firmware did not sign
 */
export function parseSnpReport(bytes: Uint8Array): SnpReport {
  if (bytes.length !== SNP_REPORT_LENGTH) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "an SEV-SNP report is 1184 bytes long",
      details: { length: bytes.length },
    });
  }
  const report = new Uint8Array(bytes);
  const version = readUint(report, SNP_REPORT.version);
  const flags = readUint(report, SNP_REPORT.flags);
  checkSupported(version, readUint(report, SNP_REPORT.signatureAlgo));
  return {
    version,
    guestSvn: readUint(report, SNP_REPORT.guestSvn),
    policy: parseGuestPolicy(readBigUint(report, SNP_REPORT.policy)),
    familyId: readField(report, SNP_REPORT.familyId),
    imageId: readField(report, SNP_REPORT.imageId),
    vmpl: readUint(report, SNP_REPORT.vmpl),
    currentTcb: readField(report, SNP_REPORT.currentTcb),
    platformInfo: readBigUint(report, SNP_REPORT.platformInfo),
    authorKeyEnabled: (flags & 0b1) !== 0,
    maskChipKey: (flags & 0b10) !== 0,
    signingKey: toSigningKey((flags >>> 2) & 0b111),
    reportData: readField(report, SNP_REPORT.reportData),
    measurement: readField(report, SNP_REPORT.measurement),
    hostData: readField(report, SNP_REPORT.hostData),
    idKeyDigest: readField(report, SNP_REPORT.idKeyDigest),
    authorKeyDigest: readField(report, SNP_REPORT.authorKeyDigest),
    reportId: readField(report, SNP_REPORT.reportId),
    reportIdMa: readField(report, SNP_REPORT.reportIdMa),
    reportedTcb: readField(report, SNP_REPORT.reportedTcb),
    cpuid: version >= FIRST_VERSION_WITH_CPUID ? readCpuid(report) : null,
    chipId: readField(report, SNP_REPORT.chipId),
    committedTcb: readField(report, SNP_REPORT.committedTcb),
    currentVersion: toFirmwareVersion(readField(report, SNP_REPORT.currentVersion)),
    committedVersion: toFirmwareVersion(readField(report, SNP_REPORT.committedVersion)),
    launchTcb: readField(report, SNP_REPORT.launchTcb),
    mitigations: version >= FIRST_VERSION_WITH_MITIGATIONS ? readMitigations(report) : null,
    signedRegion: readField(report, SNP_REPORT.signedRegion),
    signature: readSignature(report),
  };
}

function checkSupported(version: number, signatureAlgo: number): void {
  if (!SUPPORTED_VERSIONS.has(version)) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "SEV-SNP reports of this version are not known; versions 2 to 5 are",
      details: { version },
    });
  }
  if (signatureAlgo !== ECDSA_P384_SHA384) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the report names a signature algorithm other than ECDSA P-384 with SHA-384",
      details: { signatureAlgo },
    });
  }
}

function toSigningKey(value: number): SnpSigningKey {
  const key = SIGNING_KEYS[value];
  if (key === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the report is not signed by a VCEK or a VLEK",
      details: { signingKey: value },
    });
  }
  return key;
}

/** §4.3. */
function parseGuestPolicy(raw: bigint): SnpGuestPolicy {
  const bit = (index: bigint): boolean => ((raw >> index) & 1n) === 1n;
  return {
    abiMinor: Number(raw & 0xffn),
    abiMajor: Number((raw >> 8n) & 0xffn),
    smtAllowed: bit(16n),
    migrateMaAllowed: bit(18n),
    debugAllowed: bit(19n),
    singleSocketRequired: bit(20n),
    cxlAllowed: bit(21n),
    memAes256XtsRequired: bit(22n),
    raplDisableRequired: bit(23n),
    ciphertextHidingDramRequired: bit(24n),
    pageSwapDisabled: bit(25n),
    undefinedBits: raw >> 26n,
    raw,
  };
}

function readCpuid(report: Uint8Array<ArrayBuffer>): NonNullable<SnpReport["cpuid"]> {
  return {
    family: readUint(report, SNP_REPORT.cpuidFamily),
    model: readUint(report, SNP_REPORT.cpuidModel),
    stepping: readUint(report, SNP_REPORT.cpuidStepping),
  };
}

function readMitigations(report: Uint8Array<ArrayBuffer>): NonNullable<SnpReport["mitigations"]> {
  return {
    launch: readBigUint(report, SNP_REPORT.launchMitVector),
    current: readBigUint(report, SNP_REPORT.currentMitVector),
  };
}

/** Build, minor, major: one byte each, in this order. */
function toFirmwareVersion(bytes: Uint8Array<ArrayBuffer>): SnpFirmwareVersion {
  return {
    build: readUint(bytes, { at: 0, length: 1 }),
    minor: readUint(bytes, { at: 1, length: 1 }),
    major: readUint(bytes, { at: 2, length: 1 }),
  };
}

/**
 * Chapter 10: r and s little-endian in 72-byte slots. No signature covers the slots themselves, so anything but
 * zero padding would give one report several spellings.
 */
function readSignature(report: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const slots = [readField(report, SNP_REPORT.signatureR), readField(report, SNP_REPORT.signatureS)];
  const padding = [
    ...slots.map((slot) => slot.subarray(P384_SCALAR_LENGTH)),
    readField(report, SNP_REPORT.signatureReserved),
  ];
  if (!padding.every(isAllZero)) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "the report's signature slots are not zero-padded",
    });
  }
  const signature = new Uint8Array(2 * P384_SCALAR_LENGTH);
  slots.forEach((slot, index) => {
    signature.set(slot.slice(0, P384_SCALAR_LENGTH).reverse(), index * P384_SCALAR_LENGTH);
  });
  return signature;
}
