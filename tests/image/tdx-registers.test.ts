import { describe, expect, test } from "vitest";
import { decodeCbor } from "../../attestation/encoding/cbor.ts";
import { parseCcel } from "../../attestation/eventlog/ccel.ts";
import { replayRtmrs } from "../../attestation/eventlog/rtmr.ts";
import { sha384 } from "../../image/digest.ts";
import { patchSetupHeader } from "../../image/linux-setup.ts";
import {
  cmdlineDigest,
  measureDirectBoot,
  measureUki,
  rtMr1OfDirectBoot,
  rtMr2OfDigests,
} from "../../image/tdx-registers.ts";
import { writeUki, type BootFiles } from "../../image/uki.ts";
import { toHex, toUtf8 } from "../../protocol/bytes.ts";
import {
  HAS_IMAGE_VECTORS,
  twinKernel,
  twinProgram,
  vector,
  WITHOUT_IMAGE_VECTORS,
} from "./support/vectors.ts";

if (!HAS_IMAGE_VECTORS) process.stderr.write(`${WITHOUT_IMAGE_VECTORS}\n`);

const GIB = 1024 ** 3;

describe.skipIf(!HAS_IMAGE_VECTORS)("registers in evidence that Intel's hardware signed", () => {
  test("RTMR1 and RTMR2 of a quote of dstack, from its kernel, command line and initrd", () => {
    const reply = JSON.parse(Buffer.from(vector("eventlog/dstack_tdx-lite-getquote.json")).toString()) as {
      readonly quote: string;
      readonly vm_config: string;
    };
    const config = JSON.parse(reply.vm_config) as {
      readonly tdx_measurement: { readonly measurement: string };
    };
    const document = Buffer.from(config.tdx_measurement.measurement, "base64");
    const limits = { maxBytes: 65_536, maxDepth: 8, maxItems: 256, containers: "definite" } as const;
    const { image } = decodeMaps(decodeCbor(new Uint8Array(document), limits)) as {
      image: Record<"kernel_authenticode" | "cmdline_sha384" | "initrd_sha384", Uint8Array>;
    };
    const body = Buffer.from(reply.quote, "hex").subarray(48);
    expect(Buffer.from(rtMr1OfDirectBoot(image.kernel_authenticode))).toEqual(body.subarray(376, 424));
    expect(Buffer.from(rtMr2OfDigests(image.cmdline_sha384, image.initrd_sha384))).toEqual(
      body.subarray(424, 472),
    );
  });

  test.for(["eventlog/attestation-rs_tdx_ccel_live.bin", "eventlog/attestation-rs_tdx_ccel_live2.dat"])(
    "the order of events of %s, a log from a TD by direct boot",
    (file) => {
      const events = parseCcel(vector(file));
      const [, rtMr1, rtMr2] = replayRtmrs(events);
      const of = (rtmr: number): readonly Uint8Array[] =>
        events.filter((event) => event.rtmr === rtmr).map(({ digest }) => digest);
      const [kernel] = of(1);
      const [cmdline, initrd] = of(2);
      expect(rtMr1OfDirectBoot(kernel!)).toEqual(rtMr1);
      expect(rtMr2OfDigests(cmdline!, initrd!)).toEqual(rtMr2);
    },
  );
});

/** Maps of CBOR as objects. */
function decodeMaps(value: unknown): unknown {
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, content]) => [String(key), decodeMaps(content)]));
}

const files: BootFiles = { kernel: twinKernel(), initrd: toUtf8("an initrd"), cmdline: "panic=-1" };

describe("registers of files of our own", () => {
  const direct = (
    change: Partial<BootFiles> = {},
    memoryBytes = 4 * GIB,
  ): { rtMr1: string; rtMr2: string } => {
    const { rtMr1, rtMr2 } = measureDirectBoot({ ...files, ...change }, "patched", { memoryBytes });
    return { rtMr1: toHex(rtMr1), rtMr2: toHex(rtMr2[0]!) };
  };

  test("have values, by direct boot", () => {
    expect(direct()).toEqual(DIRECT);
  });

  test("RTMR2 changes with the command line and the initrd, RTMR1 with the kernel", () => {
    expect(direct({ cmdline: "panic=-1 x" })).toEqual({
      rtMr1: DIRECT.rtMr1,
      rtMr2: expect.not.stringMatching(DIRECT.rtMr2) as string,
    });
    expect(direct({ initrd: toUtf8("an_initrd") })).toEqual({
      rtMr1: DIRECT.rtMr1,
      rtMr2: expect.not.stringMatching(DIRECT.rtMr2) as string,
    });
    expect(direct({ kernel: twinKernel("another") })).toEqual({
      rtMr1: expect.not.stringMatching(DIRECT.rtMr1) as string,
      rtMr2: DIRECT.rtMr2,
    });
  });

  test("RTMR1 also changes with the initrd's length and with memory below 2.75 GiB, since QEMU writes both into the kernel", () => {
    expect(direct({ initrd: toUtf8("a longer initrd") }).rtMr1).not.toBe(DIRECT.rtMr1);
    expect(direct({}, GIB).rtMr1).not.toBe(DIRECT.rtMr1);
    expect(direct({}, 2 * GIB).rtMr1).toBe(DIRECT.rtMr1);
    expect(direct({}, 64 * GIB).rtMr1).toBe(DIRECT.rtMr1);
    const plain = measureDirectBoot(files, "as the file", { memoryBytes: GIB });
    expect(plain.rtMr1).toEqual(measureDirectBoot(files, "as the file", { memoryBytes: 4 * GIB }).rtMr1);
  });

  test("the initrd's place is below what the machine keeps for ACPI, on a page", () => {
    const at = (memoryBytes: number): number =>
      Buffer.from(patchSetupHeader(files.kernel, 0x100000, { memoryBytes })).readUInt32LE(0x218);
    // Of dstack-mr's own test: below 2 GiB by memory, from 2.75 GiB on the same as at 2 GiB.
    expect(at(2 * GIB)).toBe(0x7fed7000);
    expect(at(0xb000_0000)).toBe(0x7fed7000);
    expect(at(0xb000_0000 - 0x1000)).toBe(0xafed6000);
    expect(at(GIB)).toBe(0x3fed7000);
  });

  test.for<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["text", toUtf8("x".repeat(9_000))],
    [
      "a program without a setup header",
      new Uint8Array(Buffer.concat([twinProgram({ ".a": "b" }), Buffer.alloc(8_192)])),
    ],
  ])("%s is no kernel", ([, kernel]) => {
    const measure = (): unknown => measureDirectBoot({ ...files, kernel }, "patched", { memoryBytes: GIB });
    expect(measure).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });

  test("the command line is measured in UTF-16 with its end", () => {
    expect(cmdlineDigest("a")).toEqual(sha384(Uint8Array.of(0x61, 0, 0, 0)));
  });
});

describe("registers of a unified kernel image", () => {
  const stub = twinProgram({ ".text": "a stub", ".sbat": "sbat,1" });
  const uki = (change: Partial<BootFiles> = {}): Uint8Array => writeUki(stub, { ...files, ...change });
  const registers = (image: Uint8Array, gpt: Uint8Array | null = null): string[] => {
    const { rtMr1, rtMr2 } = measureUki(image, gpt);
    return [rtMr1, ...rtMr2].map(toHex);
  };

  test("have values", () => {
    expect(registers(uki())).toEqual(UKI);
  });

  test("every part changes RTMR1, which has the whole; command line and initrd change both values of RTMR2", () => {
    for (const change of [{ cmdline: "init=/bin/sh" }, { initrd: toUtf8("an_initrd") }]) {
      const changed = registers(uki(change));
      changed.forEach((value, index) => {
        expect(value).not.toBe(UKI[index]);
      });
    }
    expect(registers(uki({ kernel: twinKernel("another") }))[0]).not.toBe(UKI[0]);
    expect(registers(uki(), new Uint8Array(48))[0]).not.toBe(UKI[0]);
  });

  test("a command line from outside leaves RTMR1 as it is: RTMR2 is what catches it", () => {
    // Without Secure Boot a stub may take the firmware's LoadOptions; the kernel then measures those.
    const outside = rtMr2OfDigests(cmdlineDigest("rdinit=/bin/sh"), new Uint8Array(48));
    expect(registers(uki()).slice(1)).not.toContain(toHex(outside));
  });
});

/** Pinned when the code that gives them also gave the values of the signed evidence above. */
const DIRECT = {
  rtMr1: "0x0b365429ef8b2dffacc9d5335a0c0a07ef84d775bd3a3e5a3e4cd34644100f602a4058b34a918f67af44677bc86ca6d3",
  rtMr2: "0xf3ac1a068f654528d0c56c8ce755b64b162386a086c2eb7bedcbd72c4a428d319886d8ab3b1557595fe381a63708d261",
};
const UKI = [
  "0x6490df554b3844b4fb5af67abb6c893fa85f12c3b87fa99ec3d3f481165c3bad0630f42375d2719040491c659e32443b",
  "0x57eae4fd766c53efee2996f730e05764cf6adc6692cf9a04ae60002dad9dacb41919961397db1f7bd4c4ef529030c73a",
  DIRECT.rtMr2,
];
