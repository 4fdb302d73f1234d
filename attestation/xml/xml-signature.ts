/**
 * A signature inside of the XML that it covers, in the one profile that NVIDIA's manifests use.
 *
 * Source: W3C, XML Signature Syntax and Processing 1.1, §3.2 (validation), §6.6.4 (enveloped signature); RFC 6931 §2.3.6
 * (ECDSA, r ‖ s) and §2.1.3 (SHA-384). Whatever names another algorithm, transform or reference is refused: what is
 * signed is then all of the document but the signature, and can be nothing else.
 */

import { sha384 } from "@noble/hashes/sha2.js";
import { equalBytes } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { parseCertificate, type Certificate } from "../x509/certificate.ts";
import { fromBase64 } from "../x509/pem.ts";
import { checkSignature } from "../x509/signature.ts";
import { ECDSA_SHA384 } from "../x509/signature-scheme.ts";
import { canonicalise } from "./canonical-xml.ts";
import type { XmlElement } from "./xml-reader.ts";

const NAMESPACE = "http://www.w3.org/2000/09/xmldsig#";
const CANONICAL_XML_11 = "http://www.w3.org/2006/12/xml-c14n11";
const ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const ECDSA_WITH_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
const SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384";

/** A chain has four. */
const MAX_CERTIFICATES = 8;

export interface EnvelopedSignature {
  readonly signature: XmlElement;
  /** Of `KeyInfo`, in its order; the signer's first. Nothing about them is verified. */
  readonly certificates: readonly [Certificate, ...Certificate[]];
}

/**
 * The one signature of a document, whose profile is the one above.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for another profile
 */
export function findEnvelopedSignature(root: XmlElement): EnvelopedSignature {
  const signature = one(root, "Signature", NAMESPACE);
  const keyInfo = one(signature, "KeyInfo");
  const bodies = childrenOf(one(keyInfo, "X509Data"), "X509Certificate", NAMESPACE);
  const [leaf, ...others] = bodies
    .slice(0, MAX_CERTIFICATES)
    .map((element) => parseCertificate(base64Of(element)));
  if (leaf === undefined || bodies.length > MAX_CERTIFICATES) throw malformed("its certificates");
  checkProfile(one(signature, "SignedInfo"));
  return { signature, certificates: [leaf, ...others] };
}

/**
 * Checks that the signer's key signed all of `root` but the signature.
 *
 * Leaves to the caller: whether that key may sign (the path of `certificates`).
 *
 * @throws {EvidenceError} EVIDENCE_SIGNATURE_INVALID
 */
export async function checkEnvelopedSignature(
  root: XmlElement,
  { signature, certificates }: EnvelopedSignature,
): Promise<void> {
  const signedInfo = one(signature, "SignedInfo");
  const digest = base64Of(one(one(signedInfo, "Reference"), "DigestValue"));
  if (!equalBytes(sha384(canonicalise(root, signature)), digest)) {
    throw new EvidenceError({
      code: "EVIDENCE_SIGNATURE_INVALID",
      message: "the signed document was changed: its digest is not the one in its signature",
    });
  }
  await checkSignature("XML document", {
    key: certificates[0].publicKey,
    scheme: ECDSA_SHA384,
    data: canonicalise(signedInfo),
    signature: base64Of(one(signature, "SignatureValue")),
  });
}

function checkProfile(signedInfo: XmlElement): void {
  const reference = one(signedInfo, "Reference");
  const transforms = childrenOf(one(reference, "Transforms"), "Transform", NAMESPACE);
  const found = [
    algorithmOf(one(signedInfo, "CanonicalizationMethod")),
    algorithmOf(one(signedInfo, "SignatureMethod")),
    ...transforms.map(algorithmOf),
    algorithmOf(one(reference, "DigestMethod")),
  ];
  const expected = [CANONICAL_XML_11, ECDSA_WITH_SHA384, ENVELOPED, CANONICAL_XML_11, SHA384];
  const isWhole = attributeOf(reference, "URI") === "";
  if (!isWhole || found.length !== expected.length || found.some((name, index) => name !== expected[index])) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the XML is signed in another way than NVIDIA's manifests are",
    });
  }
}

function algorithmOf(element: XmlElement): string {
  // Parameters of an algorithm would change what it does.
  if (element.children.some((child) => typeof child !== "string"))
    throw malformed("an algorithm's parameters");
  return attributeOf(element, "Algorithm") ?? "";
}

/** Value of an attribute without a prefix. */
export function attributeOf(element: XmlElement, name: string, namespace = ""): string | undefined {
  return element.attributes.find((attribute) => attribute.name === name && attribute.namespace === namespace)
    ?.value;
}

export function childrenOf(element: XmlElement, name: string, namespace: string): readonly XmlElement[] {
  return element.children.filter(
    (child): child is XmlElement =>
      typeof child !== "string" && child.name === name && child.namespace === namespace,
  );
}

function one(element: XmlElement, name: string, namespace = NAMESPACE): XmlElement {
  const [child, another] = childrenOf(element, name, namespace);
  if (child === undefined || another !== undefined) throw malformed(`one ${name} is expected`);
  return child;
}

function base64Of({ children }: XmlElement): Uint8Array<ArrayBuffer> {
  const text = children.map((child) => (typeof child === "string" ? child : "<")).join("");
  return fromBase64(text.replace(/\s+/g, ""));
}

function malformed(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message: `XML signature: ${message}` });
}
