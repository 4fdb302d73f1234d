/**
 * NVIDIA device evidence as tools pass it: the SPDM exchange, and the device's certificates as PEM.
 *
 * Source: github.com/NVIDIA/nvtrust and attestation-sdk, `collect-evidence` output: a JSON array of
 * `{ arch, certificate, evidence, nonce }`, base64 and hex.
 */

import * as z from "zod";
import { EvidenceError } from "../../protocol/errors.ts";
import { decodeBase64Text } from "../encoding/encoded-text.ts";
import { toEvidenceInput, type EvidenceBytes } from "../evidence/evidence-input.ts";
import { fromBase64 } from "../x509/pem.ts";

export interface NvidiaDeviceEvidence {
  /** GET_MEASUREMENTS request and MEASUREMENTS response. */
  readonly evidence: Uint8Array;
  /** PEM, the leaf first. */
  readonly certificateChain: Uint8Array;
}

/** Eight GPUs and four switches are the largest node sold; text of one is about 12 kB. */
const MAX_DEVICES = 64;
const MAX_TEXT = 256 * 1024;

const base64 = z.string().max(MAX_TEXT);
const deviceSchema = z.object({ evidence: base64, certificate: base64 });

/** One device, or all of a node. */
const evidenceSchema = z.union([deviceSchema, z.array(deviceSchema).min(1).max(MAX_DEVICES)]);

export type NvidiaEvidence = readonly NvidiaDeviceEvidence[];

/** Whether these bytes are JSON of this shape. Throws nothing. */
export function isNvidiaEvidence(evidence: EvidenceBytes): boolean {
  return evidenceSchema.safeParse(toEvidenceInput(evidence).json).success;
}

/**
 * Devices of the JSON, in its order. `arch`, `nonce` and versions beside them are not read: what the device signed
 * says so itself.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function parseNvidiaEvidence(evidence: EvidenceBytes): NvidiaEvidence {
  const shape = evidenceSchema.safeParse(toEvidenceInput(evidence).requireJson());
  if (!shape.success) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "this is not NVIDIA evidence",
      cause: shape.error,
    });
  }
  const devices = Array.isArray(shape.data) ? shape.data : [shape.data];
  return devices.map(({ evidence, certificate }) => ({
    evidence: toBytes(evidence),
    certificateChain: toBytes(certificate),
  }));
}

/** In any spelling of base64. @throws {EvidenceError} EVIDENCE_MALFORMED */
const toBytes = (text: string): Uint8Array => decodeBase64Text(text) ?? fromBase64(text);
