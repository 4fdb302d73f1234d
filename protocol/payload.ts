/** What travels beside a request: a type, a version, and a body whose form they name. */

import { concatBytes, type Hex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { MAX_PAYLOAD_BYTES } from "./limits.ts";
import { decodePrompt, encodePrompt, type Prompt } from "./prompt.ts";
import { keccak } from "./struct-hash.ts";

export const PayloadType = { inference: 1, agent: 2, openai: 3, sealed: 4, keyed: 5 } as const;

const VERSION = 1;

export type Payload =
  | { readonly type: typeof PayloadType.inference; readonly prompt: Prompt }
  | { readonly type: typeof PayloadType.openai; readonly body: Uint8Array };

export function payloadHash(payload: Uint8Array): Hex {
  return keccak(payload);
}

/** @throws {InputError} INPUT_TOO_LARGE, or INPUT_INVALID for a prompt that breaks a rule */
export function encodePayload(payload: Payload): Uint8Array<ArrayBuffer> {
  const body = payload.type === PayloadType.inference ? encodePrompt(payload.prompt) : payload.body;
  const bytes = concatBytes(new Uint8Array([payload.type, VERSION]), body);
  checkSize(bytes);
  return bytes;
}

/**
 * @throws {InputError} INPUT_TOO_LARGE; INPUT_INVALID for an unknown type or version, or a body that does not decode
 */
export function decodePayload(bytes: Uint8Array): Payload {
  checkSize(bytes);
  const [type, version] = bytes;
  const body = bytes.subarray(2);
  if (version === VERSION && type === PayloadType.inference) return { type, prompt: decodePrompt(body) };
  if (version === VERSION && type === PayloadType.openai) return { type, body };
  throw new InputError({
    code: "INPUT_INVALID",
    message: "unknown payload type or version",
    details: { type: type ?? null, version: version ?? null },
  });
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length <= MAX_PAYLOAD_BYTES) return;
  throw new InputError({
    code: "INPUT_TOO_LARGE",
    message: `a payload has at most ${MAX_PAYLOAD_BYTES} bytes`,
    details: { size: bytes.length },
  });
}
