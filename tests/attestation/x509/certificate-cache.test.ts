import { expect, test } from "vitest";
import { createCertificateCache } from "../../../attestation/x509/certificate-cache.ts";
import { mintAmdWorld } from "../../support/fake-amd.ts";

test("gives the kept object for the same bytes, and a new one for others", async () => {
  const { ask, ark } = await mintAmdWorld();
  const cache = createCertificateCache(2);
  const kept = cache.parse(ask);
  expect(cache.parse(ask)).not.toBe(kept);
  cache.keep([kept]);
  expect(cache.parse(new Uint8Array(ask))).toBe(kept);
  expect(cache.parse(ark).label).toBe("ARK-Milan");
});

test("keeps no more than its limit, and forgets the oldest first", async () => {
  const { ask, ark, leaf } = await mintAmdWorld();
  const cache = createCertificateCache(2);
  const certificates = [ask, ark, leaf].map(cache.parse);
  cache.keep(certificates);
  expect([ask, ark, leaf].map((der, index) => cache.parse(der) === certificates[index])).toEqual([
    false,
    true,
    true,
  ]);
});
