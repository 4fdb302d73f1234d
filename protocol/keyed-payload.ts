/**
 * A question with the provider keys that it is to be asked with: payload type 5, and never but inside a sealed one.
 * docs/reference/protocol.md, Keys of one's own.
 */

import * as AbiParameters from "ox/AbiParameters";
import { concatBytes, equalBytes, fromHex, toHex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { MAX_PAYLOAD_BYTES } from "./limits.ts";
import { PayloadType } from "./payload.ts";
import { decodeProviderKeys, encodeProviderKeys, type ProviderKey } from "./provider-key.ts";

const VERSION = 1;
const BODY = [
  { name: "keys", type: "bytes" },
  { name: "payload", type: "bytes" },
] as const;

export interface KeyedQuestion {
  readonly keys: readonly ProviderKey[];
  /** A whole payload of type 1. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

export function encodeKeyedPayload({ keys, payload }: KeyedQuestion): Uint8Array<ArrayBuffer> {
  const body = AbiParameters.encode(BODY, [toHex(encodeProviderKeys(keys)), toHex(payload)]);
  return concatBytes(Uint8Array.of(PayloadType.keyed, VERSION), fromHex(body.toLowerCase()));
}

export function isKeyedPayload(payload: Uint8Array): boolean {
  return payload[0] === PayloadType.keyed;
}

/** @throws {InputError} INPUT_INVALID, which repeats nothing of the keys */
export function decodeKeyedPayload(bytes: Uint8Array): KeyedQuestion {
  let decoded: readonly [keys: Uint8Array<ArrayBuffer>, payload: Uint8Array<ArrayBuffer>];
  try {
    if (bytes.length > MAX_PAYLOAD_BYTES || !isKeyedPayload(bytes) || bytes[1] !== VERSION)
      throw new RangeError("no keyed payload of this version");
    const body = new Uint8Array(bytes.subarray(2));
    const [keys, payload] = AbiParameters.decode(BODY, body);
    const again = fromHex(AbiParameters.encode(BODY, [keys, payload]).toLowerCase());
    if (!equalBytes(again, body)) throw new RangeError("not the canonical encoding");
    decoded = [fromHex(keys), fromHex(payload)];
  } catch {
    throw new InputError({ code: "INPUT_INVALID", message: "the payload is not a question with keys" });
  }
  const [keys, payload] = decoded;
  return { keys: decodeProviderKeys(keys), payload };
}
