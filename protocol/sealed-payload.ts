/**
 * A question that only listed enclaves can read: payload type 4. The content key is wrapped to each keyset by HPKE; the
 * associated data binds it to where it may be asked and to who reads the reply, and not to the requestId, which depends on
 * the ciphertext.
 * docs/reference/protocol.md, Sealed.
 */

import * as AbiParameters from "ox/AbiParameters";
import { concatBytes, equalBytes, fromHex, toHex, toUtf8, type Hex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { ENCAPSULATED_KEY_BYTES, HPKE_OVERHEAD, hpkeOpen, hpkeSeal } from "./hpke.ts";
import { MAX_PAYLOAD_BYTES } from "./limits.ts";
import { PayloadType } from "./payload.ts";
import type { SealingTarget } from "./sealed-secret.ts";
import { addressWord, bytes32Word, hashWords, keccakText, uintWord } from "./struct-hash.ts";

/** Where a sealed question may be asked: elsewhere it does not open. */
export interface SealedContext {
  readonly chainId: bigint;
  readonly coordinator: Hex;
  readonly consumer: Hex;
  readonly policyId: Hex;
}

const VERSION = 1;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;
/** Bytes that sealing an answer adds. */
export const SEALED_OUTPUT_OVERHEAD = HPKE_OVERHEAD;
/** Keysets that a question can be sealed to. */
const MAX_RECIPIENTS = 64;
/** `replyKey` of a question whose answer comes in clear. */
export const NO_REPLY_KEY: Hex = `0x${"00".repeat(32)}`;

const CONTEXT_TYPEHASH = keccakText(
  "SealedContext(uint256 chainId,address coordinator,address consumer,bytes32 policyId,bytes32 replyKey)",
);
const KEY_INFO = toUtf8("adyton sealed key v1");
const REPLY_INFO = toUtf8("adyton sealed reply v1");

const SEALED_ABI = [
  {
    name: "sealed",
    type: "tuple",
    components: [
      {
        name: "recipients",
        type: "tuple[]",
        components: [
          { name: "keysetId", type: "bytes32" },
          { name: "encapsulatedKey", type: "bytes32" },
          { name: "wrappedKey", type: "bytes" },
        ],
      },
      { name: "replyKey", type: "bytes32" },
      { name: "nonce", type: "bytes12" },
      { name: "ciphertext", type: "bytes" },
    ],
  },
] as const;

interface SealedBody {
  readonly recipients: readonly {
    readonly keysetId: Hex;
    readonly encapsulatedKey: Hex;
    readonly wrappedKey: Hex;
  }[];
  readonly replyKey: Hex;
  readonly nonce: Hex;
  readonly ciphertext: Hex;
}

/**
 * The reply key is bound too: a ciphertext is public once asked, and where a consumer asks for anyone, somebody could ask
 * it again with a key of his own and read answer and record.
 */
function contextHash(context: SealedContext, replyKey: Hex): Uint8Array<ArrayBuffer> {
  const { chainId, coordinator, consumer, policyId } = context;
  const words = [
    uintWord(chainId),
    addressWord(coordinator),
    addressWord(consumer),
    bytes32Word(policyId),
    bytes32Word(replyKey),
  ];
  return fromHex(hashWords(CONTEXT_TYPEHASH, words), 32);
}

async function contentCipher(key: Uint8Array<ArrayBuffer>) {
  return await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
}

export interface SealingTerms {
  readonly recipients: readonly SealingTarget[];
  readonly context: SealedContext;
  /** X25519 public key that the answer is sealed to, or `NO_REPLY_KEY`. */
  readonly replyKey: Hex;
}

/** A payload of type 4 around `inner`, a whole payload of type 1, 2 or 5. */
export async function sealPayload(
  inner: Uint8Array<ArrayBuffer>,
  terms: SealingTerms,
): Promise<Uint8Array<ArrayBuffer>> {
  const contentKey = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const aad = contextHash(terms.context, terms.replyKey);
  const ciphertext = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce, additionalData: aad },
    await contentCipher(contentKey),
    inner,
  );
  const recipients = await Promise.all(
    terms.recipients.map(async ({ keysetId, sealingKey }) => {
      const sealed = await hpkeSeal(sealingKey, contentKey, { info: KEY_INFO, aad });
      const encapsulatedKey = toHex(sealed.subarray(0, ENCAPSULATED_KEY_BYTES));
      return { keysetId, encapsulatedKey, wrappedKey: toHex(sealed.subarray(ENCAPSULATED_KEY_BYTES)) };
    }),
  );
  const body = {
    recipients,
    replyKey: terms.replyKey,
    nonce: toHex(nonce),
    ciphertext: toHex(new Uint8Array(ciphertext)),
  };
  const encoded = fromHex(AbiParameters.encode(SEALED_ABI, [body]).toLowerCase());
  return concatBytes(Uint8Array.of(PayloadType.sealed, VERSION), encoded);
}

export function isSealedPayload(payload: Uint8Array): boolean {
  return payload[0] === PayloadType.sealed;
}

/**
 * The keysets that can read a sealed question: nobody else is to be asked.
 *
 * @throws {InputError} INPUT_INVALID for a body that does not decode: no enclave will read it
 */
export function sealedRecipients(payload: Uint8Array): readonly Hex[] {
  return decodeSealed(payload).recipients.map(({ keysetId }) => keysetId);
}

export interface OpenedPayload {
  readonly inner: Uint8Array<ArrayBuffer>;
  readonly replyKey: Hex;
}

/**
 * @throws {InputError} INPUT_INVALID for a body that does not decode, a keyset that is not listed, another context, or a changed reply key
 */
export async function openPayload(
  payload: Uint8Array,
  context: SealedContext,
  { keysetId, privateKey }: { readonly keysetId: Hex; readonly privateKey: Uint8Array },
): Promise<OpenedPayload> {
  const sealed = decodeSealed(payload);
  const recipient = sealed.recipients.find((listed) => listed.keysetId === keysetId);
  if (recipient === undefined) throw invalid("the question is not sealed to this keyset");
  const aad = contextHash(context, sealed.replyKey);
  try {
    const wrapped = concatBytes(fromHex(recipient.encapsulatedKey), fromHex(recipient.wrappedKey));
    const contentKey = await hpkeOpen(privateKey, wrapped, { info: KEY_INFO, aad });
    const cipher = await contentCipher(contentKey);
    contentKey.fill(0);
    const inner = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: fromHex(sealed.nonce), additionalData: aad },
      cipher,
      fromHex(sealed.ciphertext),
    );
    return { inner: new Uint8Array(inner), replyKey: sealed.replyKey };
  } catch (cause) {
    throw invalid("the question was sealed for another place, or changed", cause);
  }
}

function decodeSealed(payload: Uint8Array): SealedBody {
  try {
    if (payload.length > MAX_PAYLOAD_BYTES || !isSealedPayload(payload) || payload[1] !== VERSION)
      throw new RangeError("no sealed payload of this version");
    const body = new Uint8Array(payload.subarray(2));
    const [sealed] = AbiParameters.decode(SEALED_ABI, body);
    const again = fromHex(AbiParameters.encode(SEALED_ABI, [sealed]).toLowerCase());
    if (sealed.recipients.length > MAX_RECIPIENTS || !equalBytes(again, body))
      throw new RangeError("not the canonical encoding");
    return sealed;
  } catch (cause) {
    throw invalid("the payload is not a sealed question", cause);
  }
}

/** An answer's output, or its record, for the holder of the reply key: encapsulated key ‖ ciphertext, bound to the request. */
export async function sealReply(
  replyKey: Hex,
  requestId: Hex,
  bytes: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  return await hpkeSeal(replyKey, bytes, { info: REPLY_INFO, aad: fromHex(requestId, 32) });
}

/** @throws {InputError} INPUT_INVALID when it was sealed to another key or for another request */
export async function openReply(
  privateKey: Uint8Array,
  requestId: Hex,
  sealed: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await hpkeOpen(privateKey, sealed, { info: REPLY_INFO, aad: fromHex(requestId, 32) });
  } catch (cause) {
    throw invalid("the reply was sealed to another key, or for another request", cause);
  }
}

function invalid(message: string, cause?: unknown): InputError {
  return new InputError({ code: "INPUT_INVALID", message, cause });
}
