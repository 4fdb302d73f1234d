/**
 * A secret on its way to one enclave: HPKE (RFC 9180, base mode) to the keyset's sealing key, bound to the keyset and to
 * the secret's name, so that it opens nowhere else and as nothing else. docs/reference/protocol.md, Secrets.
 */

import * as z from "zod";
import { concatBytes, fromHex, fromUtf8, toHex, toUtf8, type Hex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { bytes32, bytesHex } from "./fields.ts";
import { ENCAPSULATED_KEY_BYTES, hpkeOpen, hpkeSeal, type HpkeTerms } from "./hpke.ts";

/** `PUT /v1/secrets/{name}` */
export const SealedSecret = z.strictObject({
  encapsulatedKey: bytes32,
  ciphertext: bytesHex,
  /** `upgradeAuthorityId` of those whose upgrades may take it along; without one it ends with the enclave's process. */
  upgrades: bytes32.optional(),
});
export type SealedSecret = z.output<typeof SealedSecret>;

export const SecretName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, { error: "expected a secret's name" });

/** Characters: provider keys have under 300. */
const MAX_SECRET_LENGTH = 8_192;

const INFO = toUtf8("adyton secret v1");
/** Of a secret that may leave on an upgrade: whoever sealed it said so, and for whose. */
const UPGRADES_INFO = toUtf8("adyton secret with upgrades v1");

function termsOf(keysetId: Hex, name: string, upgrades: Hex | undefined): HpkeTerms {
  const keyset = fromHex(keysetId, 32);
  return upgrades === undefined
    ? { info: INFO, aad: concatBytes(keyset, toUtf8(name)) }
    : { info: UPGRADES_INFO, aad: concatBytes(keyset, fromHex(upgrades, 32), toUtf8(name)) };
}

export interface SealingTarget {
  readonly keysetId: Hex;
  /** Of the keyset; that the keyset is an enclave's that may have the secret is for the caller to know. */
  readonly sealingKey: Hex;
}

/** @param upgrades whose upgrades may take it along (`upgradeAuthorityId`); `undefined`: nobody's */
export async function sealSecret(
  { keysetId, sealingKey }: SealingTarget,
  name: string,
  secret: string,
  upgrades?: Hex,
): Promise<SealedSecret> {
  const sealed = await hpkeSeal(sealingKey, toUtf8(secret), termsOf(keysetId, name, upgrades));
  return {
    ...(upgrades === undefined ? {} : { upgrades }),
    encapsulatedKey: toHex(sealed.subarray(0, ENCAPSULATED_KEY_BYTES)),
    ciphertext: toHex(sealed.subarray(ENCAPSULATED_KEY_BYTES)),
  };
}

/** @throws {InputError} INPUT_INVALID when it was sealed to another key, keyset, name or authority; INPUT_TOO_LARGE */
export async function openSecret(
  { keysetId, privateKey }: { readonly keysetId: Hex; readonly privateKey: Uint8Array },
  name: string,
  sealed: SealedSecret,
): Promise<string> {
  const ciphertext = fromHex(sealed.ciphertext);
  if (ciphertext.length > MAX_SECRET_LENGTH)
    throw new InputError({ code: "INPUT_TOO_LARGE", message: "a secret is shorter than that" });
  try {
    const whole = concatBytes(fromHex(sealed.encapsulatedKey, ENCAPSULATED_KEY_BYTES), ciphertext);
    const terms = termsOf(keysetId, name, sealed.upgrades);
    return fromUtf8(await hpkeOpen(privateKey, whole, terms));
  } catch (cause) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the secret was not sealed to this keyset under this name",
      cause,
    });
  }
}
