import { keccak_256 } from "@noble/hashes/sha3.js";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import type { Certificate } from "../x509/certificate.ts";

/** What `TdxVerifier` is deployed with. */
export interface OnChainRoot {
  readonly x: Hex;
  readonly y: Hex;
  /** keccak256 of the root's name, DER. */
  readonly name: Hex;
}

/** Intel SGX Root CA (https://certificates.trustedservices.intel.com/IntelSGXRootCA.der), both of its issues. */
export const INTEL_ON_CHAIN_ROOT: OnChainRoot = {
  x: "0x0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5",
  y: "0x67918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394",
  name: "0x3112c8e9428b5c08824e727e3ea896f3597c8a91caeafe57d64a4bc08df71dfb",
};

/** The root that a certificate is, for chains of other roots than Intel's. */
export function toOnChainRoot({ publicKey, subject }: Certificate): OnChainRoot {
  return {
    x: toHex(publicKey.key.subarray(1, 33)),
    y: toHex(publicKey.key.subarray(33, 65)),
    name: toHex(keccak_256(fromHex(subject))),
  };
}
