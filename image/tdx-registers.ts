/**
 * RTMR1 and RTMR2 of a TDX machine: what OVMF and Linux's EFI stub extend. MRTD is `tdx-mrtd.ts`; RTMR0 holds the virtual machine's
 * configuration (ACPI tables, boot variables), which no file of an image has: take it from an event log.
 *
 * Source: UEFI 2.10 §38 and edk2, TdTcg2Dxe (order of the boot events); Linux, drivers/firmware/efi/libstub/efi-stub-helper.c
 * (LoadOptions, initrd); systemd, src/boot/measure.c and stub.c.
 */

import { toUtf8 } from "../protocol/bytes.ts";
import { extendAll, sha384 } from "./digest.ts";
import { patchSetupHeader, type DirectBootMemory } from "./linux-setup.ts";
import { authenticodeDigest, sectionInMemory } from "./pe.ts";
import { readUki, type BootFiles } from "./uki.ts";

const CALLING = sha384(toUtf8("Calling EFI Application from Boot Option"));
const SEPARATOR = sha384(new Uint8Array(4));
const LEAVING = [
  sha384(toUtf8("Exit Boot Services Invocation")),
  sha384(toUtf8("Exit Boot Services Returned with Success")),
] as const;

/** Direct boot: the kernel is the first program, before any boot option. */
export function rtMr1OfDirectBoot(kernelAuthenticode: Uint8Array): Uint8Array {
  return extendAll([kernelAuthenticode, CALLING, SEPARATOR, ...LEAVING]);
}

/** The command line in UTF-16 with its end, then the initrd: digests, as evidence of other tools gives them. */
export function rtMr2OfDigests(cmdline: Uint8Array, initrd: Uint8Array): Uint8Array {
  return extendAll([cmdline, initrd]);
}

export function cmdlineDigest(cmdline: string): Uint8Array {
  return sha384(Buffer.from(`${cmdline}\0`, "utf16le"));
}

export interface TdxRegisters {
  readonly rtMr1: Uint8Array;
  /** More than one where the stub's version decides: each of them covers the same files. */
  readonly rtMr2: readonly Uint8Array[];
}

/** Whether the firmware gets the kernel with its setup header filled in (QEMU before 10), or as the file has it. */
export type KernelForm = "patched" | "as the file";

export function measureDirectBoot(
  { kernel, initrd, cmdline }: BootFiles,
  form: KernelForm,
  memory: DirectBootMemory,
): TdxRegisters {
  const loaded = form === "patched" ? patchSetupHeader(kernel, initrd.length, memory) : kernel;
  return {
    rtMr1: rtMr1OfDirectBoot(authenticodeDigest(loaded, "sha384")),
    rtMr2: [rtMr2OfDigests(cmdlineDigest(cmdline), sha384(initrd))],
  };
}

/** In the order in which systemd-stub measures them: src/fundamental/uki.c. */
const STUB_SECTIONS = [
  ".linux",
  ".osrel",
  ".cmdline",
  ".initrd",
  ".ucode",
  ".splash",
  ".dtb",
  ".uname",
  ".sbat",
];

/**
 * A unified kernel image that the firmware starts: itself, then the kernel inside, which its stub loads.
 *
 * @param gpt digest of the GPT event; null where the image is not started from a disk with partitions
 */
export function measureUki(uki: Uint8Array, gpt: Uint8Array | null): TdxRegisters {
  const { kernel, initrd, cmdline } = readUki(uki);
  const programs = [uki, kernel].map((program) => authenticodeDigest(program, "sha384"));
  const byLinux = [cmdlineDigest(cmdline), sha384(initrd)];
  const byStub = STUB_SECTIONS.flatMap((name) => {
    const content = sectionInMemory(uki, name);
    return content === null ? [] : [sha384(toUtf8(`${name}\0`)), sha384(content)];
  });
  return {
    rtMr1: extendAll([CALLING, SEPARATOR, ...(gpt === null ? [] : [gpt]), ...programs, ...LEAVING]),
    // A stub that finds a TPM measures its sections there, and not here.
    rtMr2: [extendAll([...byStub, ...byLinux]), extendAll(byLinux)],
  };
}
