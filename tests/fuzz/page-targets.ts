/** Pages that a site makes up: whatever it sends, the text that a model is given keeps to its bounds, and nothing is thrown. */

import { brotliCompressSync, gzipSync } from "node:zlib";
import { readPage, type PageTask } from "../../enclave/sources/page-text.ts";
import { concatBytes, toUtf8 } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { mutate, type Random } from "./mutation.ts";
import type { FuzzTarget } from "./target.ts";

const ENCODINGS = ["identity", "gzip", "br"] as const;
const TYPES = ["text/html", "text/plain", "application/json", "application/xhtml+xml"] as const;
const CHARSETS = [null, "utf-8", "utf-16le", "shift_jis", "iso-2022-jp", "nobody-knows"] as const;
const DECODED_BYTES = 4_096;
const TEXT_BYTES = 64;

const PAGE = toUtf8(
  '<!doctype html><meta charset="utf-8"><title>Brücke</title><body><h1>Open &amp; free</h1><p hidden>no</p>' +
    "<table><tr><td>a<td>b</table><script>var x = '<p>';</script><!-- c --><p style='display:none'>d<p>e\u{1f309}</p>",
);

function compress(encoding: (typeof ENCODINGS)[number], bytes: Uint8Array): Uint8Array {
  if (encoding === "identity") return bytes;
  return encoding === "gzip" ? gzipSync(bytes) : brotliCompressSync(bytes);
}

/** Three bytes choose how it is sent; the rest is the body. */
function send(random: Random): Uint8Array<ArrayBuffer> {
  const choice = [random(ENCODINGS.length), random(TYPES.length), random(CHARSETS.length)];
  const encoding = ENCODINGS[choice[0] ?? 0] ?? "identity";
  const page = mutate(PAGE, random);
  const body = compress(encoding, random(8) === 0 ? concatBytes(...Array<Uint8Array>(40).fill(page)) : page);
  return concatBytes(new Uint8Array(choice), random(4) === 0 ? mutate(new Uint8Array(body), random) : body);
}

export const PAGE_TARGETS: readonly FuzzTarget[] = [
  {
    kind: "pages",
    seeds: () => Promise.resolve([concatBytes(new Uint8Array(3), PAGE)]),
    mutate: (_genuine, random) => send(random),
    run: (input) => {
      const task: PageTask = {
        body: input.subarray(3),
        encoding: ENCODINGS[(input[0] ?? 0) % ENCODINGS.length] ?? "identity",
        mediaType: TYPES[(input[1] ?? 0) % TYPES.length] ?? "text/html",
        charset: CHARSETS[(input[2] ?? 0) % CHARSETS.length] ?? null,
        decodedBytes: DECODED_BYTES,
        textBytes: TEXT_BYTES,
      };
      const read = readPage(task);
      if ("problem" in read) throw new InputError({ code: "INPUT_INVALID", message: read.problem });
      const bytes = toUtf8(read.text).length;
      if (bytes === 0 || bytes > TEXT_BYTES) throw new Error(`a text of ${bytes} bytes`);
      if (read.decodedBytes > DECODED_BYTES) throw new Error(`${read.decodedBytes} bytes were expanded`);
      if (!read.text.isWellFormed()) throw new Error("a text that is no Unicode");
      // Room for one more character: it was cut only where it had to be.
      if (!read.isWhole && bytes <= TEXT_BYTES - 4) throw new Error(`a text that was cut at ${bytes} bytes`);
      return Promise.resolve("within its bounds");
    },
  },
];
