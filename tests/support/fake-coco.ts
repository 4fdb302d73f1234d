/** What Confidential Containers' attesters send of an SEV-SNP report: its fields, one by one, as JSON. */

import type { Field } from "../../attestation/encoding/layout.ts";
import { SNP_REPORT } from "../../attestation/amd/snp-report.ts";
import { toSnpTcb } from "../../attestation/amd/tcb-version.ts";
import type { SnpProductLine } from "../../attestation/amd/product.ts";

/** The object that `virtee/sev` writes for `report`. */
export function toReportFields(report: Uint8Array, product: SnpProductLine): Record<string, unknown> {
  const bytes = ({ at, length }: Field): number[] => [...report.subarray(at, at + length)];
  const number = (field: Field): number => bytes(field).reduceRight((sum, byte) => sum * 256 + byte, 0);
  const tcb = (field: Field) => {
    const { fmc, bootLoader, tee, snp, microcode } = toSnpTcb(Uint8Array.from(bytes(field)), product);
    return { fmc, bootloader: bootLoader, tee, snp, microcode };
  };
  const version = (field: Field) => {
    const [build, minor, major] = bytes(field);
    return { major, minor, build };
  };
  return {
    version: number(SNP_REPORT.version),
    guest_svn: number(SNP_REPORT.guestSvn),
    policy: number(SNP_REPORT.policy),
    family_id: bytes(SNP_REPORT.familyId),
    image_id: bytes(SNP_REPORT.imageId),
    vmpl: number(SNP_REPORT.vmpl),
    sig_algo: number(SNP_REPORT.signatureAlgo),
    current_tcb: tcb(SNP_REPORT.currentTcb),
    plat_info: number(SNP_REPORT.platformInfo),
    key_info: number(SNP_REPORT.flags),
    report_data: bytes(SNP_REPORT.reportData),
    measurement: bytes(SNP_REPORT.measurement),
    host_data: bytes(SNP_REPORT.hostData),
    id_key_digest: bytes(SNP_REPORT.idKeyDigest),
    author_key_digest: bytes(SNP_REPORT.authorKeyDigest),
    report_id: bytes(SNP_REPORT.reportId),
    report_id_ma: bytes(SNP_REPORT.reportIdMa),
    reported_tcb: tcb(SNP_REPORT.reportedTcb),
    cpuid_fam_id: number(SNP_REPORT.cpuidFamily),
    cpuid_mod_id: number(SNP_REPORT.cpuidModel),
    cpuid_step: number(SNP_REPORT.cpuidStepping),
    chip_id: bytes(SNP_REPORT.chipId),
    committed_tcb: tcb(SNP_REPORT.committedTcb),
    current: version(SNP_REPORT.currentVersion),
    committed: version(SNP_REPORT.committedVersion),
    launch_tcb: tcb(SNP_REPORT.launchTcb),
    launch_mit_vector: number(SNP_REPORT.launchMitVector),
    current_mit_vector: number(SNP_REPORT.currentMitVector),
    signature: { r: bytes(SNP_REPORT.signatureR), s: bytes(SNP_REPORT.signatureS) },
  };
}

/** `SnpEvidence` of Confidential Containers. */
export function toCocoEvidence(
  fields: Readonly<Record<string, unknown>>,
  vcek: Uint8Array | null,
): Record<string, unknown> {
  return {
    attestation_report: fields,
    cert_chain: vcek === null ? null : [{ cert_type: "VCEK", data: [...vcek] }],
  };
}
