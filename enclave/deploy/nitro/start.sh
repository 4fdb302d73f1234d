#!/bin/sh
# A Nitro enclave has no network: each server of the behaviour file gets a loopback address and a vsock port of the parent's.
# The parent's proxies are the host's, like any network; TLS ends behind them.
set -eu
# Keys and prompts are in memory: none of it is written out.
ulimit -c 0
ip link set lo up
forward() { # HOST ADDRESS TCP_PORT VSOCK_PORT
  echo "$2 $1" >> /etc/hosts
  socat "TCP-LISTEN:$3,bind=$2,fork,reuseaddr" "VSOCK-CONNECT:3:$4" &
}
{{FORWARDS}}
socat VSOCK-LISTEN:8443,fork,reuseaddr TCP:127.0.0.1:8443 &
exec /usr/bin/env -i /usr/local/bin/node --disable-sigusr1 --max-semi-space-size=8 /adyton/enclave.mjs --behaviour /adyton/behaviour.json --operator /adyton/operator/operator.json
