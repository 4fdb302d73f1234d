/** The payload, which travels beside a request: a type, a version, and a body whose form they name. */

import { decodeAgentCall, encodeAgentCall, type AgentCall } from "./agent-call.ts";
import { concatBytes, type Hex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { MAX_CALL_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES } from "./limits.ts";
import { decodePrompt, encodePrompt } from "./packed-prompt.ts";
import type { Prompt } from "./prompt.ts";
import { keccak } from "./struct-hash.ts";

export const PayloadType = { inference: 1, agent: 2, openai: 3, sealed: 4, keyed: 5 } as const;

/** Version 1 of an inference was ABI-encoded, and is no longer read. */
const VERSION = { [PayloadType.inference]: 2, [PayloadType.agent]: 1, [PayloadType.openai]: 1 } as const;

export type Payload =
  | { readonly type: typeof PayloadType.inference; readonly prompt: Prompt }
  | { readonly type: typeof PayloadType.agent; readonly call: AgentCall }
  | { readonly type: typeof PayloadType.openai; readonly body: Uint8Array };

export function payloadHash(payload: Uint8Array): Hex {
  return keccak(payload);
}

/** @throws {InputError} INPUT_TOO_LARGE, or INPUT_INVALID for a prompt that breaks a rule */
export function encodePayload(payload: Payload): Uint8Array<ArrayBuffer> {
  const bytes = concatBytes(new Uint8Array([payload.type, VERSION[payload.type]]), encodeBody(payload));
  checkSize(bytes);
  return bytes;
}

function encodeBody(payload: Payload): Uint8Array {
  switch (payload.type) {
    case PayloadType.inference:
      return encodePrompt(payload.prompt);
    case PayloadType.agent:
      return encodeAgentCall(payload.call);
    case PayloadType.openai:
      return payload.body;
  }
}

/**
 * @throws {InputError} INPUT_TOO_LARGE; INPUT_INVALID for an unknown type or version, or a body that does not decode
 */
export function decodePayload(bytes: Uint8Array): Payload {
  checkSize(bytes);
  const [type, version] = bytes;
  const body = bytes.subarray(2);
  if (type === PayloadType.inference && version === VERSION[type])
    return { type, prompt: decodePrompt(body) };
  if (type === PayloadType.agent && version === VERSION[type]) return { type, call: decodeAgentCall(body) };
  if (type === PayloadType.openai && version === VERSION[type]) return { type, body };
  throw new InputError({
    code: "INPUT_INVALID",
    message: "unknown payload type or version",
    details: { type: type ?? null, version: version ?? null },
  });
}

function checkSize(bytes: Uint8Array): void {
  const most = bytes[0] === PayloadType.openai ? MAX_CALL_PAYLOAD_BYTES : MAX_PAYLOAD_BYTES;
  if (bytes.length <= most) return;
  throw new InputError({
    code: "INPUT_TOO_LARGE",
    message: `a payload has at most ${most} bytes`,
    details: { size: bytes.length },
  });
}
