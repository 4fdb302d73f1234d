import { describe, expect, test } from "vitest";
import { parseCertificate, type Certificate } from "../../../attestation/x509/certificate.ts";
import { verifyPath, type PathOptions } from "../../../attestation/x509/path.ts";
import { parsePublicKey } from "../../../attestation/x509/public-key.ts";
import { checkSignature, isSignatureValid } from "../../../attestation/x509/signature.ts";
import { ECDSA_SHA256 } from "../../../attestation/x509/signature-scheme.ts";
import { createTrustAnchor } from "../../../attestation/x509/trust-anchor.ts";
import {
  certificateExtension,
  mintCertificate,
} from "../../../enclave/attesters/simulator/certificate-writer.ts";
import { der } from "../../../enclave/attesters/simulator/der-writer.ts";
import { createP256Signer } from "../../../enclave/attesters/simulator/signer.ts";
import { DAY, KEYS, mintFakeIntel, NOW } from "../../support/fake-intel.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const revocation = { notPublished: "these tests are about paths" } as const;
const roots = [createTrustAnchor("root", toHex(KEYS.root.spki))];
const { keyUsage, basicConstraints } = certificateExtension;

/** A chain of `length` CAs under the root, and a leaf; each named by its number. */
async function mintLongChain(length: number): Promise<readonly Certificate[]> {
  const keys = Array.from({ length: length + 1 }, (_, index) => createP256Signer(`chain ${index}`));
  const minted = keys.map(async (key, index) => {
    const fields = {
      subject: `CA ${index}`,
      issuer: index === length ? "root" : `CA ${index + 1}`,
      serial: "0x01",
      notBefore: NOW - DAY,
      notAfter: NOW + DAY,
      spki: key.spki,
      extensions:
        index === 0
          ? [keyUsage("digitalSignature")]
          : [keyUsage("keyCertSign"), basicConstraints(true, null)],
    } as const;
    return parseCertificate(await mintCertificate(fields, keys[index + 1] ?? KEYS.root));
  });
  return await Promise.all(minted);
}

const options = (pool: readonly Certificate[], change: Partial<PathOptions> = {}): PathOptions => ({
  pool,
  roots,
  now: NOW,
  revocation,
  ...change,
});

describe("a path", () => {
  test("may be as long as eight certificates, and no longer", async () => {
    const [leaf, ...pool] = await mintLongChain(7);
    expect((await verifyPath(leaf!, options(pool))).certificates.length).toBe(8);
    const [longLeaf, ...longPool] = await mintLongChain(8);
    expect(await rejectionOf(() => verifyPath(longLeaf!, options(longPool)))).toBe(
      "EVIDENCE_CHAIN_UNTRUSTED",
    );
  });

  test("is not searched for among more certificates than a chain has", async () => {
    const [leaf, ca] = await mintLongChain(1);
    const pool = new Array<Certificate>(33).fill(ca!);
    expect(await rejectionOf(() => verifyPath(leaf!, options(pool)))).toBe("EVIDENCE_CHAIN_INVALID");
  });

  test("is found among strangers of the same name, and the search for one ends", async () => {
    const [leaf, ca] = await mintLongChain(1);
    const strangers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const key = createP256Signer(`stranger ${index}`);
        const fields = {
          subject: "CA 1",
          issuer: "CA 1",
          serial: "0x01",
          notBefore: NOW - DAY,
          notAfter: NOW + DAY,
        } as const;
        return parseCertificate(
          await mintCertificate(
            { ...fields, spki: key.spki, extensions: [basicConstraints(true, null)] },
            key,
          ),
        );
      }),
    );
    expect((await verifyPath(leaf!, options([...strangers.slice(0, 1), ca!]))).certificates[1]).toBe(ca);
    expect(await rejectionOf(() => verifyPath(leaf!, options(strangers)))).toBe("EVIDENCE_CHAIN_UNTRUSTED");
  });

  test("accepts a critical extension that the caller reads", async () => {
    const extension = { oid: "1.2.3.4", critical: true, value: der.null() };
    const { certificates } = await mintFakeIntel({ tcbSigner: { extensions: [extension] } });
    const leaf = parseCertificate(certificates.tcbSigner);
    expect(await rejectionOf(() => verifyPath(leaf, options([])))).toBe("EVIDENCE_CHAIN_CRITICAL_EXTENSION");
    const understoodExtensions = new Set(["1.2.3.4"]);
    expect((await verifyPath(leaf, options([], { understoodExtensions }))).crls).toEqual([]);
  });

  test("to a list by a pinned root whose certificate is not there is judged", async () => {
    const { certificates, endorsements } = await mintFakeIntel();
    const leaf = parseCertificate(certificates.tcbSigner);
    const path = await verifyPath(leaf, options([], { revocation: { crls: endorsements().crls } }));
    expect(path.crls.length).toBe(1);
  });

  test("passes on what is no error of ours", async () => {
    const [leaf, ...pool] = await mintLongChain(1);
    const crls = {
      get length() {
        throw new TypeError("a bug");
      },
    } as never;
    await expect(verifyPath(leaf!, options(pool, { revocation: { crls } }))).rejects.toThrow(TypeError);
  });
});

describe("a signature", () => {
  const data = new Uint8Array(10);
  const key = parsePublicKey(KEYS.pck.spki);
  const signature = KEYS.pck.signRaw(data);

  test("is valid as it was made, and not with any other key, scheme or shape", async () => {
    const input = { key, scheme: ECDSA_SHA256, data, signature };
    expect(await isSignatureValid(input)).toBe(true);
    expect(await isSignatureValid({ ...input, key: parsePublicKey(KEYS.root.spki) })).toBe(false);
    expect(
      await isSignatureValid({ ...input, scheme: { name: "RSA-PSS", hash: "SHA-256", saltBytes: 32 } }),
    ).toBe(false);
    expect(await isSignatureValid({ ...input, signature: signature.subarray(1) })).toBe(false);
    expect(await rejectionOf(() => checkSignature("x", { ...input, data: new Uint8Array(11) }))).toBe(
      "EVIDENCE_SIGNATURE_INVALID",
    );
  });

  test("in DER is taken with scalars of any length up to the curve's, and no longer", async () => {
    const scheme = { name: "ECDSA", hash: "SHA-256", encoding: "der" } as const;
    const encode = (r: Uint8Array, s: Uint8Array) => der.sequence(der.unsigned(r), der.unsigned(s));
    const good = encode(signature.subarray(0, 32), signature.subarray(32));
    const wide = encode(new Uint8Array(33).fill(1), signature.subarray(32));
    expect(await isSignatureValid({ key, scheme, data, signature: good })).toBe(true);
    expect(await isSignatureValid({ key, scheme, data, signature: wide })).toBe(false);
    expect(await isSignatureValid({ key, scheme, data, signature: new Uint8Array([...good, 0]) })).toBe(
      false,
    );
  });

  test("by a point that is not on its curve is invalid", async () => {
    const off = new Uint8Array(KEYS.pck.spki);
    off.fill(1, off.length - 64);
    expect(await isSignatureValid({ key: parsePublicKey(off), scheme: ECDSA_SHA256, data, signature })).toBe(
      false,
    );
  });
});
