/** Beside a verdict of "not genuine": where it breaks, with both values in full. */

import type { PieceVerdict } from "../../attestation/verdict/verdict.ts";
import { WithDigests } from "../ui/hex.tsx";
import { Compared } from "./links.tsx";

export interface BreakPanelProps {
  readonly piece: PieceVerdict;
  readonly onSee: () => void;
  readonly onAnother: () => void;
  readonly report: () => string;
}

export function BreakPanel({ piece, onSee, onAnother, report }: BreakPanelProps) {
  const failing = piece.checks.find(({ state }) => state === "fails");
  return (
    <div class="qa">
      <div>
        <p class="lab">{`Where it breaks: ${failing === undefined ? "" : `${failing.link}, ${failing.name}`}`}</p>
        {failing !== undefined && failing.expected !== null && failing.found !== null ? (
          <Compared expected={failing.expected} found={failing.found} />
        ) : (
          <p class="small">
            <WithDigests text={failing?.detail ?? piece.sentence} />
          </p>
        )}
        <p class="small muted">
          A hash says that the bytes differ, never which. This page cannot show the original: ask whoever
          answered for it again.
        </p>
        <div class="row spaced">
          <button class="btn main" type="button" onClick={onSee}>
            See the bytes
          </button>
          <button class="btn" type="button" onClick={() => void navigator.clipboard.writeText(report())}>
            Copy report
          </button>
          <button class="btn bare" type="button" onClick={onAnother}>
            Verify another
          </button>
        </div>
      </div>
    </div>
  );
}
