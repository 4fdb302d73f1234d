/** The public key of a log or a witness as C2SP writes it, `name+id+base64` (c2sp.org/signed-note, "verifier key"). */

import { fromBase64, toBase64 } from "./base64.ts";
import { concatBytes, toHex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { COSIGNATURE, ED25519_SIGNATURE, noteKeyId } from "./receipt-log.ts";

/** A log signs checkpoints; a witness signs the time at which it saw one (c2sp.org/tlog-cosignature). */
export type NoteSigner = "log" | "witness";

const TYPES: Readonly<Record<NoteSigner, number>> = { log: ED25519_SIGNATURE, witness: COSIGNATURE };

export interface NoteVerifier {
  readonly name: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export function formatVerifierKey({ name, publicKey }: NoteVerifier, signer: NoteSigner = "log"): string {
  const type = TYPES[signer];
  const id = toHex(noteKeyId(name, publicKey, type)).slice(2);
  return `${name}+${id}+${toBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/** @throws {InputError} INPUT_INVALID */
export function parseVerifierKey(text: string, signer: NoteSigner = "log"): NoteVerifier {
  const [, name, id, base64] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const key = base64 === undefined ? new Uint8Array() : decode(base64);
  const publicKey = key.subarray(1);
  if (name === undefined || key[0] !== TYPES[signer] || publicKey.length !== 32) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `the key of a ${signer} is written name+id+base64 (C2SP verifier key, Ed25519)`,
    });
  }
  if (toHex(noteKeyId(name, publicKey, TYPES[signer])).slice(2) !== id)
    throw new InputError({ code: "INPUT_INVALID", message: `the key of the ${signer} has a typing error` });

  return { name, publicKey };
}

function decode(base64: string): Uint8Array {
  try {
    return fromBase64(base64);
  } catch {
    return new Uint8Array();
  }
}
