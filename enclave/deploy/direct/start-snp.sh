#!/bin/sh
# start-snp.sh IMAGE FIRMWARE OPERATOR: an SEV-SNP machine by direct boot on a host of one's own (QEMU 9.1 or later, Linux 6.11 or
# later as host). FIRMWARE is an AmdSev build of OVMF; without kernel-hashes=on the measurement would cover the firmware alone.
# `adyton image measure IMAGE --platform snp --firmware FIRMWARE --vcpus 2 --cpu-model EPYC-v4` has the same value only for these
# options.
set -eu
image=$1 firmware=$2 operator=$3
exec qemu-system-x86_64 -accel kvm -cpu EPYC-v4 -smp 2 -m 4096 -nodefaults -display none -serial stdio -no-reboot \
  -object memory-backend-memfd,id=ram,size=4096M,share=true,prealloc=false \
  -object sev-snp-guest,id=snp,cbitpos=51,reduced-phys-bits=1,policy=0x30000,kernel-hashes=on \
  -machine q35,confidential-guest-support=snp,memory-backend=ram -bios "$firmware" \
  -kernel "$image/vmlinuz" -initrd "$image/initrd.zst" -append "$(cat "$image/cmdline")" \
  -fw_cfg "name=opt/org.adyton.operator,file=$operator" \
  -netdev user,id=net,hostfwd=tcp::8443-:8443 -device virtio-net-pci,netdev=net,romfile=
