/** The marks. Two squares stand for the two questions of a verdict; states of requests are circles, alarms triangles. */

import type { ComponentChildren } from "preact";

export type MarkName =
  | "accepted"
  | "genuine"
  | "operator"
  | "refused"
  | "simulated"
  | "simulatedAccepted"
  | "question"
  | "broken"
  | "dotted"
  | "half"
  | "tick"
  | "cross"
  | "dash"
  | "word"
  | "settled"
  | "seen"
  | "declined"
  | "lost"
  | "alarm";

export type Tone = "ink" | "act" | "holds" | "open" | "warn" | "fails" | "unknown" | "off";

const OUTER = <rect x="2" y="2" width="16" height="16" />;
const BROKEN_OUTER = <rect x="2" y="2" width="16" height="16" stroke-dasharray="3.2 2.13" />;
const INNER = <rect x="6.5" y="6.5" width="7" height="7" fill="currentColor" stroke="none" />;
const CIRCLE = <circle cx="10" cy="10" r="6" />;

const SHAPES: Readonly<Record<MarkName, ComponentChildren>> = {
  accepted: [OUTER, INNER],
  genuine: OUTER,
  operator: [OUTER, <rect x="6.5" y="6.5" width="7" height="7" />],
  refused: [OUTER, <path d="M6 10h8" />],
  simulated: BROKEN_OUTER,
  simulatedAccepted: [BROKEN_OUTER, INNER],
  question: [BROKEN_OUTER, <path d="M7.6 7.6c0-3 4.8-3 4.8 0 0 1.7-2.4 1.7-2.4 3.6M10 13.4v1.6" />],
  broken: [<path d="M2 7V2h11M18 7v11H7M2 11v7h2M16 2h2v2" />, <path d="M5.5 5.5l9 9M14.5 5.5l-9 9" />],
  dotted: <rect x="2" y="2" width="16" height="16" stroke-dasharray="1.4 2.6" />,
  half: [CIRCLE, <path d="M10 4a6 6 0 000 12z" fill="currentColor" stroke="none" />],
  tick: <path d="M3.5 10.5l4.2 4.2L16.5 5.5" />,
  cross: <path d="M4 4l12 12M16 4L4 16" />,
  dash: <path d="M4 10h12" />,
  word: [<circle cx="10" cy="10" r="8" stroke-dasharray="3.1 1.92" />, <path d="M6.5 8.5h7M6.5 12h4.5" />],
  settled: <circle cx="10" cy="10" r="6" fill="currentColor" />,
  seen: CIRCLE,
  declined: [CIRCLE, <path d="M7 10h6" />],
  lost: [CIRCLE, <path d="M7.5 7.5l5 5M12.5 7.5l-5 5" />],
  alarm: [<path d="M10 2.5L18.5 17h-17z" />, <path d="M10 8v4M10 13.6v1.4" />],
};

export function Mark({ name, tone }: { readonly name: MarkName; readonly tone?: Tone }) {
  return (
    <svg
      class={`mark${tone === undefined ? "" : ` s-${tone}`}`}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      aria-hidden="true"
    >
      {SHAPES[name]}
    </svg>
  );
}

export interface StateProps {
  readonly mark: MarkName;
  readonly tone: Tone;
  readonly children?: ComponentChildren;
}

/** A mark with its word. */
export function State({ mark, tone, children }: StateProps) {
  return (
    <span class={`st s-${tone}`}>
      <Mark name={mark} />
      <span>{children}</span>
    </span>
  );
}
