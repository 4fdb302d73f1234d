/** Which addresses a payload may be fetched from. */

import { BlockList, isIPv4, isIPv6 } from "node:net";
import { SPECIAL_IPV4, SPECIAL_IPV6 } from "../../protocol/special-addresses.ts";

const special = new BlockList();
for (const [network, prefix] of SPECIAL_IPV4) special.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of SPECIAL_IPV6) special.addSubnet(network, prefix, "ipv6");
const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");

/** Whether the text is an address that any host on the internet may have; a name is none. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, "ipv4");
  // A zone ("fe80::1%eth0") is of this link; and a check of it would compare the rest.
  return (
    isIPv6(address) &&
    !address.includes("%") &&
    globalUnicast.check(address, "ipv6") &&
    !special.check(address, "ipv6")
  );
}
