import { createHash } from "node:crypto";
import { concatBytes } from "../protocol/bytes.ts";

export type DigestName = "sha256" | "sha384";

export function digest(algorithm: DigestName, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => digest("sha256", ...parts);
export const sha384 = (...parts: readonly Uint8Array[]): Uint8Array => digest("sha384", ...parts);

/** A register of SHA-384 digests after these extensions, from zero: RTMRs (TDG.MR.RTMR.EXTEND) and PCRs (TPM2_PCR_Extend) alike. */
export function extendAll(events: readonly Uint8Array[]): Uint8Array {
  return events.reduce((value, event) => sha384(concatBytes(value, event)), new Uint8Array(48));
}
