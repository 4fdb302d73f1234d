import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { parsePublicKey, type PublicKey } from "./public-key.ts";

/**
 * A root that is trusted because this code names its key. Pinned by SubjectPublicKeyInfo and not by certificate:
 * vendors reissue root certificates over the same key (Intel did), and quotes carry either.
 */
export interface TrustAnchor {
  readonly name: string;
  readonly publicKey: PublicKey;
}

export function createTrustAnchor(name: string, spki: Hex): TrustAnchor {
  return { name, publicKey: parsePublicKey(fromHex(spki)) };
}
