#!/bin/sh
# start.sh IMAGE OPERATOR [CPUS [MEGABYTES]]: adyton.eif on an EC2 instance with Nitro enclaves, its ways out and in beside it until
# Ctrl-C. Wants nitro-cli and vsock-proxy of AWS, and socat. What may be reached is in IMAGE/nitro-proxy.yaml; the order of its lines
# is that of the ports.
set -eu
image=$1 operator=$2 cpus=${3:-2} memory=${4:-1024}
cid=16 port=20000 started=
trap 'kill $started 2>/dev/null || true' EXIT
while IFS= read -r line; do
  case $line in "- {address: "*) ;; *) continue ;; esac
  host=${line#*address: } to=${line##*port: }
  vsock-proxy "$port" "${host%%,*}" "${to%\}}" --config "$image/nitro-proxy.yaml" -w 64 &
  started="$started $!" port=$((port + 1))
done < "$image/nitro-proxy.yaml"
nitro-cli run-enclave --eif-path "$image/adyton.eif" --cpu-count "$cpus" --memory "$memory" --enclave-cid "$cid"
socat -u "FILE:$operator" "VSOCK-CONNECT:$cid:7000,retry=30,interval=1"
socat TCP-LISTEN:8443,fork,reuseaddr "VSOCK-CONNECT:$cid:8443"
