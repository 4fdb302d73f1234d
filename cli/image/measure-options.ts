import type { Command } from "commander";

/** The options that decide a measurement besides the image: the same options for `image measure` and `verify --from-source`. */
export function withMeasureOptions(command: Command): Command {
  return command
    .option("--firmware <file>", "the firmware that the host starts (tdx, snp)")
    .option("--mrtd <hex>", "MRTD, where the vendor gives it and not the firmware (tdx)")
    .option("--rtmr0 <hex>", "RTMR0, or: any (tdx)")
    .option(
      "--event-log <file>",
      "the firmware's log of such a machine, for RTMR0 and, without --disk, the disk's table (tdx)",
    )
    .option("--disk <file>", "the disk that holds adyton.efi, for its partition table (tdx-uki)")
    .option("--memory <megabytes>", "memory of the machine (tdx; 4096 where not given)")
    .option("--kernel-form <form>", "patched by QEMU, or as the file has it: patched, file (tdx)")
    .option("--page-order <order>", "how the host adds the firmware's pages: page, or batch for QEMU 8 (tdx)")
    .option("--vcpus <count>", "processors (snp)")
    .option("--cpu-model <name>", "QEMU's processor model (snp; EPYC-v4 where not given)")
    .option("--hypervisor <name>", "qemu, ec2 or gce (snp)")
    .option("--features <hex>", "SEV_FEATURES (snp; 0x1 where not given)")
    .option("--behaviour <file>", "the image's behaviour file");
}
