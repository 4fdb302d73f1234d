/** What the page says before anything is dropped. */

import { Head } from "../ui/frame.tsx";
import { Mark, type MarkName, type Tone } from "../ui/mark.tsx";

const RESULTS: readonly (readonly [MarkName, Tone, string, string])[] = [
  ["genuine", "open", "Outer square: is it genuine?", "The vendor’s hardware signed these bytes."],
  ["accepted", "holds", "Inner square: is it accepted?", "It is what your policy names."],
  ["simulatedAccepted", "warn", "Broken outline: simulated.", "No hardware, whatever the policy says."],
  ["broken", "fails", "Crossed: shown to be false.", "The page shows which link, and the bytes."],
  ["question", "unknown", "Question: cannot be judged.", "Something needed is missing or out of date."],
];

export function WhatAResultSays() {
  return (
    <section>
      <Head title="What a result says">two squares, two questions</Head>
      <ul class="says">
        {RESULTS.map(([mark, tone, what, why]) => (
          <li key={what}>
            <span class={`s-${tone}`}>
              <Mark name={mark} />
            </span>
            <span>
              <strong>{what}</strong> {why}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
