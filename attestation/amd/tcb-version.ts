/**
 * TCB_VERSION: eight bytes whose meaning depends on the product.
 *
 * Source: AMD 56860 §2.2, one table for Milan and Genoa and one for Turin; AMD 57230 (VCEK certificate and KDS
 * interface) for the certificate's extensions.
 */

import { equalBytes } from "../../protocol/bytes.ts";
import { readUint, type Field } from "../encoding/layout.ts";
import type { SnpProductLine } from "./product.ts";

/** Security patch levels; `fmc` exists since Turin. */
export interface SnpTcb {
  readonly fmc: number | null;
  readonly bootLoader: number;
  readonly tee: number;
  readonly snp: number;
  readonly microcode: number;
}

const MILAN_AND_GENOA = {
  bootLoader: { at: 0, length: 1 },
  tee: { at: 1, length: 1 },
  snp: { at: 6, length: 1 },
  microcode: { at: 7, length: 1 },
} as const satisfies Record<string, Field>;

const TURIN = {
  fmc: { at: 0, length: 1 },
  bootLoader: { at: 1, length: 1 },
  tee: { at: 2, length: 1 },
  snp: { at: 3, length: 1 },
  microcode: { at: 7, length: 1 },
} as const satisfies Record<string, Field>;

export function toSnpTcb(tcbVersion: Uint8Array, productLine: SnpProductLine): SnpTcb {
  const layout = productLine === "Turin" ? TURIN : MILAN_AND_GENOA;
  return {
    fmc: productLine === "Turin" ? readUint(tcbVersion, TURIN.fmc) : null,
    bootLoader: readUint(tcbVersion, layout.bootLoader),
    tee: readUint(tcbVersion, layout.tee),
    snp: readUint(tcbVersion, layout.snp),
    microcode: readUint(tcbVersion, layout.microcode),
  };
}

/** The inverse of `toSnpTcb`, reserved bytes zero. */
export function fromSnpTcb(tcb: SnpTcb): Uint8Array {
  return tcb.fmc === null
    ? Uint8Array.of(tcb.bootLoader, tcb.tee, 0, 0, 0, 0, tcb.snp, tcb.microcode)
    : Uint8Array.of(tcb.fmc, tcb.bootLoader, tcb.tee, tcb.snp, 0, 0, 0, tcb.microcode);
}

/** Same levels, and reserved bytes of `tcbVersion` zero, as the certificate asserts no other. */
export function isSameTcb(tcbVersion: Uint8Array, tcb: SnpTcb): boolean {
  return equalBytes(tcbVersion, fromSnpTcb(tcb));
}
