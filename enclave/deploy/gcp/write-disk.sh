#!/bin/sh
# write-disk.sh IMAGE DISK: a disk with one EFI system partition that holds adyton.efi and nothing else. The firmware measures the
# partition table (RTMR1): its identifiers are fixed, and the same image gives the same disk. Needs gdisk, dosfstools and mtools.
set -eu
image=$1 disk=$2
rm -f "$disk"
truncate -s 1G "$disk"
sgdisk --disk-guid=a0000000-0000-4000-8000-000000000001 --new=1:2048:2095103 --typecode=1:ef00 \
  --partition-guid=1:a0000000-0000-4000-8000-000000000002 --change-name=1:adyton "$disk" >/dev/null
# Sectors of 512 bytes from 2048 on; the size is in KiB.
mkfs.vfat -F 32 --invariant --offset=2048 "$disk" 1046528 >/dev/null 2>&1
# mtools writes times: those of this moment would be another disk each time.
export SOURCE_DATE_EPOCH=315532800 TZ=UTC MTOOLS_SKIP_CHECK=1
mmd -i "$disk@@1M" ::/EFI ::/EFI/BOOT
mcopy -i "$disk@@1M" "$image/adyton.efi" ::/EFI/BOOT/BOOTX64.EFI
