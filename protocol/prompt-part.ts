/**
 * A question's parts beside its messages: pages, images, documents, and reads of chain state that the enclave makes.
 * docs/reference/protocol.md, Parts.
 */

import * as AbiParameters from "ox/AbiParameters";
import * as z from "zod";
import { ByteCursor, uintBytes } from "./byte-cursor.ts";
import { concatBytes, equalBytes, fromHex, fromUtf8, toHex, toUtf8 } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { address, bytes32, bytesHex, plainText } from "./fields.ts";
import { MAX_PART_TEXT_BYTES } from "./limits.ts";

export const PartKind = { page: 1, image: 2, document: 3, read: 4 } as const;
export const Mime = { png: 1, jpeg: 2, webp: 3, pdf: 4 } as const;

const shortText = plainText.min(1).refine((text) => toUtf8(text).length <= MAX_PART_TEXT_BYTES, {
  error: `has at most ${MAX_PART_TEXT_BYTES} bytes`,
});

export const PromptPart = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal(PartKind.page), url: shortText }),
  z.strictObject({
    kind: z.literal(PartKind.image),
    mime: z.union([z.literal(Mime.png), z.literal(Mime.jpeg), z.literal(Mime.webp)]),
    /** keccak256 of its bytes. */
    hash: bytes32,
    uri: shortText,
  }),
  z.strictObject({
    kind: z.literal(PartKind.document),
    mime: z.literal(Mime.pdf),
    /** keccak256 of its bytes. */
    hash: bytes32,
    uri: shortText,
  }),
  z.strictObject({
    kind: z.literal(PartKind.read),
    target: address,
    /** As in `balanceOf(address) returns (uint256)`. */
    signature: shortText,
    /** ABI-encoded, without the selector. */
    arguments: bytesHex,
    /** What the model is told that the value is. */
    label: shortText,
  }),
]);
export type PromptPart = z.output<typeof PromptPart>;

const READ_ABI = [
  { name: "target", type: "address" },
  { name: "signature", type: "string" },
  { name: "arguments", type: "bytes" },
  { name: "label", type: "string" },
] as const;

const KIND_BYTES = 1;
const LENGTH_BYTES = 3;
const MIME_BYTES = 1;
const HASH_BYTES = 32;

/** `type 1 ‖ length 3 ‖ body`. */
export function encodePart(part: PromptPart): Uint8Array<ArrayBuffer> {
  const body = encodePartBody(part);
  return concatBytes(uintBytes(part.kind, KIND_BYTES), uintBytes(body.length, LENGTH_BYTES), body);
}

/** What `Part.body` of a contract's prompt holds. */
export function encodePartBody(part: PromptPart): Uint8Array<ArrayBuffer> {
  switch (part.kind) {
    case PartKind.page:
      return toUtf8(part.url);
    case PartKind.image:
    case PartKind.document:
      return concatBytes(uintBytes(part.mime, MIME_BYTES), fromHex(part.hash), toUtf8(part.uri));
    case PartKind.read: {
      const { target, signature, label } = part;
      const encoded = AbiParameters.encode(READ_ABI, [target, signature, part.arguments, label]);
      return fromHex(encoded.toLowerCase());
    }
  }
}

/**
 * The next part, in its only spelling. Its values are unchecked: `Prompt` says what they may be.
 *
 * @throws {InputError} INPUT_INVALID for an unknown type, or a body that is not one of its type
 */
export function decodePart(cursor: ByteCursor): unknown {
  const kind = cursor.uint(KIND_BYTES);
  const body = cursor.bytes(cursor.uint(LENGTH_BYTES));
  switch (kind) {
    case PartKind.page:
      return { kind, url: fromUtf8(body) };
    case PartKind.image:
    case PartKind.document: {
      const inner = new ByteCursor(body);
      const mime = inner.uint(MIME_BYTES);
      const hash = toHex(inner.bytes(HASH_BYTES));
      return { kind, mime, hash, uri: fromUtf8(inner.bytes(inner.remaining)) };
    }
    case PartKind.read:
      return decodeRead(body);
    default:
      throw new InputError({
        code: "INPUT_INVALID",
        message: "the prompt has a part of an unknown type",
        details: { type: kind },
      });
  }
}

function decodeRead(body: Uint8Array<ArrayBuffer>): unknown {
  try {
    const [target, signature, bytes, label] = AbiParameters.decode(READ_ABI, body);
    const again = AbiParameters.encode(READ_ABI, [target, signature, bytes, label]);
    if (!equalBytes(fromHex(again.toLowerCase()), body)) throw new RangeError("not the canonical encoding");
    return { kind: PartKind.read, target: target.toLowerCase(), signature, arguments: bytes, label };
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "a read is not the encoding of one", cause });
  }
}
