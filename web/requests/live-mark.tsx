/** Whether the page follows its node at the moment, in words. */

import type { LiveState } from "./live.ts";

const WORDS = { live: "Live", paused: "Paused", lost: "Lost, trying again" } as const;

export function LiveMark({ state }: { readonly state: LiveState }) {
  return <span class={`live ${state === "live" ? "" : state}`}>{WORDS[state]}</span>;
}
