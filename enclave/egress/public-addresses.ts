/**
 * Addresses that a program may reach: those of the public Internet. Everything else is refused, before the connection and on the
 * connected socket: IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890 and successors), and IPv6 forms that carry an
 * IPv4 address inside.
 */

import { lookup } from "node:dns";
import { BlockList, isIP, isIPv4, type LookupFunction } from "node:net";
import { UpstreamError } from "../../protocol/errors.ts";
import { SPECIAL_IPV4, SPECIAL_IPV6 } from "../../protocol/special-addresses.ts";

const special = new BlockList();
for (const [network, prefix] of SPECIAL_IPV4) special.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of SPECIAL_IPV6) special.addSubnet(network, prefix, "ipv6");
const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");

/** Whether `address` is an IP address of the public Internet. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || address.includes("%")) return false;
  if (isIPv4(address)) return !special.check(address, "ipv4");
  return globalUnicast.check(address, "ipv6") && !special.check(address, "ipv6");
}

/** @throws {UpstreamError} MODEL_TLS_REFUSED */
export function checkPublicAddress(address: string | undefined): void {
  if (address !== undefined && isPublicAddress(address)) return;
  throw new UpstreamError({
    code: "MODEL_TLS_REFUSED",
    message: "the host's address is not one of the public Internet",
  });
}

/** As `dns.lookup`, with every address left out that `isPublicAddress` refuses. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, "", 0);
      return;
    }
    const reachable = addresses.filter(({ address }) => isPublicAddress(address));
    const [first] = reachable;
    if (first === undefined)
      callback(Object.assign(new Error("no public address"), { code: "EACCES" }), "", 0);
    else if (options.all === true) callback(null, reachable);
    else callback(null, first.address, first.family);
  });
};
