/** Quotes that name their PCK by an encrypted PPID (certification data 3) and bring no chain. */

import { describe, expect, test } from "vitest";
import { createSourceOfFiles } from "../../../attestation/endorsements/files/source-of-files.ts";
import { checksOf } from "../../../attestation/evidence/check-list.ts";
import {
  parseIntelEndorsements,
  type IntelEndorsements,
} from "../../../attestation/intel/intel-endorsements.ts";
import { parseQuote } from "../../../attestation/intel/quote.ts";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import { toPem } from "../../../attestation/x509/pem.ts";
import { joinChain } from "../../../enclave/attesters/simulator/certificate-writer.ts";
import { littleEndian } from "../../../enclave/attesters/simulator/intel-writer.ts";
import { createVendorSource } from "../../../endorsements/vendor-source.ts";
import { concatBytes, fromHex, toUtf8 } from "../../../protocol/bytes.ts";
import type { AdytonError } from "../../../protocol/errors.ts";
import {
  FAKE_TRUST,
  genuinePck,
  KEYS,
  mintFakeIntel,
  NOW,
  type FakeIntel,
} from "../../support/fake-intel.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const PCK = genuinePck();
const CPU_SVN = fromHex(PCK.cpuSvn);

/** Puts an encrypted PPID where a quote of version 4 has its chain. */
function withEncryptedPpid(quote: Bytes, pceSvn = PCK.pceSvn): Bytes {
  const chain = parseQuote(quote).pckChain!;
  const data = concatBytes(
    new Uint8Array(384).fill(0xe5),
    CPU_SVN,
    littleEndian(pceSvn, 2),
    new Uint8Array(2),
  );
  const before = quote.slice(0, chain.byteOffset - 6);
  const shorter = chain.length - data.length;
  const signedBytes = 48 + 584;
  const view = new DataView(before.buffer);
  // The length of the signature data, and of the QE's part in it.
  for (const at of [signedBytes, signedBytes + 4 + 64 + 64 + 2])
    view.setUint32(at, view.getUint32(at, true) - shorter, true);

  return concatBytes(before, littleEndian(3, 2), littleEndian(data.length, 4), data);
}

const chainOf = ({ certificates: { pck, pckCa, root } }: FakeIntel): string => joinChain(pck, pckCa, root);
const judge = async (quote: Bytes, endorsements: IntelEndorsements | undefined) =>
  await verifyTdQuote("tdx", quote, { endorsements, now: NOW, trust: FAKE_TRUST });
const collateralOf = (fake: FakeIntel, chain: string): IntelEndorsements =>
  parseIntelEndorsements({ ...fake.collateral, pck_certificate_chain: chain });

/** Leaves out the chain of a quote of version 4. */
function withoutChain(quote: Bytes, left = new Uint8Array()): Bytes {
  const chain = parseQuote(quote).pckChain!;
  const before = quote.slice(0, chain.byteOffset - 4);
  const view = new DataView(before.buffer);
  const signedBytes = 48 + 584;
  for (const at of [signedBytes, signedBytes + 4 + 64 + 64 + 2])
    view.setUint32(at, view.getUint32(at, true) - chain.length + left.length, true);
  return concatBytes(before, littleEndian(left.length, 4), left);
}

describe("a quote with room for a PCK chain and none in it", () => {
  test.for([
    ["empty", new Uint8Array()],
    ["zeros", new Uint8Array(4)],
  ] as const)("is judged with the chain among the endorsements, and not without: %s", async ([, left]) => {
    const fake = await mintFakeIntel();
    const quote = withoutChain(fake.quote, left);
    expect((await judge(quote, collateralOf(fake, chainOf(fake)))).tcbStatus).toBe("UpToDate");
    expect(await rejectionOf(async () => await judge(quote, fake.endorsements()))).toBe(
      "ENDORSEMENT_UNAVAILABLE",
    );
    const source = createSourceOfFiles([
      { name: "collateral.json", bytes: toUtf8(JSON.stringify(fake.collateral)) },
      { name: "pck.pem", bytes: toUtf8(toPem(fake.certificates.pck)) },
    ]);
    expect((await judge(quote, (await source.find(quote, NOW)).intel)).tcbStatus).toBe("UpToDate");
  });
});

describe("accepts", () => {
  test("a quote whose PCK chain is among the endorsements", async () => {
    const fake = await mintFakeIntel();
    const verified = await judge(withEncryptedPpid(fake.quote), collateralOf(fake, chainOf(fake)));
    const usual = await judge(fake.quote, fake.endorsements());
    expect(verified.claims).toEqual(usual.claims);
    expect(verified.platformId).toBe(usual.platformId);
  });

  test("its PCK certificate as a file beside the collateral", async () => {
    const fake = await mintFakeIntel();
    const quote = withEncryptedPpid(fake.quote);
    const source = createSourceOfFiles([
      { name: "collateral.json", bytes: toUtf8(JSON.stringify(fake.collateral)) },
      { name: "pck.pem", bytes: toUtf8(toPem(fake.certificates.pck)) },
    ]);
    const { intel } = await source.find(quote, NOW);
    expect((await judge(quote, intel)).tcbStatus).toBe("UpToDate");
    // What was learnt about the collateral is kept with it.
    expect((await source.find(quote, NOW)).intel).toBe(intel);
  });
});

describe("cannot judge", () => {
  test("without the chain, and makes the checks that need none", async () => {
    const fake = await mintFakeIntel();
    const error = await judge(withEncryptedPpid(fake.quote), fake.endorsements()).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "ENDORSEMENT_UNAVAILABLE" });
    expect(checksOf(error as AdytonError).map(({ name, ok }) => [name, ok])).toEqual([
      ["quote signature", true],
      ["attestation key binding", true],
      ["PCK certificate", false],
    ]);
  });

  test("with the chain of another TCB, or of another platform", async () => {
    const fake = await mintFakeIntel();
    const other = await mintFakeIntel({ signers: { pck: KEYS.stranger } });
    const chain = collateralOf(fake, chainOf(fake));
    expect(await rejectionOf(async () => await judge(withEncryptedPpid(fake.quote, 9), chain))).toBe(
      "ENDORSEMENT_MISMATCH",
    );
    expect(await rejectionOf(async () => await judge(withEncryptedPpid(other.quote), chain))).toBe(
      "ENDORSEMENT_MISMATCH",
    );
  });

  test("where neither files nor the vendor can have it", async () => {
    const fake = await mintFakeIntel();
    const quote = withEncryptedPpid(fake.quote);
    const files = createSourceOfFiles([{ name: "c.json", bytes: toUtf8(JSON.stringify(fake.collateral)) }]);
    expect(await rejectionOf(async () => await files.find(quote, NOW))).toBe("ENDORSEMENT_UNAVAILABLE");
    expect(await rejectionOf(async () => await createVendorSource().find(quote, NOW))).toBe(
      "ENDORSEMENT_UNAVAILABLE",
    );
  });
});

test("is not genuine without its chain where its own signature is false", async () => {
  const fake = await mintFakeIntel();
  const quote = withEncryptedPpid(fake.quote);
  quote[100]! ^= 1;
  expect(await rejectionOf(async () => await judge(quote, undefined))).toBe("EVIDENCE_SIGNATURE_INVALID");
});
