/**
 * An SEV-SNP report whose fields a tool wrote as JSON, put back into the bytes that firmware signed.
 *
 * Source: github.com/virtee/sev, `AttestationReport` as serde writes it (field names of releases 4 to 7), which is what
 * Confidential Containers' attesters send. Bytes that the JSON has no member for are reserved, and zero.
 */

import * as z from "zod";
import { EvidenceError } from "../../protocol/errors.ts";
import type { Field } from "../encoding/layout.ts";
import { SNP_REPORT, SNP_REPORT_LENGTH } from "./snp-report.ts";
import { fromSnpTcb } from "./tcb-version.ts";

/** Made with the first report that is spelt out: reports hardly ever are. */
function makeReportSchema() {
  const uint8 = z.int().min(0).max(0xff);
  const uint32 = z.int().min(0).max(0xffffffff);
  /** A number beyond 2^53 has lost digits on its way through JSON: it is refused rather than rounded. */
  const uint64 = z.int().min(0);
  const bytes = (length: number) =>
    z
      .array(uint8)
      .length(length)
      .transform((values) => Uint8Array.from(values));

  const tcb = z.object({
    fmc: uint8.nullish(),
    bootloader: uint8,
    tee: uint8,
    snp: uint8,
    microcode: uint8,
  });
  const version = z.object({ major: uint8, minor: uint8, build: uint8 });

  return z.object({
    version: uint32,
    guest_svn: uint32,
    policy: uint64,
    family_id: bytes(16),
    image_id: bytes(16),
    vmpl: uint32,
    sig_algo: uint32,
    current_tcb: tcb,
    plat_info: uint64,
    /** `_author_key_en` in older releases. */
    key_info: uint32,
    report_data: bytes(64),
    measurement: bytes(48),
    host_data: bytes(32),
    id_key_digest: bytes(48),
    author_key_digest: bytes(48),
    report_id: bytes(32),
    report_id_ma: bytes(32),
    reported_tcb: tcb,
    cpuid_fam_id: uint8.nullish(),
    cpuid_mod_id: uint8.nullish(),
    cpuid_step: uint8.nullish(),
    chip_id: bytes(64),
    committed_tcb: tcb,
    current: version,
    committed: version,
    launch_tcb: tcb,
    launch_mit_vector: uint64.nullish(),
    current_mit_vector: uint64.nullish(),
    signature: z.object({ r: bytes(72), s: bytes(72) }),
  });
}

let madeSchema: ReturnType<typeof makeReportSchema> | undefined;

type ReportFields = z.infer<ReturnType<typeof makeReportSchema>>;

/** Names that no other format has beside each other: enough to know what the value means to be. */
export function isReportFields(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "measurement" in value &&
    "reported_tcb" in value &&
    "chip_id" in value
  );
}

/**
 * The 1184 bytes of the report that `value` spells out. Nothing is verified: the signature, which is over these bytes,
 * says whether they are the report's.
 *
 * @throws {EvidenceError} EVIDENCE_UNSUPPORTED for fields that are missing or of another form
 */
export function encodeReportFields(value: unknown): Uint8Array<ArrayBuffer> {
  madeSchema ??= makeReportSchema();
  const parsed = madeSchema.safeParse(withSeparateVersions(value));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "this spelling of an SEV-SNP report as JSON fields is not known",
      details: { field: issue?.path.join(".") ?? "" },
      cause: parsed.error,
    });
  }
  const report = new Uint8Array(SNP_REPORT_LENGTH);
  for (const [field, content] of fieldsOf(parsed.data)) report.set(encode(content, field), field.at);
  return report;
}

/** Releases before 5 of the crate have `current_major` and its like beside each other, and not in an object. */
function withSeparateVersions(value: unknown): unknown {
  if (typeof value !== "object" || value === null || "current" in value) return value;
  const fields = value as Readonly<Record<string, unknown>>;
  const versionOf = (which: "current" | "committed") => ({
    major: fields[`${which}_major`],
    minor: fields[`${which}_minor`],
    build: fields[`${which}_build`],
  });
  return {
    ...fields,
    key_info: fields["key_info"] ?? fields["_author_key_en"],
    current: versionOf("current"),
    committed: versionOf("committed"),
  };
}

type Content = number | Uint8Array;

function fieldsOf(fields: ReportFields): readonly (readonly [Field, Content])[] {
  return [
    [SNP_REPORT.version, fields.version],
    [SNP_REPORT.guestSvn, fields.guest_svn],
    [SNP_REPORT.policy, fields.policy],
    [SNP_REPORT.familyId, fields.family_id],
    [SNP_REPORT.imageId, fields.image_id],
    [SNP_REPORT.vmpl, fields.vmpl],
    [SNP_REPORT.signatureAlgo, fields.sig_algo],
    [SNP_REPORT.currentTcb, toTcbBytes(fields.current_tcb)],
    [SNP_REPORT.platformInfo, fields.plat_info],
    [SNP_REPORT.flags, fields.key_info],
    [SNP_REPORT.reportData, fields.report_data],
    [SNP_REPORT.measurement, fields.measurement],
    [SNP_REPORT.hostData, fields.host_data],
    [SNP_REPORT.idKeyDigest, fields.id_key_digest],
    [SNP_REPORT.authorKeyDigest, fields.author_key_digest],
    [SNP_REPORT.reportId, fields.report_id],
    [SNP_REPORT.reportIdMa, fields.report_id_ma],
    [SNP_REPORT.reportedTcb, toTcbBytes(fields.reported_tcb)],
    [SNP_REPORT.cpuidFamily, fields.cpuid_fam_id ?? 0],
    [SNP_REPORT.cpuidModel, fields.cpuid_mod_id ?? 0],
    [SNP_REPORT.cpuidStepping, fields.cpuid_step ?? 0],
    [SNP_REPORT.chipId, fields.chip_id],
    [SNP_REPORT.committedTcb, toTcbBytes(fields.committed_tcb)],
    [SNP_REPORT.currentVersion, toVersionBytes(fields.current)],
    [SNP_REPORT.committedVersion, toVersionBytes(fields.committed)],
    [SNP_REPORT.launchTcb, toTcbBytes(fields.launch_tcb)],
    [SNP_REPORT.launchMitVector, fields.launch_mit_vector ?? 0],
    [SNP_REPORT.currentMitVector, fields.current_mit_vector ?? 0],
    [SNP_REPORT.signatureR, fields.signature.r],
    [SNP_REPORT.signatureS, fields.signature.s],
  ];
}

/** The layout follows from the firmware's mitigation level (FMC), which exists on Turin and since. */
function toTcbBytes({ fmc, bootloader, tee, snp, microcode }: ReportFields["current_tcb"]): Uint8Array {
  return fromSnpTcb({ fmc: fmc ?? null, bootLoader: bootloader, tee, snp, microcode });
}

function toVersionBytes({ major, minor, build }: ReportFields["current"]): Uint8Array {
  return Uint8Array.of(build, minor, major);
}

/** Little-endian. */
function encode(content: Content, { length }: Field): Uint8Array {
  if (typeof content !== "number") return content;
  return Uint8Array.from({ length }, (_, index) => Math.floor(content / 256 ** index) % 256);
}
