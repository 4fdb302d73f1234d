/** Long text that is fetched and laid out a piece at a time, in a box of its own. */

import { useEffect, useState } from "preact/hooks";
import type { TextSlice } from "../judge/judgement.ts";
import { Odd } from "./text.tsx";

/** Characters a piece: some screens of text, laid out in a few milliseconds. */
const PIECE = 16_384;

export interface SlicesProps {
  readonly label: string;
  readonly read: (from: number, count: number) => Promise<TextSlice>;
}

export function Slices({ read, label }: SlicesProps) {
  const [{ text, total }, setSlice] = useState<TextSlice>({ text: "", total: 0 });
  const more = async (): Promise<void> => {
    const next = await read(text.length, PIECE);
    setSlice({ text: text + next.text, total: next.total });
  };
  useEffect(() => {
    void more();
  }, []);
  return (
    <>
      <pre class="bytes" tabIndex={0} aria-label={label}>
        <Odd text={text} />
      </pre>
      {text.length < total && (
        <button class="btn bare" type="button" onClick={() => void more()}>
          {`Show more: ${text.length.toLocaleString("en")} of ${total.toLocaleString("en")} are shown`}
        </button>
      )}
    </>
  );
}
