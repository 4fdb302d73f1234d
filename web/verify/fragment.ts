/**
 * The part of a link behind `#`, which browsers send to nobody: a file in base64url, compressed or not, and perhaps the policy
 * of whoever answered.
 *
 * `#gz=…&name=receipt.json`, `#data=…`, and beside either `operator-policy=…` (gzip).
 */

import type { GivenFile } from "../judge/judgement.ts";

/** Bytes of a file, unpacked; the longest receipt has as many. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** @returns no file where the fragment holds none that can be read */
export async function readFragment(hash: string): Promise<readonly GivenFile[]> {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const name = parameters.get("name")?.slice(0, 100) ?? "from-the-link";
  const [gz, data, policy] = ["gz", "data", "operator-policy"].map((key) => parameters.get(key));
  const files: GivenFile[] = [];
  if (policy != null) {
    files.push({
      name: "operator-policy.json",
      bytes: await unpack(fromBase64Url(policy)),
      origin: "operator",
    });
  }
  if (gz != null) files.push({ name, bytes: await unpack(fromBase64Url(gz)), origin: "link" });
  else if (data != null) files.push({ name, bytes: fromBase64Url(data), origin: "link" });
  return files;
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Counted while it is unpacked: a few bytes can stand for gigabytes. */
async function unpack(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MAX_FILE_BYTES) throw new RangeError("the link holds more than 16 MiB");
    chunks.push(value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
