/** What `adyton verify` was pointed at: a file, or the certificate that a server presents. */

import { createReadStream } from "node:fs";
import { unreadable } from "../../endorsements/files/unreadable.ts";
import { concatBytes } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";

export interface EvidenceTarget {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Bytes. The longest evidence is a node's GPUs in JSON, under 1 MiB; a receipt has 16 MiB. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

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
  return target === "-" ? await readStream("standard input", process.stdin) : await readTargetFile(target);
}

async function readTargetFile(path: string): Promise<EvidenceTarget> {
  try {
    return await readStream(path, createReadStream(path));
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw unreadable(path, cause);
  }
}

/** Counted while it is read: a device or a pipe has no size to ask for. */
async function readStream(name: string, stream: AsyncIterable<unknown>): Promise<EvidenceTarget> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = chunk as Uint8Array;
    length += bytes.length;
    if (length > MAX_FILE_BYTES) {
      throw new InputError({
        code: "INPUT_TOO_LARGE",
        message: `${name} is longer than ${MAX_FILE_BYTES} bytes`,
      });
    }
    chunks.push(bytes);
  }
  // A download that failed, or a pipe from a command that did.
  if (length === 0)
    throw new InputError({ code: "INPUT_INVALID", message: `${name} is empty: there is nothing to judge` });
  return { name, bytes: concatBytes(...chunks) };
}
