/** Evidence is judged now, or as of a time that the reader sets: endorsements and certificates have dates. */

import { Head } from "../ui/frame.tsx";

export interface WhenPanelProps {
  readonly time: number | null;
  readonly onTime: (time: number | null) => void;
}

export function WhenPanel({ time, onTime }: WhenPanelProps) {
  return (
    <section>
      <Head title="As of when">{time === null ? "now" : "a time that you set"}</Head>
      <div class="row spaced">
        <label class="small">
          Judge as of, in UTC{" "}
          <input
            type="datetime-local"
            step="1"
            value={time === null ? "" : new Date(time * 1_000).toISOString().slice(0, 19)}
            onChange={({ currentTarget: { value } }) => {
              const read = Date.parse(`${value}Z`);
              onTime(Number.isNaN(read) ? null : Math.floor(read / 1_000));
            }}
          />
        </label>
        {time !== null && (
          <button
            class="btn"
            type="button"
            onClick={() => {
              onTime(null);
            }}
          >
            Now
          </button>
        )}
      </div>
    </section>
  );
}
