/** A platform's measurement of an image: each of its registers, or in words that one is not pinned. */

import { parseCcel } from "../../attestation/eventlog/ccel.ts";
import { replayRtmrs } from "../../attestation/eventlog/rtmr.ts";
import { sha256 } from "../../image/digest.ts";
import { readEif } from "../../image/eif.ts";
import { gptEventDigest } from "../../image/gpt.ts";
import { nitroPcrs } from "../../image/nitro-pcrs.ts";
import { nitroTpmPcrs } from "../../image/nitro-tpm.ts";
import { readSnpFirmware } from "../../image/snp-firmware.ts";
import { snpLaunchDigest } from "../../image/snp-launch-digest.ts";
import { PROCESSOR_SIGNATURES, type Hypervisor } from "../../image/snp-save-area.ts";
import { mrTd, type PageOrder } from "../../image/tdx-mrtd.ts";
import {
  measureDirectBoot,
  measureUki,
  type KernelForm,
  type TdxRegisters,
} from "../../image/tdx-registers.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { readInput } from "../input-file.ts";
import { readBootFiles, readImageFile, readStart } from "./image-files.ts";

export const PLATFORMS = ["tdx", "tdx-uki", "snp", "nitro", "nitro-tpm"] as const;
export type Platform = (typeof PLATFORMS)[number];

/** `any`: whoever starts the machine decides, and the operator of the policy said that this is accepted. */
export type Register = readonly Hex[] | "any";

export interface Measurement {
  readonly platform: Platform;
  /** By the name that the vendor gives it. */
  readonly registers: Readonly<Record<string, Register>>;
}

export interface MeasureOptions {
  readonly firmware?: string;
  readonly mrtd?: string;
  readonly rtmr0?: string;
  readonly eventLog?: string;
  readonly disk?: string;
  readonly memory?: string;
  readonly kernelForm?: string;
  readonly pageOrder?: string;
  readonly vcpus?: string;
  readonly cpuModel?: string;
  readonly hypervisor?: string;
  readonly features?: string;
}

/** @throws {InputError} naming the option that is missing: either every register that matters is given, or none */
export function measureImage(platform: Platform, folder: string, options: MeasureOptions): Measurement {
  return prepareMeasurement(platform, options)(folder);
}

/**
 * How to measure a folder, once it is there: an image that takes minutes to build is not begun for options that measure none.
 *
 * @throws {InputError} as `measureImage`
 */
export function prepareMeasurement(
  platform: Platform,
  options: MeasureOptions,
): (folder: string) => Measurement {
  switch (platform) {
    case "tdx": {
      const memoryBytes = megabytes(options.memory ?? "4096");
      const form = choice("--kernel-form", options.kernelForm ?? "patched", ["patched", "file"]);
      const kernelForm: KernelForm = form === "file" ? "as the file" : "patched";
      const fixed = fixedTdx(options);
      return (folder) =>
        tdx(platform, fixed, measureDirectBoot(readBootFiles(folder), kernelForm, { memoryBytes }));
    }
    case "tdx-uki": {
      const event = gptEvent(options);
      const fixed = fixedTdx(options);
      return (folder) => tdx(platform, fixed, measureUki(readImageFile(folder, "adyton.efi"), event));
    }
    case "snp": {
      const measure = prepareSnp(options);
      return (folder) => ({ platform, registers: { MEASUREMENT: [measure(folder)] } });
    }
    case "nitro":
      return (folder) => {
        const { pcr0, pcr1, pcr2 } = nitroPcrs(readEif(readImageFile(folder, "adyton.eif")));
        return { platform, registers: { PCR0: [toHex(pcr0)], PCR1: [toHex(pcr1)], PCR2: [toHex(pcr2)] } };
      };
    case "nitro-tpm":
      return (folder) => {
        const { pcr4, pcr7, pcr12 } = nitroTpmPcrs(readImageFile(folder, "adyton.efi"));
        return { platform, registers: { PCR4: [toHex(pcr4)], PCR7: [toHex(pcr7)], PCR12: [toHex(pcr12)] } };
      };
  }
}

/** What no file of the image has. */
interface FixedTdx {
  readonly MRTD: Register;
  readonly RTMR0: Register;
}

function fixedTdx(options: MeasureOptions): FixedTdx {
  return { MRTD: [mrTdOf(options)], RTMR0: rtMr0Of(options) };
}

/**
 * RTMR1 without RTMR2 says nothing of the command line and the initrd, and neither says anything without MRTD, whose code measures
 * them: all together, or nothing.
 */
function tdx(platform: Platform, fixed: FixedTdx, { rtMr1, rtMr2 }: TdxRegisters): Measurement {
  const registers = { ...fixed, RTMR1: [toHex(rtMr1)], RTMR2: rtMr2.map(toHex) };
  return { platform, registers: { ...registers, RTMR3: [toHex(new Uint8Array(48))] } };
}

function mrTdOf({ firmware, mrtd, pageOrder = "page" }: MeasureOptions): Hex {
  if (firmware !== undefined) {
    const orders = { page: "page by page", batch: "add, then extend" } as const satisfies Record<
      string,
      PageOrder
    >;
    const order = choice("--page-order", pageOrder, ["page", "batch"]);
    return toHex(mrTd(readInput(firmware), orders[order]));
  }
  if (mrtd !== undefined) return register("--mrtd", mrtd);
  throw usage(
    "MRTD is the firmware's: give the firmware that the host starts (--firmware FILE), or the value that its vendor signed (--mrtd HEX)",
  );
}

function rtMr0Of({ rtmr0, eventLog }: MeasureOptions): Register {
  if (rtmr0 === "any") return "any";
  if (rtmr0 !== undefined) return [register("--rtmr0", rtmr0)];
  if (eventLog !== undefined) {
    const [value] = replayRtmrs(parseCcel(readInput(eventLog)));
    return [toHex(value ?? new Uint8Array(48))];
  }
  throw usage(
    "RTMR0 holds the virtual machine's configuration, ACPI tables among it, which no file of the image has: give the event log of a machine " +
      "that you looked at (--event-log FILE), its value (--rtmr0 HEX), or accept the host's configuration in words (--rtmr0 any)",
  );
}

/** Bytes at the start of a disk in which its partition table is. */
const TABLE_BYTES = 1024 * 1024;
/** TCG PC Client Platform Firmware Profile §10.4.1: EV_EFI_GPT_EVENT. */
const EV_EFI_GPT_EVENT = 0x8000_0006;

/** Of the disk from which the firmware takes the image: from the disk itself, or as a log of its firmware has it. */
function gptEvent({ eventLog, disk }: MeasureOptions): Uint8Array | null {
  if (disk !== undefined) return gptEventDigest(readStart(disk, TABLE_BYTES));
  if (eventLog === undefined) return null;
  return parseCcel(readInput(eventLog)).find(({ type }) => type === EV_EFI_GPT_EVENT)?.digest ?? null;
}

function prepareSnp(options: MeasureOptions): (folder: string) => Hex {
  const { firmware: file, vcpus, cpuModel = "EPYC-v4", features = "0x1" } = options;
  if (file === undefined) throw usage("give the firmware that the host starts: --firmware FILE");
  if (vcpus === undefined) throw usage("each processor is measured: give their number, --vcpus N");
  const signature = PROCESSOR_SIGNATURES[cpuModel];
  if (signature === undefined)
    throw usage(`--cpu-model wants one of ${Object.keys(PROCESSOR_SIGNATURES).join(", ")}, not ${cpuModel}`);
  const hypervisors: readonly Hypervisor[] = ["qemu", "ec2", "gce"];
  const host = {
    firmware: readSnpFirmware(readInput(file)),
    processors: count("--vcpus", vcpus, 512),
    signature,
    features: flags(features),
    hypervisor: choice("--hypervisor", options.hypervisor ?? "qemu", hypervisors),
  };
  return (folder) => {
    const { kernel, initrd, cmdline } = readBootFiles(folder);
    const boot = { kernel: sha256(kernel), initrd: sha256(initrd), cmdline };
    return toHex(snpLaunchDigest({ ...host, boot }));
  };
}

function choice<Name extends string>(option: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw usage(`${option} wants one of ${names.join(", ")}, not ${text}`);
  return found;
}

function count(option: string, text: string, most: number): number {
  const number = /^[1-9]\d*$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > most) throw usage(`${option} wants a number from 1 to ${most}, not ${text}`);
  return number;
}

function megabytes(text: string): number {
  return count("--memory", text, 16 * 1024 * 1024) * 1024 * 1024;
}

function flags(text: string): bigint {
  if (!/^0x[0-9a-f]{1,16}$/.test(text)) throw usage(`--features wants hex such as 0x1, not ${text}`);
  return BigInt(text);
}

function register(option: string, text: string): Hex {
  const hex = text.toLowerCase().replace(/^0x/, "");
  if (!/^[0-9a-f]{96}$/.test(hex)) throw usage(`${option} wants the 48 bytes of a register in hex`);
  return `0x${hex}`;
}

function usage(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
