/**
 * A secret on its way to one enclave: HPKE (RFC 9180, base mode) to the keyset's sealing key, bound to the keyset and to
 * the secret's name, so that it opens nowhere else and as nothing else. docs/reference/protocol.md, Secrets.
 */

import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";
import { z } from "zod";
import { concatBytes, fromHex, fromUtf8, toHex, toUtf8, type Hex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { bytes32, bytesHex } from "./fields.ts";

/** `PUT /v1/secrets/{name}` */
export const SealedSecret = z.strictObject({ encapsulatedKey: bytes32, ciphertext: bytesHex });
export type SealedSecret = z.output<typeof SealedSecret>;

export const SecretName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, { error: "expected a secret's name" });

/** Characters: provider keys have under 300. */
const MAX_SECRET_LENGTH = 8_192;

const INFO = toUtf8("adyton secret v1");

const suite = (): CipherSuite =>
  new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);

function associatedData(keysetId: Hex, name: string): Uint8Array<ArrayBuffer> {
  return concatBytes(fromHex(keysetId, 32), toUtf8(name));
}

export interface SealingTarget {
  readonly keysetId: Hex;
  /** Of the keyset; that the keyset is an enclave's that may have the secret is for the caller to know. */
  readonly sealingKey: Hex;
}

export async function sealSecret(
  { keysetId, sealingKey }: SealingTarget,
  name: string,
  secret: string,
): Promise<SealedSecret> {
  const hpke = suite();
  const publicKey = await hpke.DeserializePublicKey(fromHex(sealingKey, 32));
  const aad = associatedData(keysetId, name);
  const { encapsulatedSecret, ciphertext } = await hpke.Seal(publicKey, toUtf8(secret), { info: INFO, aad });
  return { encapsulatedKey: toHex(encapsulatedSecret), ciphertext: toHex(ciphertext) };
}

/** @throws {InputError} INPUT_INVALID when it was sealed to another key, keyset or name; INPUT_TOO_LARGE */
export async function openSecret(
  { keysetId, privateKey }: { readonly keysetId: Hex; readonly privateKey: Uint8Array },
  name: string,
  sealed: SealedSecret,
): Promise<string> {
  const ciphertext = fromHex(sealed.ciphertext);
  if (ciphertext.length > MAX_SECRET_LENGTH) {
    throw new InputError({ code: "INPUT_TOO_LARGE", message: "a secret is shorter than that" });
  }
  try {
    const hpke = suite();
    const key = await hpke.DeserializePrivateKey(privateKey);
    const aad = associatedData(keysetId, name);
    return fromUtf8(
      await hpke.Open(key, fromHex(sealed.encapsulatedKey, 32), ciphertext, { info: INFO, aad }),
    );
  } catch (cause) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the secret was not sealed to this keyset under this name",
      cause,
    });
  }
}
