import { describe, expect, test } from "vitest";
import { parseNitroDocument } from "../../attestation/aws/nitro-document.ts";
import type { Eif } from "../../image/eif.ts";
import { nitroPcrs } from "../../image/nitro-pcrs.ts";
import { nitroTpmPcrs } from "../../image/nitro-tpm.ts";
import { writeUki } from "../../image/uki.ts";
import { toHex, toUtf8 } from "../../protocol/bytes.ts";
import {
  HAS_IMAGE_VECTORS,
  twinKernel,
  twinProgram,
  vector,
  WITHOUT_IMAGE_VECTORS,
} from "./support/vectors.ts";

if (!HAS_IMAGE_VECTORS) process.stderr.write(`${WITHOUT_IMAGE_VECTORS}\n`);

const eif: Eif = { kernel: toUtf8("kernel"), cmdline: "panic=-1", ramdisks: [toUtf8("initrd")] };
const pcrs = (change: Partial<Eif> = {}): readonly string[] => {
  const { pcr0, pcr1, pcr2 } = nitroPcrs({ ...eif, ...change });
  return [pcr0, pcr1, pcr2].map(toHex);
};

describe("the registers of a Nitro enclave", () => {
  test("PCR0 and PCR1 are one where there is one ramdisk, and PCR2 has nothing", () => {
    const [pcr0, pcr1, pcr2] = pcrs();
    expect(pcr0).toBe(pcr1);
    // As in published deployments whose image has one ramdisk.
    expect(pcr2).toMatch(/^0x21b9efbc1848/);
  });

  test("a second ramdisk is in PCR0 and PCR2, and not in PCR1", () => {
    const [pcr0, pcr1, pcr2] = pcrs({ ramdisks: [...eif.ramdisks, toUtf8("more")] });
    expect(pcr1).toBe(pcrs()[1]);
    expect(pcr0).not.toBe(pcrs()[0]);
    expect(pcr2).not.toBe(pcrs()[2]);
  });

  test.for<[string, Partial<Eif>]>([
    ["kernel", { kernel: toUtf8("Kernel") }],
    ["command line", { cmdline: "panic=-2" }],
    ["ramdisk", { ramdisks: [toUtf8("Initrd")] }],
  ])("another %s is another PCR0 and PCR1", ([, change]) => {
    expect(pcrs(change)[0]).not.toBe(pcrs()[0]);
    expect(pcrs(change)[1]).not.toBe(pcrs()[1]);
  });

  test.skipIf(!HAS_IMAGE_VECTORS)(
    "PCR2 of one ramdisk is the one in a document that AWS's hardware signed",
    () => {
      const { pcrs: signed } = parseNitroDocument(new Uint8Array(vector("nitro/nautilus__weather.cbor")));
      expect(pcrs()[2]).toBe(toHex(signed.get(2)!));
      expect(signed.get(0)).toEqual(signed.get(1));
    },
  );
});

describe("the registers of NitroTPM", () => {
  const stub = twinProgram({ ".text": "a stub" });
  const files = { kernel: twinKernel(), initrd: toUtf8("an initrd"), cmdline: "panic=-1" };
  const of = (uki: Uint8Array): readonly string[] => {
    const { pcr4, pcr7, pcr12 } = nitroTpmPcrs(uki);
    return [pcr4, pcr7, pcr12].map(toHex);
  };

  test("PCR4 has the program and the kernel inside, PCR7 that there is no Secure Boot, PCR12 no command line from outside", () => {
    const [pcr4, pcr7, pcr12] = of(writeUki(stub, files));
    expect(pcr4).toBe(PCR4);
    expect(pcr7).toBe(PCR7);
    expect(pcr12).toBe(`0x${"00".repeat(48)}`);
  });

  test("any part changes PCR4 alone", () => {
    const [pcr4, pcr7] = of(writeUki(stub, { ...files, cmdline: "panic=-2" }));
    expect(pcr4).not.toBe(PCR4);
    expect(pcr7).toBe(PCR7);
  });
});

const PCR4 =
  "0xd1717dab4d559930ac3b5421a946a6214ff01c7de0ea9ba1de3df0f8fd1c2f5266c90e8e33acbe0f3258287c217bd388";
/** The same for every machine without Secure Boot and keys; computed by another program from the specification too. */
const PCR7 =
  "0x98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e3578ae72d04ecef661f272d59058b77af35";
