import type { PublicKey } from "./public-key.ts";
import { isSignatureValid } from "./signature.ts";
import type { SignatureScheme } from "./signature-scheme.ts";

/** A certificate, a CRL, or any other document that names its signed bytes so. */
export interface SignedStatement {
  readonly tbs: Uint8Array<ArrayBuffer>;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/**
 * Whether a statement was signed under a key never changes, so it is asked once per object: CA certificates and CRLs
 * of one set of endorsements serve thousands of quotes. Entries go when the statement goes.
 */
const answers = new WeakMap<SignedStatement, Map<string, Promise<boolean>>>();

/** Whether `statement` carries a signature made with the private half of `key`. Never rejects. */
export function isIssuedBy(statement: SignedStatement, key: PublicKey): Promise<boolean> {
  const known = answers.get(statement) ?? new Map<string, Promise<boolean>>();
  answers.set(statement, known);
  const answer = known.get(key.spkiHex) ?? isSignedBy(statement, key);
  known.set(key.spkiHex, answer);
  return answer;
}

/** The same, asked anew: for statements that are seen once. */
export async function isSignedBy(statement: SignedStatement, key: PublicKey): Promise<boolean> {
  const { scheme, tbs, signature } = statement;
  return await isSignatureValid({ key, scheme, data: tbs, signature });
}
