import { fromUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { parseNvidiaEvidence, type NvidiaEvidence } from "./nvidia-evidence.ts";

/** Longest text looked at, in bytes; a device's evidence is about 20 KiB. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** Whether this is JSON in which a device's evidence lies. Never throws. */
export function recogniseNvidiaEvidence(evidence: Uint8Array): boolean {
  if (evidence.length > MAX_TEXT_BYTES || (evidence[0] !== 0x7b && evidence[0] !== 0x5b)) return false;
  try {
    return parseNvidiaEvidence(JSON.parse(fromUtf8(evidence))).length > 0;
  } catch {
    return false;
  }
}

/** @throws {EvidenceError} EVIDENCE_UNSUPPORTED for several devices, each of which has a verdict of its own */
export function parseOneNvidiaDevice(evidence: Uint8Array): NvidiaEvidence {
  const [device, ...others] = parseNvidiaEvidence(JSON.parse(fromUtf8(evidence)));
  if (device === undefined || others.length > 0) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "evidence of several GPUs: verify each with verifyNvidiaEvidence",
      details: { devices: others.length + 1 },
    });
  }
  return device;
}
