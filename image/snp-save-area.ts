/**
 * A processor's first state, which is measured: AMD64 Architecture Programmer's Manual, volume 2, table B-4, with what each
 * hypervisor puts there.
 */

export type Hypervisor = "qemu" | "ec2" | "gce";

export interface Processor {
  readonly hypervisor: Hypervisor;
  /** CPUID leaf 1, EAX, of QEMU's processor model; the others leave it out. */
  readonly signature: number;
  /** SEV_FEATURES: bit 0 is SEV-SNP. */
  readonly features: bigint;
}

/** By QEMU's names of processor models: family, model and stepping as target/i386/cpu.c has them. */
export const PROCESSOR_SIGNATURES: Readonly<Record<string, number>> = {
  EPYC: 0x800f12,
  "EPYC-v4": 0x800f12,
  "EPYC-Rome": 0x830f10,
  "EPYC-Milan": 0xa00f11,
  "EPYC-Genoa": 0xa10f10,
};

const FIRST_EIP = 0xfffffff0;

/** Offsets of table B-4. */
const SEGMENT = {
  es: 0x00,
  cs: 0x10,
  ss: 0x20,
  ds: 0x30,
  fs: 0x40,
  gs: 0x50,
  gdtr: 0x60,
  ldtr: 0x70,
  idtr: 0x80,
  tr: 0x90,
} as const;
const REGISTER = {
  efer: 0xd0,
  cr4: 0x148,
  cr0: 0x158,
  dr7: 0x160,
  dr6: 0x168,
  rflags: 0x170,
  rip: 0x178,
  gPat: 0x268,
  rdx: 0x310,
  sevFeatures: 0x3b0,
  xcr0: 0x3e8,
  mxcsr: 0x408,
  x87Control: 0x410,
} as const;

export function saveArea(eip: number, { hypervisor, signature, features }: Processor): Uint8Array {
  const page = Buffer.alloc(4096);
  const segment = (at: number, attributes: number, limit = 0xffff): void => {
    page.writeUInt16LE(attributes, at + 2);
    page.writeUInt32LE(limit, at + 4);
  };
  const put = (at: number, value: bigint): void => {
    page.writeBigUInt64LE(value, at);
  };
  const ec2 = hypervisor === "ec2";
  for (const name of ["es", "ds", "fs", "gs"] as const) segment(SEGMENT[name], 0x93);
  segment(SEGMENT.cs, ec2 && eip === FIRST_EIP ? 0x9a : 0x9b);
  page.writeUInt16LE(0xf000, SEGMENT.cs);
  put(SEGMENT.cs + 8, BigInt((eip & 0xffff0000) >>> 0));
  segment(SEGMENT.ss, ec2 ? 0x92 : 0x93);
  segment(SEGMENT.gdtr, 0);
  segment(SEGMENT.ldtr, 0x82);
  segment(SEGMENT.idtr, 0);
  segment(SEGMENT.tr, ec2 ? 0x83 : 0x8b);
  put(REGISTER.efer, 0x1000n);
  put(REGISTER.cr4, 0x40n);
  put(REGISTER.cr0, 0x10n);
  put(REGISTER.dr7, 0x400n);
  put(REGISTER.dr6, 0xffff_0ff0n);
  put(REGISTER.rflags, 2n);
  put(REGISTER.rip, BigInt(eip & 0xffff));
  put(REGISTER.gPat, hypervisor === "gce" ? 0x0007_0106n : 0x0007_0406_0007_0406n);
  put(REGISTER.rdx, hypervisor === "qemu" ? BigInt(signature) : 0x600n);
  put(REGISTER.sevFeatures, features);
  put(REGISTER.xcr0, 1n);
  if (hypervisor === "qemu") {
    page.writeUInt32LE(0x1f80, REGISTER.mxcsr);
    page.writeUInt16LE(0x37f, REGISTER.x87Control);
  }
  return new Uint8Array(page);
}

export const FIRST_PROCESSOR_EIP = FIRST_EIP;
