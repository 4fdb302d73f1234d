import { sha256 } from "@noble/hashes/sha2.js";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { checkSealed, type VerifiedEvidence } from "../evidence/verified-evidence.ts";

/**
 * The nonce with which an enclave asks its GPUs, so that both kinds of evidence speak of one enclave: SHA-256 of what
 * the CPU's evidence binds (64 bytes of report data, or a Nitro document's user data).
 */
export function toGpuNonce(reportData: Hex): Hex {
  return toHex(sha256(fromHex(reportData)));
}

/**
 * Checks that a GPU's evidence was asked for by the enclave whose CPU evidence is `cpu`.
 *
 * Establishes: whoever knew the CPU evidence's report data asked this GPU; as that commits to keys born in the
 * enclave, a GPU's evidence of another session or enclave does not pass. It does not establish that the GPU is plugged
 * into that machine: only the driver's attested session (measured into the CPU evidence) does.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH
 */
export function checkGpuBinding(cpu: VerifiedEvidence, gpu: VerifiedEvidence<"nvidia">): void {
  checkSealed(cpu);
  checkSealed(gpu);
  if (cpu.reportData === null || toGpuNonce(cpu.reportData) !== gpu.claims.nonce) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the GPU answered another nonce than the hash of the CPU evidence's report data",
      details: { nonce: gpu.claims.nonce },
    });
  }
}
