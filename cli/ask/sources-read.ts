/** What the enclave read for a question, by its receipt. */

import type { Receipt } from "../../protocol/receipt.ts";
import { understoodEvent } from "../../protocol/transcript.ts";

export interface SourceRead {
  readonly kind: "page" | "image" | "document";
  readonly url: string;
  readonly mediaType: string;
  /** Of a page those of its text, which the model was given. */
  readonly bytes: number;
  /** Whether the model was given all of a page; `null` for a file. */
  readonly isWhole: boolean | null;
}

export function sourcesRead(receipt: Receipt): readonly SourceRead[] {
  const events = receipt.transcript.flatMap((leaf) => understoodEvent(leaf) ?? []);
  const urls = new Map(
    events.flatMap((event) => (event.type === "request.forwarded" ? [[event.exchange, event.url]] : [])),
  );
  return events.flatMap((event) => {
    if (event.type !== "source.read") return [];
    const { kind, mediaType, contentBytes, exchange, page } = event;
    const url = urls.get(exchange) ?? "";
    return [{ kind, url, mediaType, bytes: contentBytes, isWhole: page?.isWhole ?? null }];
  });
}

export function describeSource({ kind, url, mediaType, bytes, isWhole }: SourceRead): string {
  const of = kind === "page" ? " of text" : "";
  const cut = isWhole === false ? ", cut: the page is longer" : "";
  return `${url}: ${mediaType}, ${bytes.toLocaleString("en-US")} bytes${of}${cut}`;
}
