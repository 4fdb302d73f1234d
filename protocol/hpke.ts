/**
 * The one form of public-key encryption in the protocol: HPKE (RFC 9180) in base mode, DHKEM(X25519, HKDF-SHA256),
 * HKDF-SHA256, AES-256-GCM. Base mode authenticates nobody: whoever knows the public key can seal.
 */

import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";
import { concatBytes, fromHex, type Hex } from "./bytes.ts";

/** Bytes of an encapsulated key. */
export const ENCAPSULATED_KEY_BYTES = 32;
/** Bytes that sealing adds: the encapsulated key and the tag of AES-GCM. */
export const HPKE_OVERHEAD = ENCAPSULATED_KEY_BYTES + 16;

export interface HpkeTerms {
  /** What the bytes are, so that what is sealed as one thing never opens as another. */
  readonly info: Uint8Array;
  /** Where and to whom they mean something. */
  readonly aad: Uint8Array;
}

const suite = (): CipherSuite =>
  new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);

/** Encapsulated key ‖ ciphertext. */
export async function hpkeSeal(
  publicKey: Hex,
  bytes: Uint8Array,
  terms: HpkeTerms,
): Promise<Uint8Array<ArrayBuffer>> {
  const hpke = suite();
  const key = await hpke.DeserializePublicKey(fromHex(publicKey, ENCAPSULATED_KEY_BYTES));
  const { encapsulatedSecret, ciphertext } = await hpke.Seal(key, bytes, terms);
  return concatBytes(encapsulatedSecret, ciphertext);
}

/** Throws whatever the library throws for bytes sealed to another key or under other terms: the caller says what it means. */
export async function hpkeOpen(
  privateKey: Uint8Array,
  sealed: Uint8Array,
  terms: HpkeTerms,
): Promise<Uint8Array<ArrayBuffer>> {
  const hpke = suite();
  const key = await hpke.DeserializePrivateKey(privateKey);
  const encapsulated = sealed.subarray(0, ENCAPSULATED_KEY_BYTES);
  const opened = await hpke.Open(key, encapsulated, sealed.subarray(ENCAPSULATED_KEY_BYTES), terms);
  return new Uint8Array(opened);
}

export interface HpkeCallTerms extends HpkeTerms {
  /** What the exported secret is for. */
  readonly exportLabel: Uint8Array;
}

const EXPORTED_BYTES = 32;

/** As `hpkeSeal`, with a secret that both ends can export (RFC 9180 §5.3): what a reply is sealed with. */
export async function hpkeSealCall(
  publicKey: Hex,
  bytes: Uint8Array,
  { info, aad, exportLabel }: HpkeCallTerms,
): Promise<{ readonly sealed: Uint8Array<ArrayBuffer>; readonly exported: Uint8Array }> {
  const hpke = suite();
  const key = await hpke.DeserializePublicKey(fromHex(publicKey, ENCAPSULATED_KEY_BYTES));
  const { encapsulatedSecret, ctx } = await hpke.SetupSender(key, { info });
  const sealed = concatBytes(encapsulatedSecret, await ctx.Seal(bytes, aad));
  return { sealed, exported: await ctx.Export(exportLabel, EXPORTED_BYTES) };
}

/** Throws whatever the library throws, as `hpkeOpen`. */
export async function hpkeOpenCall(
  privateKey: Uint8Array,
  sealed: Uint8Array,
  { info, aad, exportLabel }: HpkeCallTerms,
): Promise<{ readonly plain: Uint8Array<ArrayBuffer>; readonly exported: Uint8Array }> {
  const hpke = suite();
  const key = await hpke.DeserializePrivateKey(privateKey);
  const ctx = await hpke.SetupRecipient(key, sealed.subarray(0, ENCAPSULATED_KEY_BYTES), { info });
  const plain = await ctx.Open(sealed.subarray(ENCAPSULATED_KEY_BYTES), aad);
  return { plain: new Uint8Array(plain), exported: await ctx.Export(exportLabel, EXPORTED_BYTES) };
}
