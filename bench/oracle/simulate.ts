/** `bench:oracle -- --simulate`: reads what an answer was measured to cost, and says what more load would do. */

import { readFileSync } from "node:fs";
import { MeasuredCosts } from "./simulation/costs.ts";
import { SHAPES, sweep, type Swept, type SweepOptions } from "./simulation/sweep.ts";

/** What `bench:oracle -- --only costs` wrote when it was last run for the record. */
export const COSTS_FILE = new URL("measured-costs.json", import.meta.url).pathname;

export interface Simulation extends SweepOptions {
  readonly costs: MeasuredCosts;
  readonly shapes: readonly Swept[];
}

export function runSimulation(
  costsFile: string,
  options: SweepOptions,
  say: (text: string) => void,
): Simulation {
  const costs = MeasuredCosts.parse(JSON.parse(readFileSync(costsFile, "utf8")));
  say(`seed ${options.seed}; costs: ${costs.source}`);
  const shapes = SHAPES.map((shape) => {
    const swept = sweep(costs, shape, options);
    say(describe(swept));
    return swept;
  });
  return { ...options, costs, shapes };
}

function describe({ name, points, breaks }: Swept): string {
  const rows = points.map(
    ({ factor, requestsPerSecond, deliveredPerSecond, latencyMs, growthPerSecond, breaksAt }) =>
      [
        `  ×${factor}`.padEnd(8),
        `${requestsPerSecond} asked, ${deliveredPerSecond} delivered a second`.padEnd(44),
        `p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms`.padEnd(32),
        breaksAt === null ? "keeps up" : `queue grows by ${growthPerSecond} a second: ${breaksAt}`,
      ].join(""),
  );
  const end = breaks === null ? "keeps up with all of them" : `breaks at ×${breaks.factor}: ${breaks.at}`;
  return [`${name}: ${end}`, ...rows].join("\n");
}
