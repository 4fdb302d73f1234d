import { EvidenceError } from "../../protocol/errors.ts";
import { DerReader, TAG } from "../asn1/der-reader.ts";
import { malformed } from "../encoding/malformed.ts";
import { toUnsigned } from "../asn1/der-values.ts";
import { importVerifyKey, type KeyKind, type PublicKey } from "./public-key.ts";
import type { SignatureScheme } from "./signature-scheme.ts";

const SCALAR_BYTES: Readonly<Record<KeyKind, number>> = { "P-256": 32, "P-384": 48, "P-521": 66, RSA: 0 };

/**
 * ECDSA-Sig-Value (RFC 3279 §2.2.3) as the fixed-width r ‖ s that WebCrypto takes.
 */
export function toFixedWidthEcdsa(der: Uint8Array<ArrayBuffer>, kind: KeyKind): Uint8Array<ArrayBuffer> {
  const width = SCALAR_BYTES[kind];
  const outer = new DerReader(der);
  const reader = outer.readSequence();
  outer.end();
  const fixed = new Uint8Array(2 * width);
  for (const end of [width, 2 * width]) {
    const scalar = toUnsigned(reader.read(TAG.integer).content);
    if (scalar.length > width) throw malformed("ECDSA scalar is wider than its curve");
    fixed.set(scalar, end - scalar.length);
  }
  reader.end();
  return fixed;
}

export interface SignatureInput {
  readonly key: PublicKey;
  readonly scheme: SignatureScheme;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/**
 * Whether the private half of `key` made `signature` over `data`. Never rejects: a key that is no point on its curve,
 * a key of another algorithm and a signature that is not one of its curve have signed nothing.
 */
export async function isSignatureValid({ key, scheme, data, signature }: SignatureInput): Promise<boolean> {
  if ((key.kind === "RSA") === (scheme.name === "ECDSA")) return false;
  try {
    const imported = await importVerifyKey(key, scheme);
    if (scheme.name !== "ECDSA") {
      const parameters = { name: scheme.name, saltLength: scheme.saltBytes };
      return await crypto.subtle.verify(parameters, imported, signature, data);
    }
    const fixed = scheme.encoding === "der" ? toFixedWidthEcdsa(signature, key.kind) : signature;
    return await crypto.subtle.verify({ name: "ECDSA", hash: scheme.hash }, imported, fixed, data);
  } catch {
    return false;
  }
}

/** @throws {EvidenceError} EVIDENCE_SIGNATURE_INVALID; `what` says whose signature, for the person who reads it */
export async function checkSignature(what: string, input: SignatureInput): Promise<void> {
  if (!(await isSignatureValid(input))) {
    throw new EvidenceError({
      code: "EVIDENCE_SIGNATURE_INVALID",
      message: `signature does not verify: ${what}`,
      details: { signature: what },
    });
  }
}
