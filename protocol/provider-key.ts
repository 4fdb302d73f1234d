/**
 * A provider's key that a requester brings: which models it may be shown for, whose it is, and how much of it may be
 * spent. Sealed, so that nobody but the enclave reads it. docs/reference/protocol.md, Keys of one's own.
 */

import * as z from "zod";
import { fromBase64Url, toBase64Url } from "./base64.ts";
import { fromHex, toUtf8, type Hex } from "./bytes.ts";
import { encodeCanonicalJson, parseJson } from "./canonical-json.ts";
import { InputError } from "./errors.ts";
import { address, bytes32 } from "./fields.ts";
import { hpkeOpen, hpkeSeal } from "./hpke.ts";
import { MAX_MODEL_NAME_LENGTH } from "./limits.ts";
import type { SealingTarget } from "./sealed-secret.ts";

const tokens = z.int().min(0);

/** The models of one provider, as `provider/model`: a key is for one provider, and prices differ by model. */
const models = z
  .array(z.string().max(MAX_MODEL_NAME_LENGTH))
  .min(1)
  .max(32)
  .refine((names) => new Set(names.map((name) => name.slice(0, name.indexOf("/") + 1))).size === 1, {
    error: "expected models of one provider",
  });

export const ProviderKey = z.strictObject({
  models,
  /** Printable ASCII: it becomes a header, and nothing may end that header early. */
  key: z.string().regex(/^[\x21-\x7e]{1,1024}$/, { error: "expected printable ASCII" }),
  /**
   * The requester that may have the key used. Off chain: the SHA-256 of the bearer credential that the caller shows. On chain: the `payer` of
   * the request; the consumer, the coordinator and the chain are bound by the sealing itself.
   */
  owner: z.union([z.strictObject({ credentialSha256: bytes32 }), z.strictObject({ payer: address })]),
  /** The most that one keyset may spend of it, in the provider's tokens, over all of its requests. */
  cap: z.strictObject({ inputTokens: tokens, outputTokens: tokens }),
  /** Seconds since the epoch; at most `MAX_KEY_LIFETIME_SECONDS` ahead when it is used. */
  expiresAt: z.int().min(0),
});
export type ProviderKey = z.output<typeof ProviderKey>;

/** Longer than a month nobody remembers which keysets a key was given to. */
export const MAX_KEY_LIFETIME_SECONDS = 31 * 86_400;

const INFO = toUtf8("adyton provider key v1");
/** Characters of base64url: a key, 32 model names, and room. A server takes 16 KiB of headers. */
const MAX_SEALED_LENGTH = 12_288;

/**
 * For the header `adyton-provider-key`: base64url of the HPKE of the key's RFC 8785 JSON, to one keyset.
 *
 * Leaves to the caller: that the keyset is an enclave's whose behaviour may have the key.
 */
export async function sealProviderKey(target: SealingTarget, key: ProviderKey): Promise<string> {
  const plain = encodeProviderKeys([key]);
  const sealed = await hpkeSeal(target.sealingKey, plain, { info: INFO, aad: fromHex(target.keysetId, 32) });
  plain.fill(0);
  return toBase64Url(sealed);
}

/** @throws {InputError} INPUT_INVALID for one that was sealed to another keyset, or has another form; INPUT_TOO_LARGE */
export async function openProviderKey(
  { keysetId, privateKey }: { readonly keysetId: Hex; readonly privateKey: Uint8Array },
  text: string,
): Promise<ProviderKey> {
  if (text.length > MAX_SEALED_LENGTH)
    throw new InputError({ code: "INPUT_TOO_LARGE", message: "a sealed provider key is shorter than that" });
  const sealed = fromBase64Url(text);
  let plain: Uint8Array;
  try {
    plain = await hpkeOpen(privateKey, sealed, { info: INFO, aad: fromHex(keysetId, 32) });
  } catch (cause) {
    throw invalid(
      "the provider key was not sealed to this keyset: seal it anew, the enclave has restarted",
      cause,
    );
  }
  const [key, more] = decodeProviderKeys(plain);
  if (key === undefined || more !== undefined) throw invalid("expected one provider key");
  return key;
}

/** RFC 8785 JSON of several keys, as a sealed question carries them. @throws {InputError} INPUT_INVALID */
export function encodeProviderKeys(keys: readonly ProviderKey[]): Uint8Array<ArrayBuffer> {
  const parsed = z.array(ProviderKey).safeParse(keys);
  if (!parsed.success) throw invalid(`this is no provider key: ${fieldOf(parsed.error)}`);
  return encodeCanonicalJson(parsed.data);
}

/**
 * The bytes are wiped. The strings made of them are not: nothing in JavaScript can overwrite a string.
 *
 * @throws {InputError} INPUT_INVALID, which names a field and repeats no value
 */
export function decodeProviderKeys(plain: Uint8Array): readonly ProviderKey[] {
  try {
    const parsed = z.array(ProviderKey).max(MAX_KEYS).safeParse(parseJson(plain));
    if (parsed.success) return parsed.data;
    throw invalid(`the provider key does not have its form: ${fieldOf(parsed.error)}`);
  } catch (error) {
    // A parser's own words may quote the text.
    throw error instanceof InputError && error.cause === undefined
      ? error
      : invalid("the provider key is not JSON");
  } finally {
    plain.fill(0);
  }
}

/** One for each member of a panel, at most. */
const MAX_KEYS = 7;

function fieldOf(error: z.ZodError): string {
  return error.issues[0]?.path.join(".") ?? "";
}

function invalid(message: string, cause?: unknown): InputError {
  return new InputError({ code: "INPUT_INVALID", message, cause });
}
