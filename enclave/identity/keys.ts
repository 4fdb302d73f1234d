/** The four keys of an enclave. Made at start, never stored, gone with the process. */

import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { addressOfPublicKey } from "../../protocol/answer.ts";

export interface EnclaveKeys {
  /** secp256k1: signs answers. */
  readonly answer: { readonly privateKey: Uint8Array; readonly address: Hex };
  /** P-256: the RA-TLS certificate's. */
  readonly tls: { readonly privateKey: KeyObject; readonly publicKey: KeyObject; readonly spkiSha256: Hex };
  /** X25519: secrets and sealed requests are encrypted to it (HPKE). */
  readonly sealing: { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array };
  /** Ed25519: signs the receipt log's checkpoints. */
  readonly log: { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array };
}

export function createKeys(): EnclaveKeys {
  const answerKey = secp256k1.utils.randomSecretKey();
  const tls = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const sealing = x25519.keygen();
  const log = ed25519.keygen();
  const spki = tls.publicKey.export({ type: "spki", format: "der" });
  return {
    answer: { privateKey: answerKey, address: addressOfPublicKey(secp256k1.getPublicKey(answerKey, false)) },
    tls: { ...tls, spkiSha256: toHex(createHash("sha256").update(spki).digest()) },
    sealing: { privateKey: sealing.secretKey, publicKey: sealing.publicKey },
    log: { privateKey: log.secretKey, publicKey: log.publicKey },
  };
}
