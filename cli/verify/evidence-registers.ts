import type { VerifiedEvidence } from "../../attestation/index.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import type { Platform } from "../image/measurement.ts";

export interface EvidenceRegisters {
  /** The ways of `adyton image measure` to compute them. */
  readonly platforms: readonly Platform[];
  /** By the names that it has for them. */
  readonly registers: Readonly<Record<string, Hex | undefined>>;
}

/** @throws {InputError} INPUT_INVALID for evidence of a kind whose image is not ours to compute */
export function registersOf({ kind, claims }: VerifiedEvidence): EvidenceRegisters {
  switch (kind) {
    case "tdx":
    case "simulator": {
      const { mrTd, rtMr0, rtMr1, rtMr2, rtMr3 } = claims;
      const registers = { MRTD: mrTd, RTMR0: rtMr0, RTMR1: rtMr1, RTMR2: rtMr2, RTMR3: rtMr3 };
      return { platforms: ["tdx", "tdx-uki"], registers };
    }
    case "snp":
      return { platforms: ["snp"], registers: { MEASUREMENT: claims.measurement } };
    case "nitro": {
      const { pcrs } = claims;
      return { platforms: ["nitro"], registers: { PCR0: pcrs["0"], PCR1: pcrs["1"], PCR2: pcrs["2"] } };
    }
    default:
      throw new InputError({
        code: "INPUT_INVALID",
        message: `evidence of kind ${kind} does not show an image that is built here`,
      });
  }
}
