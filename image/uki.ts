/** Unified kernel images (UAPI Group specification 5): one program of stub, kernel, initrd and command line, which firmware measures whole. */

import { InputError } from "../protocol/errors.ts";
import { addSections, sectionInMemory } from "./pe.ts";

export interface BootFiles {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly cmdline: string;
}

const OS_RELEASE = 'ID=adyton\nNAME="Adyton enclave"\nPRETTY_NAME="Adyton enclave"\n';

export function writeUki(stub: Uint8Array, { kernel, initrd, cmdline }: BootFiles): Uint8Array {
  return addSections(stub, [
    [".osrel", Buffer.from(OS_RELEASE)],
    [".cmdline", Buffer.from(`${cmdline}\0`)],
    [".initrd", initrd],
    [".linux", kernel],
  ]);
}

/** @throws {InputError} INPUT_INVALID for a program that is no unified kernel image */
export function readUki(uki: Uint8Array): BootFiles {
  const section = (name: string): Uint8Array => {
    const content = sectionInMemory(uki, name);
    if (content !== null) return content;
    throw new InputError({
      code: "INPUT_INVALID",
      message: `not a unified kernel image: it has no section ${name}`,
    });
  };
  return {
    kernel: section(".linux"),
    initrd: section(".initrd"),
    cmdline: Buffer.from(section(".cmdline")).toString("utf8").replace(/\0+$/, ""),
  };
}
