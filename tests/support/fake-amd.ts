/** An AMD of our own: roots, signing keys per product, a chip or a cloud provider, and reports that they sign. */

import { parseAmdEndorsements, type AmdEndorsements } from "../../attestation/amd/amd-endorsements.ts";
import type { SnpProductLine } from "../../attestation/amd/product.ts";
import type { SnpRoot } from "../../attestation/amd/roots.ts";
import { SNP_REPORT, SNP_REPORT_LENGTH } from "../../attestation/amd/snp-report.ts";
import { fromSnpTcb, type SnpTcb } from "../../attestation/amd/tcb-version.ts";
import type { Field } from "../../attestation/encoding/layout.ts";
import { createTrustAnchor } from "../../attestation/x509/trust-anchor.ts";
import { toHex } from "../../protocol/bytes.ts";
import { der } from "../../devnet/issuance/der.ts";
import type { RawExtension } from "../../devnet/issuance/x509.ts";
import {
  KEY_USAGE,
  mintCertificate,
  mintCrl,
  mintKey,
  signRaw,
  type CertificatePlan,
  type CrlPlan,
  type FakeKey,
} from "./fake-x509.ts";

/** 2026-01-01T00:00:00Z, and everything valid around it. */
export const AMD_NOW = 1_767_225_600;
const YEAR = 31_536_000;

const CPUID: Readonly<Record<SnpProductLine, readonly [number, number, number]>> = {
  Milan: [0x19, 0x01, 1],
  Genoa: [0x19, 0x11, 1],
  Turin: [0x1a, 0x02, 1],
};

/** Finding RSA keys is slow: one set serves every test of a file. */
let keys: Promise<Readonly<Record<"ark" | "ask" | "leaf" | "stranger", FakeKey>>> | undefined;

async function mintKeys(): Promise<Readonly<Record<"ark" | "ask" | "leaf" | "stranger", FakeKey>>> {
  const [ark, ask, stranger, leaf] = await Promise.all([
    mintKey("RSA-PSS"),
    mintKey("RSA-PSS"),
    mintKey("RSA-PSS"),
    mintKey("P-384"),
  ]);
  return { ark, ask, stranger, leaf };
}

export interface AmdPlan {
  readonly product: SnpProductLine;
  /** As the certificate spells it. */
  readonly productName: string;
  readonly key: "VCEK" | "VLEK";
  readonly tcb: SnpTcb;
  /** 64 bytes; on Turin the last 56 are zero. */
  readonly chipId: Uint8Array<ArrayBuffer>;
  readonly leaf: Partial<CertificatePlan>;
  readonly ask: Partial<CertificatePlan>;
  readonly ark: Partial<CertificatePlan>;
  /** Extensions of the leaf, given AMD's. */
  readonly extensions: (extensions: readonly RawExtension[]) => readonly RawExtension[];
  readonly crl: Partial<CrlPlan> | null;
}

const MILAN_TCB: SnpTcb = { fmc: null, bootLoader: 4, tee: 0, snp: 24, microcode: 219 };
const TURIN_TCB: SnpTcb = { fmc: 1, bootLoader: 1, tee: 0, snp: 2, microcode: 71 };

export function amdPlan(changes: Partial<AmdPlan> = {}): AmdPlan {
  const product = changes.product ?? "Milan";
  const chipId = new Uint8Array(64).map((_, index) => (product === "Turin" && index >= 8 ? 0 : index + 1));
  return {
    product,
    productName: product === "Milan" ? "Milan-B0" : product,
    key: "VCEK",
    tcb: product === "Turin" ? TURIN_TCB : MILAN_TCB,
    chipId,
    leaf: {},
    ask: {},
    ark: {},
    extensions: (extensions) => extensions,
    crl: null,
    ...changes,
  };
}

export interface AmdWorld {
  readonly plan: AmdPlan;
  readonly roots: readonly SnpRoot[];
  readonly leaf: Uint8Array<ArrayBuffer>;
  readonly ask: Uint8Array<ArrayBuffer>;
  readonly ark: Uint8Array<ArrayBuffer>;
  readonly crls: readonly Uint8Array<ArrayBuffer>[];
  readonly endorsements: AmdEndorsements;
  readonly signReport: (changes?: ReportChanges) => Promise<Uint8Array<ArrayBuffer>>;
}

export async function mintAmdWorld(changes: Partial<AmdPlan> = {}): Promise<AmdWorld> {
  const plan = amdPlan(changes);
  keys ??= mintKeys();
  const { ark: arkKey, ask: askKey, leaf: leafKey } = await keys;
  const dates = { notBefore: AMD_NOW - YEAR, notAfter: AMD_NOW + YEAR, extensions: [] };
  const caUsage = KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign;
  const arkName = { subject: `ARK-${plan.product}`, key: arkKey };
  const askName = { subject: `SEV-${plan.key === "VLEK" ? "VLEK-" : ""}${plan.product}`, key: askKey };
  const ark = await mintCertificate({
    ...dates,
    ...arkName,
    issuer: arkName,
    serial: 1,
    ca: { pathLength: null },
    keyUsage: caUsage,
    ...plan.ark,
  });
  const ask = await mintCertificate({
    ...dates,
    ...askName,
    issuer: arkName,
    serial: 2,
    ca: { pathLength: 0 },
    keyUsage: KEY_USAGE.keyCertSign,
    ...plan.ask,
  });
  const leaf = await mintCertificate({
    ...dates,
    subject: `SEV-${plan.key}`,
    key: leafKey,
    issuer: askName,
    serial: 0,
    ca: null,
    keyUsage: null,
    ...plan.leaf,
    extensions: plan.extensions(kdsExtensions(plan)),
  });
  const crls =
    plan.crl === null
      ? []
      : [
          await mintCrl({
            issuer: arkName,
            thisUpdate: AMD_NOW - 60,
            nextUpdate: AMD_NOW + YEAR,
            revoked: [],
            ...plan.crl,
          }),
        ];
  return {
    plan,
    roots: [{ productLine: plan.product, anchor: createTrustAnchor("a test's ARK", toHex(arkKey.spki)) }],
    leaf,
    ask,
    ark,
    crls,
    endorsements: parseAmdEndorsements({ certificates: [leaf, ask, ark], crls }),
    signReport: async (report) => await signReport(plan, leafKey, report ?? {}),
  };
}

/** A key that AMD never saw. */
export async function strangerKey(): Promise<FakeKey> {
  keys ??= mintKeys();
  return (await keys).stranger;
}

/** The ARK's own, to certify with what the ARK never would. */
export async function rootKey(): Promise<FakeKey> {
  keys ??= mintKeys();
  return (await keys).ark;
}

/** AMD 57230, extensions of the VCEK's certificate. */
function kdsExtensions({ productName, key, tcb, chipId, product }: AmdPlan): readonly RawExtension[] {
  const amd = "1.3.6.1.4.1.3704.1";
  const spl = (index: number, value: number): RawExtension => ({
    oid: `${amd}.3.${index}`,
    critical: false,
    value: der.integer(value),
  });
  return [
    { oid: `${amd}.1`, critical: false, value: der.integer(0) },
    { oid: `${amd}.2`, critical: false, value: der.ia5String(productName) },
    spl(1, tcb.bootLoader),
    spl(2, tcb.tee),
    spl(3, tcb.snp),
    spl(8, tcb.microcode),
    ...(tcb.fmc === null ? [] : [spl(9, tcb.fmc)]),
    key === "VCEK"
      ? { oid: `${amd}.4`, critical: false, value: product === "Turin" ? chipId.slice(0, 8) : chipId }
      : { oid: `${amd}.5`, critical: false, value: der.ia5String("cloud.example") },
  ];
}

type ReportField = Exclude<keyof typeof SNP_REPORT, "signedRegion">;

/** Little-endian numbers, or bytes, by field. Signature fields are set after signing. */
export type ReportChanges = Partial<Record<ReportField, number | bigint | Uint8Array>>;

/** A report of version 3 (5 on Turin) by the plan's chip, with `changes`, signed. */
async function signReport(
  plan: AmdPlan,
  key: FakeKey,
  changes: ReportChanges,
): Promise<Uint8Array<ArrayBuffer>> {
  const tcb = fromSnpTcb(plan.tcb);
  const [family, model, stepping] = CPUID[plan.product];
  const fields: ReportChanges = {
    version: plan.product === "Turin" ? 5 : 3,
    policy: 0x30000n,
    signatureAlgo: 1,
    currentTcb: tcb,
    platformInfo: 0x25n,
    flags: plan.key === "VLEK" ? 0b100 : 0,
    reportData: new Uint8Array(64).fill(0xd0),
    measurement: new Uint8Array(48).fill(0x3e),
    hostData: new Uint8Array(32).fill(0x05),
    reportedTcb: tcb,
    cpuidFamily: family,
    cpuidModel: model,
    cpuidStepping: stepping,
    chipId: plan.chipId,
    committedTcb: tcb,
    currentVersion: Uint8Array.of(29, 55, 1),
    committedVersion: Uint8Array.of(29, 55, 1),
    launchTcb: tcb,
    ...changes,
  };
  const report = new Uint8Array(SNP_REPORT_LENGTH);
  for (const [field, value] of Object.entries(fields)) write(report, SNP_REPORT[field as ReportField], value);
  const signature = await signRaw(key, report.subarray(0, SNP_REPORT.signedRegion.length));
  write(report, { at: SNP_REPORT.signatureR.at, length: 48 }, signature.slice(0, 48).reverse());
  write(report, { at: SNP_REPORT.signatureS.at, length: 48 }, signature.slice(48).reverse());
  return report;
}

function write(report: Uint8Array, { at, length }: Field, value: number | bigint | Uint8Array): void {
  const bytes = value instanceof Uint8Array ? value : toLittleEndian(BigInt(value), length);
  report.set(bytes, at);
}

function toLittleEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}
