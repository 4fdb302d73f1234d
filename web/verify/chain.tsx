/** From hardware to provider: six links, and what was compared between them. */

import { Mark } from "../ui/mark.tsx";
import type { LinkView, Wire } from "./chain-view.ts";

export function Chain({
  links,
  onOpen,
}: {
  readonly links: readonly LinkView[];
  readonly onOpen: (link: string) => void;
}) {
  return (
    <ol class="chain draw" aria-label="From hardware to provider: six links">
      {links.map((view) => (
        <ChainLink key={view.link} view={view} onOpen={onOpen} />
      ))}
    </ol>
  );
}

function ChainLink({ view, onOpen }: { readonly view: LinkView; readonly onOpen: (link: string) => void }) {
  const { link, mark, tone, title, word, says, rests, wire } = view;
  const open = (event: Event): void => {
    event.preventDefault();
    onOpen(link);
  };
  return (
    <li class={mark === "dotted" ? "nr" : ""}>
      <span class={`node s-${tone}`} aria-hidden="true">
        <Mark name={mark} />
      </span>
      {wire !== null && <WireLine wire={wire} />}
      <a class="what" href={`#k-${link}`} onClick={open}>
        <b>{title}</b>
        <span class="vh">{`: ${word}. `}</span>
        <span>{says}</span>
      </a>
      <p class="rests">
        <em>rests on</em>
        {rests}
      </p>
    </li>
  );
}

const WIRE_CLASSES: Readonly<Record<Wire["kind"], string>> = {
  compared: "",
  word: "word-of",
  none: "none",
  broken: "broken",
};

function WireLine({ wire: { kind, tone, word, says, values } }: { readonly wire: Wire }) {
  return (
    <>
      <span class={`wire ${WIRE_CLASSES[kind]} s-${tone}`}>
        {kind === "broken" && (
          <i>
            <Mark name="cross" />
          </i>
        )}
      </span>
      <p class="joint">
        <span class="vh">{`to the next, ${word}: `}</span>
        {says}
        {values.length > 0 && (
          <span class="mono">
            {values.map((value) => (
              <span key={value}>{`${value} `}</span>
            ))}
          </span>
        )}
      </p>
    </>
  );
}
