/** Text from elsewhere: isolated, never markup, its oddities named, and cut where it is long. */

import { useState } from "preact/hooks";
import { oddRuns } from "./odd-characters.ts";

/** Characters shown before the reader asks for more. */
const SHOWN = 600;
/** Characters that are added each time: laying out more at once would stop the page. */
const MORE = 20_000;

export function HostileText({ text }: { readonly text: string }) {
  const [shown, setShown] = useState(SHOWN);
  return (
    <>
      <span class="isolated">
        <Odd text={text.slice(0, shown)} />
      </span>
      {text.length > shown && (
        <button
          class="btn bare more"
          type="button"
          onClick={() => {
            setShown(shown + MORE);
          }}
        >
          {`Show ${text.length - shown <= MORE ? "all" : "more of"} ${text.length.toLocaleString("en")}`}
        </button>
      )}
    </>
  );
}

export function Odd({ text }: { readonly text: string }) {
  const runs = oddRuns(text);
  if (runs.every(({ odd }) => odd === null)) return <>{text}</>;
  return <>{runs.map(({ text: plain, odd }) => (odd === null ? plain : <span class="odd">{odd}</span>))}</>;
}
