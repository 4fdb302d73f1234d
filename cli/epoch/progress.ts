/** What a prover says of its work: the phase, how long it has taken, and what is left by the circuit's gates. */

import type { Progress } from "../../coprocessor/prover/prove.ts";

/** Of Barretenberg 5.0.0 on one thread, measured. */
const SECONDS_PER_GATE = 0.000_036;

/** One line for each phase, and for each line that Barretenberg writes. */
export function progressLines(
  say: (line: string) => void,
  { gates, threads, now }: { readonly gates: number; readonly threads: number; readonly now: () => number },
): (progress: Progress) => void {
  const expected = (gates * SECONDS_PER_GATE) / threads;
  let started = now();
  return ({ phase, detail }) => {
    if (detail === undefined) started = now();
    const passed = (now() - started) / 1_000;
    const left = phase === "proof" ? `, about ${Math.max(0, Math.round(expected - passed))} s left` : "";
    say(`${phase}: ${passed.toFixed(1)} s${left}${detail === undefined ? "" : ` (${detail})`}`);
  };
}
