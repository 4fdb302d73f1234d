/**
 * MEASUREMENT of an SEV-SNP machine from files: firmware in flash; kernel, initrd and command line by direct boot, with
 * `kernel-hashes=on`. Source: SEV-SNP ABI §8.17; QEMU, target/i386/sev.c (order of the pages, table of hashes).
 */

import { concatBytes, toUtf8 } from "../protocol/bytes.ts";
import { InputError } from "../protocol/errors.ts";
import { sha256, sha384 } from "./digest.ts";
import { guidBytes, SectionType, type FirmwareSection, type SnpFirmware } from "./snp-firmware.ts";
import { PageDigest, PageType } from "./snp-page-digest.ts";
import { FIRST_PROCESSOR_EIP, saveArea, type Processor } from "./snp-save-area.ts";

export interface BootDigests {
  /** SHA-256 of each file. */
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly cmdline: string;
}

export interface SnpMachine extends Processor {
  readonly firmware: SnpFirmware;
  readonly processors: number;
  /** null: the machine starts what it finds on a disk, and no measurement says what. */
  readonly boot: BootDigests | null;
}

const HASH_TABLE = "9438d606-4f22-4cc9-b479-a793d411fd21";
const HASH_ENTRIES = {
  cmdline: "97d02dd8-bd20-4c94-aa78-e7714d36ab2a",
  initrd: "44baf731-3a2f-4bd7-9af1-41e29169781d",
  kernel: "4de79437-abd2-427f-b835-d5b172d2045b",
} as const;
const HASH_TABLE_LENGTH = 168;
const HASH_ENTRY_LENGTH = 50;
/** Bits 51 to 12 of -1: where the ABI puts the save areas. */
const VMSA_GPA = 0xffff_ffff_f000n;

/**
 * @throws {InputError} INPUT_INVALID for firmware that does not check kernel hashes although there is a kernel to check: it would
 *   start anybody's kernel under the same measurement
 */
export function snpLaunchDigest(machine: SnpMachine): Uint8Array {
  const { firmware, processors, boot } = machine;
  if (boot !== null && !checksKernelHashes(firmware)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message:
        "this firmware does not check kernel hashes: under its measurement any kernel would run. Take an AmdSev build of OVMF " +
        "(OvmfPkg/AmdSev/AmdSevX64.dsc), with QEMU's kernel-hashes=on; Debian's OVMF.fd is none",
    });
  }
  const pages = new PageDigest(firmware.digest);
  addSections(pages, machine);
  for (let index = 0; index < processors; index += 1) {
    const eip = index === 0 ? FIRST_PROCESSOR_EIP : firmware.resetEip;
    pages.add(PageType.vmsa, VMSA_GPA, sha384(saveArea(eip, machine)));
  }
  return pages.value;
}

export function checksKernelHashes({ sections }: SnpFirmware): boolean {
  return sections.some(({ type }) => type === SectionType.kernelHashes);
}

function addSections(pages: PageDigest, { firmware, boot, hypervisor }: SnpMachine): void {
  // EC2 adds the CPUID pages after all others.
  const late: FirmwareSection[] = [];
  for (const section of firmware.sections) {
    const { gpa, size, type } = section;
    switch (type) {
      case SectionType.memory:
        pages.addAll(hypervisor === "gce" ? PageType.unmeasured : PageType.zero, gpa, size);
        break;
      case SectionType.secrets:
        pages.add(PageType.secrets, BigInt(gpa));
        break;
      case SectionType.cpuid:
        if (hypervisor === "ec2") late.push(section);
        else pages.add(PageType.cpuid, BigInt(gpa));
        break;
      case SectionType.svsmCaa:
        pages.addAll(PageType.zero, gpa, size);
        break;
      case SectionType.kernelHashes:
        if (boot === null) pages.addAll(PageType.zero, gpa, size);
        else pages.addAll(PageType.normal, gpa, hashesPage(boot, firmware.hashTable & 0xfff));
        break;
      default:
        throw new InputError({
          code: "INPUT_INVALID",
          message: `the firmware has a section of a type that is not known here (${type})`,
        });
    }
  }
  for (const { gpa } of late) pages.add(PageType.cpuid, BigInt(gpa));
}

/** What QEMU leaves for the firmware to compare: a page with the table somewhere in it. */
function hashesPage({ kernel, initrd, cmdline }: BootDigests, offset: number): Uint8Array {
  const entry = (guid: string, value: Uint8Array): Uint8Array =>
    concatBytes(guidBytes(guid), Uint8Array.of(HASH_ENTRY_LENGTH, 0), value);
  const page = new Uint8Array(4096);
  if (offset + HASH_TABLE_LENGTH > page.length) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the firmware's table of hashes is not inside its page",
    });
  }
  page.set(
    concatBytes(
      guidBytes(HASH_TABLE),
      Uint8Array.of(HASH_TABLE_LENGTH, 0),
      entry(HASH_ENTRIES.cmdline, sha256(toUtf8(`${cmdline}\0`))),
      entry(HASH_ENTRIES.initrd, initrd),
      entry(HASH_ENTRIES.kernel, kernel),
    ),
    offset,
  );
  return page;
}
