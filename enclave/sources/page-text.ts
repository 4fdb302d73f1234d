/**
 * From a page's bytes to the text that a model is given: expanded, decoded, and without its markup. A page's author chose every byte, so that
 * this runs in threads whose time and memory are bounded (`page-threads.ts`).
 */

import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { Parser } from "htmlparser2";

export interface PageTask {
  readonly body: Uint8Array;
  readonly encoding: "identity" | "gzip" | "br";
  readonly mediaType: string;
  /** As the response names it; null where it does not. */
  readonly charset: string | null;
  /** Bytes of the body once expanded, and of the text, at most. */
  readonly decodedBytes: number;
  readonly textBytes: number;
}

export type PageText =
  | {
      readonly text: string;
      readonly decodedBytes: number;
      /** Nothing of it was left out for its length. */
      readonly isWhole: boolean;
    }
  | { readonly problem: string };

const HTML: ReadonlySet<string> = new Set(["text/html", "application/xhtml+xml"]);

export function readPage(task: PageTask): PageText {
  const expanded = expand(task);
  if (expanded === null) return { problem: `it cannot be expanded to at most ${task.decodedBytes} bytes` };
  const isHtml = HTML.has(task.mediaType);
  const decoder = decoderFor(task.charset ?? (isHtml ? charsetWithin(expanded) : null) ?? "utf-8");
  if (decoder === null) return { problem: "it is in an unknown character set" };
  const decoded = decoder.decode(expanded);
  const extracted = isHtml ? extractText(decoded) : decoded;
  if (extracted === null) return { problem: `its elements nest deeper than ${MAX_DEPTH}` };
  const text = withoutControls(extracted).trim();
  if (text === "") return { problem: "it has no text" };
  const room = new Uint8Array(task.textBytes);
  const { read } = new TextEncoder().encodeInto(text, room);
  return { text: text.slice(0, read), decodedBytes: expanded.length, isWhole: read === text.length };
}

function expand({ body, encoding, decodedBytes }: PageTask): Uint8Array | null {
  if (encoding === "identity") return body.length <= decodedBytes ? body : null;
  const options = { maxOutputLength: decodedBytes };
  try {
    return encoding === "gzip" ? gunzipSync(body, options) : brotliDecompressSync(body, options);
  } catch {
    return null;
  }
}

function decoderFor(label: string): InstanceType<typeof TextDecoder> | null {
  try {
    return new TextDecoder(label);
  } catch {
    return null;
  }
}

/** Bytes that a browser looks for it in (HTML, 13.2.3.2). */
const PRESCANNED = 1_024;

function charsetWithin(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.subarray(0, PRESCANNED)).toString("latin1");
  return /<meta[^>]{0,256}charset\s{0,8}=\s{0,8}["']?([\w:.-]{1,40})/i.exec(start)?.[1] ?? null;
}

/** What providers and stores refuse in a text, and nobody reads. */
function withoutControls(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "\ufffd");
}

/** What no reader of the page sees, or is no text. */
const SKIPPED: ReadonlySet<string> = new Set(
  "script style template svg math iframe object embed canvas audio video".split(" "),
);

/** Words before and after these are not of one line. */
const BLOCKS: ReadonlySet<string> = new Set(
  (
    "address article aside blockquote br caption dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 " +
    "header hr li main nav ol option p pre section summary table tbody tfoot thead title tr ul"
  ).split(" "),
);
const CELLS: ReadonlySet<string> = new Set(["td", "th"]);

/** Text that a page hides from its readers would speak to a model alone. */
function isHidden(attributes: Readonly<Record<string, string>>): boolean {
  return (
    "hidden" in attributes ||
    attributes["aria-hidden"] === "true" ||
    /(?:display\s*:\s*none|visibility\s*:\s*hidden)/i.test(attributes["style"]?.slice(0, 1_024) ?? "")
  );
}

/** Elements inside of each other: as deep as browsers build a page. The parser's time grows with the square of it. */
const MAX_DEPTH = 512;

/**
 * The text of an HTML document, a line for each block; null for one that nests deeper than `MAX_DEPTH`. Every element that opens is
 * closed by the parser, whatever the page does.
 */
export function extractText(html: string): string | null {
  const pieces: string[] = [];
  let skipped = 0;
  let depth = 0;
  let deepest = 0;
  const parser: Parser = new Parser({
    onopentag: (name, attributes) => {
      depth += 1;
      deepest = Math.max(deepest, depth);
      // Ends the parser's loop: what is left is not looked at.
      if (depth > MAX_DEPTH) parser.pause();
      if (skipped > 0 || SKIPPED.has(name) || isHidden(attributes)) skipped += 1;
      else if (BLOCKS.has(name)) pieces.push("\n");
      else if (CELLS.has(name)) pieces.push(" ");
    },
    ontext: (text) => {
      if (skipped === 0) pieces.push(text.replace(/\s+/g, " "));
    },
    onclosetag: (name) => {
      depth -= 1;
      if (skipped > 0) skipped -= 1;
      else if (BLOCKS.has(name)) pieces.push("\n");
    },
  });
  parser.end(html);
  if (deepest > MAX_DEPTH) return null;
  return pieces
    .join("")
    .replace(/ {2,}/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .replace(/\n{2,}/g, "\n");
}
