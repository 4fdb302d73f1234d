/** Reference manifests of an NVIDIA of our own, signed as XML is: right, or wrong in one place. */

import { createHash } from "node:crypto";
import { createTrustAnchor, type TrustAnchor } from "../../attestation/x509/trust-anchor.ts";
import { toHex, toUtf8 } from "../../protocol/bytes.ts";
import { KEY_USAGE, mintCertificate, mintKey, signRaw, type FakeKey } from "./fake-x509.ts";

/** 2026-01-01T00:00:00Z */
export const MANIFEST_NOW = 1_767_225_600;
const YEAR = 31_536_000;

let keys: Promise<Readonly<Record<"root" | "signer", FakeKey>>> | undefined;

async function mintKeys(): Promise<Readonly<Record<"root" | "signer", FakeKey>>> {
  const [root, signer] = await Promise.all([mintKey("P-384"), mintKey("P-384")]);
  return { root, signer };
}

export interface ManifestPlan {
  readonly version: string;
  readonly edition: string;
  /** By the manifest's index, from 0; null is a placeholder that is not active. */
  readonly measurements: Readonly<Record<string, readonly string[] | null>>;
  /** Changes to the document after it was signed. */
  readonly edit: (xml: string) => string;
  /** Changes to what is signed: the document without its signature, and the signature's `SignedInfo`. */
  readonly editSigned: (xml: string) => string;
  readonly editSignedInfo: (xml: string) => string;
  readonly notAfter: number;
}

export interface FakeManifest {
  readonly roots: readonly TrustAnchor[];
  readonly xml: Uint8Array<ArrayBuffer>;
}

const VALUE = "ab".repeat(48);
const ZERO = "00".repeat(48);
const SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const DS = "http://www.w3.org/2000/09/xmldsig#";

/** Written in canonical form, so that what is hashed needs no second implementation of it: attributes in their order. */
export async function mintManifest(changes: Partial<ManifestPlan> = {}): Promise<FakeManifest> {
  keys ??= mintKeys();
  const { root, signer } = await keys;
  const plan: ManifestPlan = {
    version: "590.12",
    edition: "GPU",
    measurements: { "0": [VALUE], "1": null, "2": [VALUE, ZERO] },
    edit: (xml) => xml,
    editSigned: (xml) => xml,
    editSignedInfo: (xml) => xml,
    notAfter: MANIFEST_NOW + YEAR,
    ...changes,
  };
  const document = plan.editSigned(documentOf(plan));
  const digest = createHash("sha384").update(document).digest("base64");
  const signedInfo = plan.editSignedInfo(signedInfoOf(digest));
  // Of the subset, the apex declares what holds around it (Canonical XML §2.4).
  const declared = ` xmlns="${SWID}" xmlns:ds="${DS}" xmlns:ns2="http://www.w3.org/2001/04/xmlenc#sha384"`;
  const canonical = signedInfo.replace("<ds:SignedInfo", `<ds:SignedInfo${declared}`);
  const signature = Buffer.from(await signRaw(signer, toUtf8(canonical))).toString("base64");
  const certificates = (await mintChain(root, signer, plan.notAfter))
    .map((der) => `<ds:X509Certificate>${Buffer.from(der).toString("base64")}</ds:X509Certificate>`)
    .join("");
  const block =
    `<ds:Signature xmlns:ds="${DS}">${signedInfo}<ds:SignatureValue>${signature}</ds:SignatureValue>` +
    `<ds:KeyInfo><ds:X509Data>${certificates}</ds:X509Data></ds:KeyInfo></ds:Signature>`;
  const xml = plan.edit(document.replace("</SoftwareIdentity>", `${block}</SoftwareIdentity>`));
  return { roots: [createTrustAnchor("a test's root", toHex(root.spki))], xml: toUtf8(xml) };
}

function documentOf({ version, edition, measurements }: ManifestPlan): string {
  const resources = Object.entries(measurements).map(([index, values]) => {
    const hashes = (values ?? [ZERO]).map((value, number) => ` ns2:Hash${number}="${value}"`).join("");
    const count = (values ?? [ZERO]).length;
    const active = values === null ? "False" : "True";
    return `\n  <Resource active="${active}" alternatives="${count}" index="${index}" name="Measurement_${index}" size="48" type="Measurement"${hashes}></Resource>`;
  });
  return (
    `<SoftwareIdentity xmlns="${SWID}" xmlns:ns2="http://www.w3.org/2001/04/xmlenc#sha384" name="GH100">` +
    `<Meta colloquialVersion="${version}" edition="${edition}" product="GH100"></Meta>` +
    `<Payload>${resources.join("")}\n</Payload></SoftwareIdentity>`
  );
}

function signedInfoOf(digest: string): string {
  const algorithm = (element: string, uri: string) => `<ds:${element} Algorithm="${uri}"></ds:${element}>`;
  const canonical = "http://www.w3.org/2006/12/xml-c14n11";
  const more = "http://www.w3.org/2001/04/xmldsig-more";
  return (
    `<ds:SignedInfo>${algorithm("CanonicalizationMethod", canonical)}` +
    `${algorithm("SignatureMethod", `${more}#ecdsa-sha384`)}<ds:Reference URI=""><ds:Transforms>` +
    `${algorithm("Transform", `${DS}enveloped-signature`)}${algorithm("Transform", canonical)}</ds:Transforms>` +
    `${algorithm("DigestMethod", `${more}#sha384`)}<ds:DigestValue>${digest}</ds:DigestValue>` +
    "</ds:Reference></ds:SignedInfo>"
  );
}

async function mintChain(root: FakeKey, signer: FakeKey, notAfter: number): Promise<readonly Uint8Array[]> {
  const rootName = { subject: "NVIDIA CoRIM signing Root CA", key: root };
  const dates = { notBefore: MANIFEST_NOW - YEAR, notAfter, extensions: [] };
  const leaf = await mintCertificate({
    ...dates,
    subject: "HCC RIM L4 Signer",
    key: signer,
    issuer: rootName,
    serial: 2,
    ca: null,
    keyUsage: KEY_USAGE.digitalSignature,
  });
  const ca = await mintCertificate({
    ...dates,
    ...rootName,
    issuer: rootName,
    serial: 1,
    ca: { pathLength: null },
    keyUsage: KEY_USAGE.keyCertSign,
  });
  return [leaf, ca];
}
