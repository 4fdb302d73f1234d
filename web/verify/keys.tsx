/** Keys for those who work by keyboard; off while the focus is in a field. */

import { useEffect } from "preact/hooks";

export interface KeyActions {
  readonly open: () => void;
  readonly paste: () => void;
  readonly move: (by: 1 | -1) => void;
  readonly list: () => void;
}

export function useKeys({ open, paste, move, list }: KeyActions): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isField(event.target)) return;
      const action = {
        o: open,
        p: paste,
        j: () => {
          move(1);
        },
        k: () => {
          move(-1);
        },
        "?": list,
      }[event.key];
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
    };
  });
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea, [contenteditable]");
}

const KEYS = [
  ["o", "open files"],
  ["p", "paste"],
  ["j, k", "next link, previous link"],
  ["Enter", "open the link"],
  ["?", "this list"],
] as const;

export function KeyList({ onClose }: { readonly onClose: () => void }) {
  return (
    <section aria-label="Keys">
      <dl class="kinds">
        {KEYS.map(([key, says]) => (
          <div key={key}>
            <dt class="mono">{key}</dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
      <button class="btn spaced" type="button" onClick={onClose}>
        Close
      </button>
    </section>
  );
}
