#!/bin/sh
# start.sh IMAGE OPERATOR [PORT]: the image in a virtual machine without a TEE, by direct boot, for tests and demonstrations. The
# operator's file has to name the simulator. Ends with Ctrl-C.
set -eu
image=$1 operator=$2 port=${3:-8443}
accelerator=tcg
[ -w /dev/kvm ] && accelerator=kvm
exec qemu-system-x86_64 -machine q35 -accel "$accelerator" -cpu max -smp 1 -m 512 -nodefaults -display none -serial stdio -no-reboot \
  -kernel "$image/vmlinuz" -initrd "$image/initrd.zst" -append "$(cat "$image/cmdline")" \
  -fw_cfg "name=opt/org.adyton.operator,file=$operator" -device virtio-rng-pci \
  -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:8443" -device virtio-net-pci,netdev=net,romfile=
