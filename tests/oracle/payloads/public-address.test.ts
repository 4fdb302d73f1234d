import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPublicAddress } from "../../../oracle/payloads/public-address.ts";

describe("a public address", () => {
  test.for(["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450:4001::1"])(
    "is %s",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  test.for([
    ["this host", "0.0.0.0"],
    ["loopback", "127.0.0.1"],
    ["loopback beyond the first", "127.255.255.254"],
    ["private use", "10.1.2.3"],
    ["private use in the middle of its range", "172.31.255.255"],
    ["private use of homes", "192.168.1.1"],
    ["a cloud's metadata server", "169.254.169.254"],
    ["a carrier's own", "100.64.0.1"],
    ["benchmarks", "198.19.255.255"],
    ["documentation", "203.0.113.7"],
    ["multicast", "224.0.0.1"],
    ["reserved", "240.0.0.1"],
    ["broadcast", "255.255.255.255"],
    ["unspecified", "::"],
    ["loopback", "::1"],
    ["loopback as an IPv4-mapped address", "::ffff:127.0.0.1"],
    ["a public one as an IPv4-mapped address", "::ffff:8.8.8.8"],
    ["NAT64 of a private one", "64:ff9b::a00:1"],
    ["6to4 of a private one", "2002:a00:1::"],
    ["Teredo", "2001::1"],
    ["documentation", "2001:db8::1"],
    ["unique local", "fd00::1"],
    ["a metadata server on IPv6", "fd00:ec2::254"],
    ["link-local", "fe80::1"],
    ["of a link", "fe80::1%eth0"],
    ["multicast", "ff02::1"],
  ] as const)("is not %s, %s", ([, address]) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test("is no text that is not an address, and never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(isPublicAddress(`${text}x`)).toBe(false);
      }),
    );
    for (const odd of ["0x7f.1", "2130706433", "127.1", "localhost", "", "1.1.1.1.", " 1.1.1.1"])
      expect(isPublicAddress(odd)).toBe(false);
  });
});
