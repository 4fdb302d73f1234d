import { describe, expect, test } from "vitest";
import { sha256 } from "../../image/digest.ts";
import { checksKernelHashes, snpLaunchDigest, type SnpMachine } from "../../image/snp-launch-digest.ts";
import { readSnpFirmware } from "../../image/snp-firmware.ts";
import { PROCESSOR_SIGNATURES, type Hypervisor } from "../../image/snp-save-area.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { HAS_IMAGE_VECTORS, twinSnpFirmware, vector, WITHOUT_IMAGE_VECTORS } from "./support/vectors.ts";

if (!HAS_IMAGE_VECTORS) process.stderr.write(`${WITHOUT_IMAGE_VECTORS}\n`);

const EMPTY = sha256();
const EPYC_V4 = 0x800f12;

interface Case {
  readonly firmware: "AmdSev" | "OvmfX64";
  readonly processors?: number;
  readonly signature?: number;
  readonly features: bigint;
  readonly hypervisor: Hypervisor;
  /** null: no kernel hashes. */
  readonly cmdline: string | null;
}

function measure({
  firmware,
  processors = 1,
  signature = EPYC_V4,
  features,
  hypervisor,
  cmdline,
}: Case): string {
  const boot = cmdline === null ? null : { kernel: EMPTY, initrd: EMPTY, cmdline };
  const file = readSnpFirmware(vector(`image/ovmf_${firmware}_suffix.bin`));
  const machine = { firmware: file, processors, signature, features, hypervisor, boot };
  return toHex(snpLaunchDigest(machine)).slice(2);
}

describe.skipIf(!HAS_IMAGE_VECTORS)("the launch digests of virtee/sev-snp-measure's tests", () => {
  const LOGGING = "console=ttyS0 loglevel=7";
  test.for<[Case, string]>([
    [
      { firmware: "AmdSev", features: 0x21n, hypervisor: "qemu", cmdline: "" },
      "329c8ce0972ae52343b64d34a434a86f245dfd74f5ed7aae15d22efc78fb9683632b9b50e4e1d7fa41179ef98a7ef198",
    ],
    [
      { firmware: "AmdSev", features: 0x1n, hypervisor: "qemu", cmdline: "" },
      "ddc5224521617a536ee7ce9dd6224d1b58a8d4fda1c741f3ac99fc4bfa04ba6e9fc98646d4a07a9079397fa3852819b5",
    ],
    [
      { firmware: "AmdSev", features: 0x21n, hypervisor: "qemu", cmdline: LOGGING },
      "803f691094946e42068aaa3a8f9e26a5c89f36f7b73ecfb28c653360fe4b3aba7e534442e7e1e17895dfe778d0228977",
    ],
    [
      { firmware: "AmdSev", features: 0x1n, hypervisor: "qemu", cmdline: LOGGING },
      "6d287813eb5222d770f75005c664e34c204f385ce832cc2ce7d0d6f354454362f390ef83a92046c042e706363b4b08fa",
    ],
    [
      { firmware: "AmdSev", features: 0x21n, hypervisor: "ec2", cmdline: "" },
      "0ce9ccc06bab55eebe8abc234f3df6514883977a68a591b71052498ab52b2f1aa415db338033946ef93aa8278c0d67fb",
    ],
    [
      { firmware: "AmdSev", features: 0x1n, hypervisor: "ec2", cmdline: "" },
      "0883bd0eeb716e65b7b977a321c278d1e51b33b5c655fab985443bbcc65c086b9c15e8a0bd8811050dec7e24964e5056",
    ],
    [
      { firmware: "AmdSev", signature: 0, features: 0x1n, hypervisor: "gce", cmdline: "" },
      "5da7106cf14cf46b1725ebab123eb9e53bd46a1e9f400cd0c08e7827b04b688ea8b4e403c8404efed4397ea5d5d0722e",
    ],
    [
      { firmware: "AmdSev", processors: 4, signature: 0, features: 0x1n, hypervisor: "gce", cmdline: "" },
      "5c5debf100fc339f90276e761ee1f1658d08922c3b20e2a2e6c7a6c3370b2452a15a00eae11886a93d6fd1e7ab81e29d",
    ],
    [
      { firmware: "AmdSev", features: 0x21n, hypervisor: "qemu", cmdline: null },
      "e1e1ca029dd7973ab9513295be68198472dcd4fc834bd9af9b63f6e8a1674dbf281a9278a4a2ebe0eed9f22adbcd0e2b",
    ],
    [
      { firmware: "AmdSev", processors: 4, features: 0x21n, hypervisor: "qemu", cmdline: "" },
      "4953b1fb416fa874980e8442b3706d345926d5f38879134e00813c5d7abcbe78eafe7b422907be0b4698e2414a631942",
    ],
    [
      { firmware: "OvmfX64", features: 0x21n, hypervisor: "qemu", cmdline: null },
      "28797ae0afaba4005a81e629acebfb59e6687949d6be44007cd5506823b0dd66f146aaae26ff291eed7b493d8a64c385",
    ],
  ])("%o", ([input, expected]) => {
    expect(measure(input)).toBe(expected);
  });

  test("refuses their firmware without kernel hashes when there is a kernel", () => {
    const input = { firmware: "OvmfX64", features: 0x21n, hypervisor: "qemu", cmdline: "" } as const;
    expect(() => measure(input)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
    expect(() => measure(input)).toThrow("does not check kernel hashes");
  });
});

interface DstackDocument {
  readonly base_cmdline: string;
  readonly ovmf_hash: string;
  readonly kernel_hash: string;
  readonly initrd_hash: string;
  readonly sev_hashes_table_gpa: number;
  readonly sev_es_reset_eip: number;
  readonly vcpus: number;
  readonly guest_features: number;
  readonly ovmf_sections: readonly {
    readonly gpa: number;
    readonly size: number;
    readonly section_type: number;
  }[];
}

test.skipIf(!HAS_IMAGE_VECTORS)(
  "equals the measurement in a report that AMD's hardware signed (dstack)",
  () => {
    const text = Buffer.from(vector("image/dstack_sev-measurement-doc.json")).toString();
    const document = JSON.parse(text) as DstackDocument;
    const measured = snpLaunchDigest({
      firmware: {
        digest: fromHex(`0x${document.ovmf_hash}`),
        sections: document.ovmf_sections.map(({ gpa, size, section_type: type }) => ({ gpa, size, type })),
        hashTable: document.sev_hashes_table_gpa,
        resetEip: document.sev_es_reset_eip,
      },
      processors: document.vcpus,
      signature: PROCESSOR_SIGNATURES["EPYC-v4"] ?? 0,
      features: BigInt(document.guest_features),
      hypervisor: "qemu",
      boot: {
        kernel: fromHex(`0x${document.kernel_hash}`),
        initrd: fromHex(`0x${document.initrd_hash}`),
        cmdline: document.base_cmdline,
      },
    });
    expect(toHex(measured)).toBe(
      "0x7f51e17f72a04d5422cb2c00998166536019a217376f3aa45a630e59c805a599847ff250dbffcd07e1ba639771d6f05d",
    );
  },
);

describe("a firmware and files of our own", () => {
  const machine: SnpMachine = {
    firmware: readSnpFirmware(twinSnpFirmware()),
    processors: 2,
    signature: EPYC_V4,
    features: 1n,
    hypervisor: "qemu",
    boot: { kernel: sha256(Uint8Array.of(1)), initrd: sha256(Uint8Array.of(2)), cmdline: "panic=-1" },
  };
  const of = (change: Partial<SnpMachine>): string => toHex(snpLaunchDigest({ ...machine, ...change }));

  test("have a measurement", () => {
    expect(of({})).toBe(TWIN);
  });

  test.for<[string, Partial<SnpMachine>]>([
    ["another firmware", { firmware: readSnpFirmware(twinSnpFirmware({ fill: 0xa6 })) }],
    ["another number of processors", { processors: 3 }],
    ["another model of processor", { signature: PROCESSOR_SIGNATURES["EPYC-Milan"] ?? 0 }],
    ["another feature of SEV", { features: 0x21n }],
    ["another hypervisor", { hypervisor: "ec2" }],
    ["another kernel", { boot: { ...machine.boot!, kernel: EMPTY } }],
    ["another initrd", { boot: { ...machine.boot!, initrd: EMPTY } }],
    [
      "kernel and initrd changed about",
      { boot: { ...machine.boot!, kernel: machine.boot!.initrd, initrd: machine.boot!.kernel } },
    ],
    ["another command line", { boot: { ...machine.boot!, cmdline: "panic=-1 " } }],
    ["no kernel hashes", { boot: null }],
  ])("have another one with %s", ([, change]) => {
    expect(of(change)).not.toBe(of({}));
  });

  test("are refused where the firmware would start any kernel", () => {
    const firmware = readSnpFirmware(twinSnpFirmware({ sections: [[0x800000, 0x1000, 1]] }));
    expect(checksKernelHashes(firmware)).toBe(false);
    expect(() => of({ firmware })).toThrow("AmdSev");
  });

  test("are refused with a section that is not known", () => {
    const firmware = readSnpFirmware(
      twinSnpFirmware({
        sections: [
          [0x800000, 0x1000, 9],
          [0x810000, 0x1000, 0x10],
        ],
      }),
    );
    expect(() => of({ firmware })).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });

  test("a firmware that is cut, or changed at any byte of its tables, gives another layout or INPUT_INVALID, and nothing else", () => {
    const whole = twinSnpFirmware();
    for (let at = whole.length - 32 - 18 - 66; at < whole.length; at += 1) {
      const changed = new Uint8Array(whole);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      try {
        readSnpFirmware(changed);
      } catch (error) {
        expect(error).toMatchObject({ code: "INPUT_INVALID" });
      }
    }
    for (const length of [0, 1, 4095, 4096, 8191]) {
      expect(() => readSnpFirmware(whole.subarray(0, length))).toThrow(
        expect.objectContaining({ code: "INPUT_INVALID" }),
      );
    }
  });
});

const TWIN =
  "0xf2fd17f2eb2bed2654b9eebac818695a3f1f2ca468a2a6917ecebdce628add9d08f955473fdf5b65445abb5990810bb2";
