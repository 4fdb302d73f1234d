/** The image as one EFI program under OVMF, and what a host's own command line does to it (docs/explanation/threat-model.md). */

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha384 } from "../../../image/digest.ts";
import { cmdlineDigest, measureUki, rtMr2OfDigests } from "../../../image/tdx-registers.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { behaviourWithoutModel, buildImage, imageOperator, ROOT } from "../support/built-image.ts";
import { fwCfg, HAS_QEMU, startMachine, WITHOUT_QEMU } from "../support/machine.ts";

const FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd";
const canBoot = HAS_QEMU && existsSync(FIRMWARE);
/** Of Debian's gdisk, dosfstools and mtools. */
const TOOLS = "/usr/sbin:/sbin:/usr/bin:/bin";
const HAS_DISK_TOOLS = ["sgdisk", "mkfs.vfat", "mcopy"].every(
  (tool) => spawnSync("sh", ["-c", `command -v ${tool}`], { env: { PATH: TOOLS } }).status === 0,
);
if (!canBoot) process.stderr.write(`${HAS_QEMU ? "SKIPPED: no OVMF on this machine" : WITHOUT_QEMU}\n`);

const folder = mkdtempSync(join(tmpdir(), "adyton-uki-"));
const operator = join(folder, "operator.json");
let image: string;

/** Megabytes: the firmware keeps the program and its parts in memory at once. */
const MEMORY_MB = 1_024;

function firmware(): readonly string[] {
  const variables = join(folder, `variables-${Math.round(performance.now())}.fd`);
  copyFileSync(VARIABLES, variables);
  const flash = (unit: number, file: string, readOnly: string): readonly string[] => [
    "-drive",
    `if=pflash,format=raw,unit=${unit},readonly=${readOnly},file=${file}`,
  ];
  return [...flash(0, FIRMWARE, "on"), ...flash(1, variables, "off")];
}

describe.skipIf(!canBoot)("the image as one EFI program", () => {
  beforeAll(async () => {
    const behaviour = await behaviourWithoutModel();
    image = await buildImage({ out: join(folder, "image"), behaviour });
    writeFileSync(operator, JSON.stringify(imageOperator({ kind: "configfs-tsm" })));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("starts from a disk with an EFI system partition", async () => {
    mkdirSync(join(folder, "esp/EFI/BOOT"), { recursive: true });
    copyFileSync(join(image, "adyton.efi"), join(folder, "esp/EFI/BOOT/BOOTX64.EFI"));
    const disk = ["-drive", `file=fat:rw:${join(folder, "esp")},format=raw,if=virtio`];
    const options = { boot: [...firmware(), ...disk], devices: fwCfg(operator), memoryMb: MEMORY_MB };
    await using machine = await startMachine(options);
    await machine.line("starting the enclave");
    // Without a TEE this operator's choice of evidence cannot be had.
    await machine.line("the kernel has no configfs-tsm");
  });

  test.skipIf(!HAS_DISK_TOOLS)(
    "starts from the disk that is written for Google Cloud, which is the same each time",
    async () => {
      const write = (name: string, zone: string): string => {
        const disk = join(folder, name);
        const script = join(ROOT, "enclave/deploy/gcp/write-disk.sh");
        const { status, stderr } = spawnSync("sh", [script, image, disk], { env: { PATH: TOOLS, TZ: zone } });
        expect(stderr.toString()).toBe("");
        expect(status).toBe(0);
        return disk;
      };
      const disk = write("disk.raw", "Asia/Tokyo");
      const again = write("again.raw", "UTC");
      expect(spawnSync("cmp", [disk, again]).status).toBe(0);
      const boot = [...firmware(), "-drive", `file=${disk},format=raw,if=virtio`];
      await using machine = await startMachine({ boot, devices: fwCfg(operator), memoryMb: MEMORY_MB });
      await machine.line("starting the enclave");
    },
  );

  test("outside a confidential machine a host's command line replaces its own: RTMR2 shows it, RTMR1 does not", async () => {
    const attack = "console=ttyS0 panic=-1 rdinit=/usr/bin/node -- --eval console.log(`HOST`+`-CODE`)";
    const kernel = ["-kernel", join(image, "adyton.efi"), "-append", attack];
    await using machine = await startMachine({ boot: [...firmware(), ...kernel], memoryMb: MEMORY_MB });
    await machine.line("HOST-CODE");
    const { rtMr2 } = measureUki(readFileSync(join(image, "adyton.efi")), null);
    const attacked = rtMr2OfDigests(cmdlineDigest(attack), sha384(readFileSync(join(image, "initrd.zst"))));
    expect(rtMr2.map(toHex)).not.toContain(toHex(attacked));
  });
});
