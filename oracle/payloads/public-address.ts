import { BlockList, isIPv4, isIPv6 } from "node:net";

/**
 * Addresses that are not of the public internet: IANA's special-purpose registries (RFC 6890), multicast, and IPv6
 * prefixes that carry an IPv4 address of somebody else's choice (mapped, translated, tunnelled).
 */
const SPECIAL_IPV4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;

/** Global unicast is 2000::/3 (RFC 4291 §2.4); within it these are not. */
const SPECIAL_IPV6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["2620:4f:8000::", 48],
  ["3fff::", 20],
] as const;

const special = new BlockList();
for (const [network, prefix] of SPECIAL_IPV4) special.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of SPECIAL_IPV6) special.addSubnet(network, prefix, "ipv6");
const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");

/** Whether the text is an address that any host on the internet may have; a name is none. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) {
    return !special.check(address, "ipv4");
  }
  // A zone ("fe80::1%eth0") is of this link; and a check of it would compare the rest.
  return (
    isIPv6(address) &&
    !address.includes("%") &&
    globalUnicast.check(address, "ipv6") &&
    !special.check(address, "ipv6")
  );
}
