/**
 * dstack's attestation, whichever way it is written: what the hardware says, and what the guest extended.
 *
 * Source: github.com/Dstack-TEE/dstack, dstack-attest (`Attestation`, `PlatformEvidence`, `StackEvidence`).
 */

import type { RawDstackEvent } from "./event-log.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export type DstackPlatform =
  | {
      readonly kind: "tdx";
      readonly quote: Bytes;
      /** RTMR 0 to 3, in their order. */
      readonly events: readonly RawDstackEvent[];
    }
  | {
      readonly kind: "snp";
      readonly report: Bytes;
      /** PEM or DER. */
      readonly certificates: readonly Bytes[];
      /** JSON that HOST_DATA commits to; empty where there is none. */
      readonly mrConfig: string;
    }
  | { readonly kind: "nitro"; readonly document: Bytes }
  | { readonly kind: "nitroTpm"; readonly document: Bytes; readonly events: readonly RawDstackEvent[] };

export interface DstackAttestation {
  readonly platform: DstackPlatform;
  /** What the guest says that the evidence is bound to; null where this form does not say it. */
  readonly reportData: Bytes | null;
  /** Text whose hash the report data is, as applications in a pod use it; null where there is none. */
  readonly reportDataPayload: string | null;
}

/** Our name for a dstack attestation on each platform. */
export const DSTACK_KINDS = {
  tdx: "dstack",
  snp: "dstackSnp",
  nitro: "dstackNitro",
  nitroTpm: "dstackNitroTpm",
} as const;

export type DstackKind = (typeof DSTACK_KINDS)[DstackPlatform["kind"]];

/** A guest extends about thirty events; applications may add some. */
export const MAX_EVENTS = 4096;
/** Quote, log and configuration are under 64 KiB. */
export const MAX_ATTESTATION_BYTES = 4 * 1024 * 1024;
