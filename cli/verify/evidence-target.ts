/** What `adyton verify` was pointed at: a file, or the certificate that a server presents. */

import { MAX_INPUT_BYTES, tooLarge } from "../../endorsements/files/read-bounded.ts";
import { joinBytes } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { readInput } from "../input-file.ts";

export interface EvidenceTarget {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * @param target a path, `-` for standard input, or an https URL
 * @throws {InputError} INPUT_NOT_FOUND, INPUT_INVALID, INPUT_TOO_LARGE: a file that cannot be read or is empty, or a server that does not answer
 */
export async function readEvidenceTarget(target: string): Promise<EvidenceTarget> {
  if (/^https:\/\//i.test(target)) return await (await import("./server-certificate.ts")).readServer(target);
  if (/^[a-z]+:\/\//i.test(target)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${target}: only https URLs are asked for a certificate; anything else is read as a file`,
    });
  }
  const bytes = target === "-" ? await readStream("standard input", process.stdin) : readInput(target);
  const name = target === "-" ? "standard input" : target;
  return { name, bytes };
}

/** Counted while it is read: a pipe has no size to ask for. */
async function readStream(name: string, stream: AsyncIterable<unknown>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = chunk as Uint8Array;
    length += bytes.length;
    if (length > MAX_INPUT_BYTES) throw tooLarge(name, MAX_INPUT_BYTES);
    chunks.push(bytes);
  }
  return joinBytes(chunks);
}
