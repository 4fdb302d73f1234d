/**
 * PCR0 to PCR2 of a Nitro enclave.
 * Source: AWS, "Cryptographic attestation" of the Nitro Enclaves user guide; aws-nitro-enclaves-image-format, `EifHasher`.
 */

import { toUtf8 } from "../protocol/bytes.ts";
import type { Eif } from "./eif.ts";
import { extendAll, sha384 } from "./digest.ts";

export interface NitroPcrs {
  /** Everything. */
  readonly pcr0: Uint8Array;
  /** Kernel, command line and first ramdisk. */
  readonly pcr1: Uint8Array;
  /** All other ramdisks. */
  readonly pcr2: Uint8Array;
}

export function nitroPcrs({ kernel, cmdline, ramdisks }: Eif): NitroPcrs {
  const register = (...parts: readonly Uint8Array[]): Uint8Array => extendAll([sha384(...parts)]);
  const line = toUtf8(cmdline);
  return {
    pcr0: register(kernel, line, ...ramdisks),
    pcr1: register(kernel, line, ...ramdisks.slice(0, 1)),
    pcr2: register(...ramdisks.slice(1)),
  };
}
