/**
 * A kernel as QEMU hands it to the firmware by direct boot: its setup header filled in, as a boot loader does.
 * Source: Linux, Documentation/arch/x86/boot.rst; QEMU, hw/i386/x86-common.c, x86_load_linux (up to 9.x, and 10 for firmware that
 * asks for the patched kernel).
 */

import { InputError } from "../protocol/errors.ts";

const HEADER = {
  protocol: 0x206,
  loaderType: 0x210,
  loadFlags: 0x211,
  initrdAddress: 0x218,
  initrdSize: 0x21c,
  heapEnd: 0x224,
  cmdlineAddress: 0x228,
  xloadFlags: 0x236,
} as const;
const QEMU_LOADER = 0xb0;
const LOADED_HIGH = 0x01;
const CAN_USE_HEAP = 0x80;
const CAN_BE_LOADED_ABOVE_4G = 0x40;
const OLDEST_PROTOCOL = 0x20c;
const SETUP_ADDRESS = 0x10000;
const CMDLINE_ADDRESS = 0x20000;
const SMALLEST = 0x1000;
/** What a q35 machine keeps below 4 GiB (hw/i386/pc_q35.c), and what it keeps when that is not all of its memory. */
const LOW_MEMORY = 0xb000_0000;
const SPLIT_LOW_MEMORY = 0x8000_0000;
/** Bytes that QEMU sets aside for ACPI tables below the end of low memory (hw/i386/pc.c). */
const ACPI_DATA = 0x2_0000 + 0x8000;

export interface DirectBootMemory {
  /** Bytes of the machine. From 2.75 GiB on, and at 2 GiB, the patched kernel is the same. */
  readonly memoryBytes: number;
}

/** @throws {InputError} INPUT_INVALID for a file that is no kernel of today, or an initrd that does not fit below 4 GiB */
export function patchSetupHeader(
  kernel: Uint8Array,
  initrdBytes: number,
  { memoryBytes }: DirectBootMemory,
): Uint8Array {
  const patched = Buffer.from(kernel);
  if (patched.length < SMALLEST) throw malformed("it is too short");
  const protocol = patched.readUInt16LE(HEADER.protocol);
  if (patched.toString("latin1", 0x202, 0x206) !== "HdrS" || protocol < OLDEST_PROTOCOL)
    throw malformed("it is not a Linux kernel of version 3.8 or later");
  const flags = patched.readUInt8(HEADER.loadFlags);
  if ((flags & LOADED_HIGH) === 0) throw malformed("it is loaded low");
  patched.writeUInt8(QEMU_LOADER, HEADER.loaderType);
  patched.writeUInt8(flags | CAN_USE_HEAP, HEADER.loadFlags);
  patched.writeUInt32LE(CMDLINE_ADDRESS - SETUP_ADDRESS - 0x200, HEADER.heapEnd);
  patched.writeUInt32LE(CMDLINE_ADDRESS, HEADER.cmdlineAddress);
  if (initrdBytes > 0) {
    const above = (patched.readUInt16LE(HEADER.xloadFlags) & CAN_BE_LOADED_ABOVE_4G) !== 0;
    const low = memoryBytes >= LOW_MEMORY ? SPLIT_LOW_MEMORY : memoryBytes;
    const highest = Math.min(above ? 0xffff_ffff : 0x37ff_ffff, low - ACPI_DATA - 1);
    if (initrdBytes >= highest) throw malformed("its initrd is larger than the memory");
    patched.writeUInt32LE(Math.floor((highest - initrdBytes) / 4096) * 4096, HEADER.initrdAddress);
    patched.writeUInt32LE(initrdBytes, HEADER.initrdSize);
  }
  return new Uint8Array(patched);
}

function malformed(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `this kernel cannot be measured: ${message}` });
}
