import { concatBytes } from "../protocol/bytes.ts";

/** A reply's body. @throws {RangeError} for one that is longer, without reading on */
export async function readAtMost(response: Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  if (response.body !== null) {
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > limit) {
        await reader.cancel();
        throw new RangeError(`the reply has more than ${limit} bytes`);
      }
      parts.push(value);
    }
  }
  return concatBytes(...parts);
}
