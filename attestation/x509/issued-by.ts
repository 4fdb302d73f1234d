import type { Certificate } from "./certificate.ts";
import type { Crl } from "./crl.ts";
import type { PublicKey } from "./public-key.ts";
import { isSignatureValid, toFixedWidthEcdsa } from "./signature.ts";

type Issued = Pick<Certificate | Crl, "tbs" | "scheme" | "signature">;

/**
 * Whether a statement was signed under a key never changes, so it is asked once per object: CA certificates and CRLs
 * of one set of endorsements serve thousands of quotes. Entries go when the statement goes.
 */
const answers = new WeakMap<Issued, Map<string, Promise<boolean>>>();

/** Whether `statement` carries a signature made with the private half of `key`. Never rejects. */
export function isIssuedBy(statement: Issued, key: PublicKey): Promise<boolean> {
  const known = answers.get(statement) ?? new Map<string, Promise<boolean>>();
  answers.set(statement, known);
  const answer = known.get(key.spkiHex) ?? verify(statement, key);
  known.set(key.spkiHex, answer);
  return answer;
}

async function verify({ tbs, scheme, signature }: Issued, key: PublicKey): Promise<boolean> {
  let raw = signature;
  if (scheme.name === "ECDSA") {
    try {
      raw = toFixedWidthEcdsa(signature, key.kind);
    } catch {
      // A signature that is no ECDSA-Sig-Value of this curve is not a signature by this key.
      return false;
    }
  }
  return await isSignatureValid({ key, scheme, data: tbs, signature: raw });
}
