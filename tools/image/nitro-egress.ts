/**
 * Which hosts an enclave of AWS Nitro reaches, and how: it has no network, so that each host of the behaviour file has an address of
 * the loopback and a port of the parent's vsock, where one proxy of AWS's for this host listens (enclave/init/nitro.c).
 */

import { isIP } from "node:net";
import type { Behaviour } from "../../enclave/configuration/behaviour.ts";
import { BuildError } from "./run.ts";

/** As enclave/init/nitro.c has them. */
const EGRESS_PORT = 20_000;
const MAX_EGRESS = 32;

export interface EgressHost {
  readonly host: string;
  readonly port: number;
  /** Of the parent's vsock. */
  readonly vsockPort: number;
}

/**
 * Those that the behaviour file names: providers, clocks, and who endorses providers' evidence. Addresses instead of names are left
 * out: nothing can lead them to the parent. So are servers beside the enclave.
 *
 * @throws {BuildError} for more hosts than an image takes
 */
export function nitroEgress({ providers, time }: Behaviour): readonly EgressHost[] {
  const urls = Object.values(providers).flatMap(({ baseUrl, attestation }) => [
    baseUrl,
    ...Object.values(attestation?.endorsements ?? {}),
  ]);
  if (time.source === "hosts") urls.push(...time.urls);
  const named = urls
    .flatMap((url) => (url === null ? [] : [new URL(url)]))
    .filter(
      ({ protocol, hostname }) => protocol === "https:" && isIP(hostname.replace(/^\[|\]$/gu, "")) === 0,
    )
    .map(({ hostname, port }) => `${hostname} ${port === "" ? "443" : port}`);
  const hosts = [...new Set(named)].sort();
  if (hosts.length > MAX_EGRESS) {
    throw new BuildError(
      `--behaviour names ${hosts.length} hosts, and an enclave of Nitro reaches ${MAX_EGRESS}`,
    );
  }
  return hosts.map((entry, index) => {
    const [host = "", port = ""] = entry.split(" ");
    return { host, port: Number(port), vsockPort: EGRESS_PORT + index };
  });
}

/** What AWS's vsock-proxy lets through: its file, which `nitro/start.sh` reads as well. */
export function proxyAllowList(hosts: readonly EgressHost[]): string {
  const lines = hosts.map(({ host, port }) => `- {address: ${host}, port: ${port}}\n`);
  return lines.length === 0 ? "allowlist: []\n" : `allowlist:\n${lines.join("")}`;
}
