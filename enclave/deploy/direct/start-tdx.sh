#!/bin/sh
# start-tdx.sh IMAGE FIRMWARE OPERATOR: a TDX machine by direct boot on a host of one's own (QEMU 9.1 or later, Linux 6.16 or
# later as host). `adyton image measure IMAGE --platform tdx --firmware FIRMWARE --memory 4096` has the same values only for these
# options.
set -eu
image=$1 firmware=$2 operator=$3
exec qemu-system-x86_64 -accel kvm -cpu host -smp 2 -m 4096 -nodefaults -display none -serial stdio -no-reboot \
  -object '{"qom-type":"tdx-guest","id":"tdx","quote-generation-socket":{"type":"vsock","cid":"2","port":"4050"}}' \
  -machine q35,kernel-irqchip=split,confidential-guest-support=tdx,smm=off -bios "$firmware" \
  -kernel "$image/vmlinuz" -initrd "$image/initrd.zst" -append "$(cat "$image/cmdline")" \
  -fw_cfg "name=opt/org.adyton.operator,file=$operator" \
  -netdev user,id=net,hostfwd=tcp::8443-:8443 -device virtio-net-pci,netdev=net,romfile=
