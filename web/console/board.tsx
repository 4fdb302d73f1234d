/** The whole console in its order of importance: one sentence, figures, what needs the operator, then what there is. */

import { Mark } from "../ui/mark.tsx";
import { duration } from "../requests/words.ts";
import { NeedsYou } from "./alerts.tsx";
import type { ConsoleState, Minute } from "./api.ts";
import { Chains, RpcServers } from "./chains.tsx";
import { Enclaves } from "./enclaves.tsx";
import { Keys, Money } from "./money.tsx";
import { Plot } from "./plot.tsx";
import { milliseconds, plural } from "./words.ts";

const HOUR = 60;
/** Minutes that a plot shows at least; of a node that is younger than two hours no more than its life. */
const LEAST_SHOWN = 10;

export interface BoardProps {
  readonly state: ConsoleState;
  readonly isStale: boolean;
}

export function Board({ state, isStale }: BoardProps) {
  const { minutes, now, startedAt } = state;
  const shown = minutes.slice(-Math.max(LEAST_SHOWN, Math.ceil((now - startedAt) / 60)));
  const latest = minutes.findLast(({ p50 }) => p50 !== null);
  const hour = minutes.slice(-HOUR).reduce((total, { settled }) => total + settled, 0);
  return (
    <div class={isStale ? "stale" : ""}>
      <Headline state={state} />
      <Figures state={state} latest={latest} settled={hour} />
      <NeedsYou alerts={state.alerts} now={state.now} />
      <Chains chains={state.chains} />
      <div class="cols b below">
        <Plot
          title="Latency"
          says={
            latest === undefined
              ? "nothing settled"
              : `p50 ${milliseconds(latest.p50)}, p95 ${milliseconds(latest.p95)}`
          }
          foot="seconds from a request’s reading to its settlement’s, by the minute"
          minutes={shown}
          lines={[
            { name: "p50", of: ({ p50 }) => (p50 === null ? null : p50 / 1_000) },
            { name: "p95", of: ({ p95 }) => (p95 === null ? null : p95 / 1_000), isDashed: true },
          ]}
        />
        <Plot
          title="Answers"
          says={`${hour} in the last hour`}
          foot="settled by the minute, all chains; without an answer is what was refunded or cancelled"
          minutes={shown}
          lines={[
            { name: "settled", of: ({ settled }) => settled },
            { name: "without", of: ({ ended }) => ended, isDashed: true },
          ]}
        />
      </div>
      <div class="cols b below">
        <Keys purses={state.purses} />
        <Money purses={state.purses} />
      </div>
      <Enclaves enclaves={state.enclaves} now={state.now} reverifySeconds={state.reverifySeconds} />
      <RpcServers chains={state.chains} />
    </div>
  );
}

function Headline({ state: { alerts, ready, now, startedAt, store } }: { readonly state: ConsoleState }) {
  const alarms = alerts.filter(({ severity }) => severity === "alarm").length;
  const needs =
    alarms > 0
      ? `${plural(alarms, "thing needs", "things need")} you now.`
      : alerts.length > 0
        ? `${plural(alerts.length, "thing", "things")} to look at.`
        : "Nothing needs you.";
  return (
    <div class="verdict">
      <p class="file">
        <span>up {duration(now - startedAt)}</span>
        <span>
          {store.writable ? `store writes in ${milliseconds(store.writeMs)}` : "store takes no rows"}
        </span>
        <span>
          read-only: changes are made by <code>adyton oracle</code>
        </span>
      </p>
      <h1 class="headline">
        <Mark name={ready ? "settled" : "lost"} tone={ready ? "ink" : "fails"} />
        <span>{`${ready ? "Answering." : "Not answering."} ${needs}`}</span>
      </h1>
    </div>
  );
}

interface FiguresProps {
  readonly state: ConsoleState;
  readonly latest: Minute | undefined;
  readonly settled: number;
}

function Figures({ state: { chains, deadLetters, jobsInFlight }, latest, settled }: FiguresProps) {
  const oldest = chains
    .filter(({ oldestUnsettledSeconds }) => oldestUnsettledSeconds !== null)
    .toSorted((a, b) => (b.oldestUnsettledSeconds ?? 0) - (a.oldestUnsettledSeconds ?? 0))[0];
  const waiting = chains.flatMap(({ queue }) => queue).reduce((total, { count }) => total + count, 0);
  const figures: readonly (readonly [string, string, string])[] = [
    [
      "Oldest unsettled",
      oldest === undefined ? "none" : duration(oldest.oldestUnsettledSeconds ?? 0),
      oldest === undefined ? "nothing waits" : `chain ${oldest.chainId}`,
    ],
    ["In the queue", String(waiting), `${jobsInFlight} at the enclaves`],
    ["Settled", settled.toLocaleString("en"), "in the last hour"],
    [
      "p50, p95",
      latest === undefined ? "–" : `${milliseconds(latest.p50)}, ${milliseconds(latest.p95)}`,
      "of the last minute that had any",
    ],
    ["Failed for good", String(deadLetters), "dead letters"],
  ];
  return (
    <section class="lead-figures">
      <dl class="sum">
        {figures.map(([name, value, foot]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value}
              <small>{foot}</small>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
