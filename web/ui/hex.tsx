/** Digests: the first 8 and the last 4 digits; pressing one copies all of it, focus shows it. */

import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import { shortHex } from "./short-hex.ts";
import { Odd } from "./text.tsx";

export function Hex({ value }: { readonly value: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <button
      class="hex"
      type="button"
      title={value}
      onClick={() => {
        void navigator.clipboard.writeText(value).then(() => {
          setCopied(true);
        });
      }}
      onBlur={() => {
        setCopied(false);
      }}
    >
      {isCopied ? "copied" : <Odd text={shortHex(value)} />}
    </button>
  );
}

const LONG_DIGITS = /\b(?:0x)?[0-9a-f]{33,}\b/g;

/** A sentence in which long digests stand. */
export function WithDigests({ text }: { readonly text: string }) {
  const parts: ComponentChild[] = [];
  let from = 0;
  for (const match of text.matchAll(LONG_DIGITS)) {
    parts.push(<Odd text={text.slice(from, match.index)} />, <Hex value={match[0]} />);
    from = match.index + match[0].length;
  }
  parts.push(<Odd text={text.slice(from)} />);
  return <span class="isolated">{parts}</span>;
}
