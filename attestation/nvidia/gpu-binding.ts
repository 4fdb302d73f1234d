import { sha256 } from "@noble/hashes/sha2.js";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { isAllZero } from "../encoding/layout.ts";
import { checkSealed, type VerifiedEvidence } from "../evidence/verified-evidence.ts";

/**
 * The nonce with which an enclave asks its GPUs, so that both kinds of evidence speak of one enclave: SHA-256 of what
 * the CPU's evidence binds (64 bytes of report data, or a Nitro document's user data).
 */
export function toGpuNonce(reportData: Hex): Hex {
  return toHex(sha256(fromHex(reportData)));
}

/**
 * How two pieces of one document hang together: `asked`, the GPU answered a nonce that commits to what the CPU's evidence
 * binds; `same-nonce`, both answered one nonce, as inference gateways do it. The second shows that both are fresh, and not
 * that the GPU is the enclave's: somebody else's may have been asked the same.
 */
export type GpuBinding = "asked" | "same-nonce";

/** Bytes of a nonce in 64 bytes of report data, which gateways write after an address or hash of a key. */
const NONCE_BYTES = 32;

/**
 * The link between verified evidence of a CPU and of GPUs; null where there is none to be seen, which says nothing
 * against either.
 */
export function findGpuBinding(cpu: VerifiedEvidence, gpu: VerifiedEvidence<"nvidia">): GpuBinding | null {
  checkSealed(cpu);
  checkSealed(gpu);
  const { nonce } = gpu.claims;
  if (isAsked(cpu, gpu)) return "asked";
  const nonces = [...noncesIn(cpu.reportData), cpu.kind === "nitro" ? cpu.claims.nonce : null];
  return nonces.includes(nonce) ? "same-nonce" : null;
}

/** Zeros, or nothing, bind nothing: their hash is a nonce that anybody's GPU can be asked with. */
function isAsked(
  { reportData }: VerifiedEvidence,
  { claims: { nonce } }: VerifiedEvidence<"nvidia">,
): boolean {
  return reportData !== null && !isAllZero(fromHex(reportData)) && toGpuNonce(reportData) === nonce;
}

/** Both halves of report data. Zeros are no nonce: the second half of most report data is filled with them. */
function noncesIn(reportData: Hex | null): readonly Hex[] {
  if (reportData === null) return [];
  const bytes = fromHex(reportData);
  const halves = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES)];
  return halves.filter((half) => !isAllZero(half)).map((half) => toHex(half));
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
  if (!isAsked(cpu, gpu)) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the GPU answered another nonce than the hash of the CPU evidence's report data",
      details: { nonce: gpu.claims.nonce },
    });
  }
}
