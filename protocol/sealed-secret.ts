/**
 * A secret on its way to one enclave: HPKE (RFC 9180, base mode) to the keyset's sealing key, bound to the keyset and to
 * the secret's name, so that it opens nowhere else and as nothing else. docs/reference/protocol.md, Secrets.
 */

import { z } from "zod";
import { concatBytes, fromHex, fromUtf8, toHex, toUtf8, type Hex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { bytes32, bytesHex } from "./fields.ts";
import { ENCAPSULATED_KEY_BYTES, hpkeOpen, hpkeSeal } from "./hpke.ts";

/** `PUT /v1/secrets/{name}` */
export const SealedSecret = z.strictObject({ encapsulatedKey: bytes32, ciphertext: bytesHex });
export type SealedSecret = z.output<typeof SealedSecret>;

export const SecretName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, { error: "expected a secret's name" });

/** Characters: provider keys have under 300. */
const MAX_SECRET_LENGTH = 8_192;

const INFO = toUtf8("adyton secret v1");

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
  const terms = { info: INFO, aad: associatedData(keysetId, name) };
  const sealed = await hpkeSeal(sealingKey, toUtf8(secret), terms);
  return {
    encapsulatedKey: toHex(sealed.subarray(0, ENCAPSULATED_KEY_BYTES)),
    ciphertext: toHex(sealed.subarray(ENCAPSULATED_KEY_BYTES)),
  };
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
    const whole = concatBytes(fromHex(sealed.encapsulatedKey, ENCAPSULATED_KEY_BYTES), ciphertext);
    const terms = { info: INFO, aad: associatedData(keysetId, name) };
    return fromUtf8(await hpkeOpen(privateKey, whole, terms));
  } catch (cause) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the secret was not sealed to this keyset under this name",
      cause,
    });
  }
}
