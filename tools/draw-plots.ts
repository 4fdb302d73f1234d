/**
 * `npm run -s bench:plots -- [--oracle FILE] [--simulation FILE]`: draws the figures of the benches into docs/images, each with its date and commit.
 * Gas is drawn from bench/gas-snapshot.json; latency and throughput from what `bench:oracle -- --json` wrote to FILE, the simulation's two from what
 * `bench:oracle -- --simulate --json` wrote.
 */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as z from "zod";
import { barChart, type BarChart } from "./plots/bar-chart.ts";
import { lineChart, type Line, type LineChart } from "./plots/line-chart.ts";

const { values } = parseArgs({ options: { oracle: { type: "string" }, simulation: { type: "string" } } });

const Gas = z.object({
  request: z.number(),
  requestContext: z.number(),
  fulfill: z.number(),
  batch10PerAnswer: z.number(),
  batch50PerAnswer: z.number(),
  pullVerify: z.number(),
  admitTdx: z.number(),
});
const Oracle = z.object({
  latencyMs: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }),
  peer: z.object({ latencyMs: z.object({ p50: z.number() }) }).optional(),
  singlePerSecond: z.number().optional(),
  batchedPerSecond: z.number().optional(),
});
const Simulation = z.object({
  seed: z.number(),
  seconds: z.number(),
  shapes: z.array(
    z.object({
      name: z.string(),
      points: z.array(
        z.object({
          requestsPerSecond: z.number(),
          factor: z.number(),
          deliveredPerSecond: z.number(),
          latencyMs: z.object({ p99: z.number() }),
        }),
      ),
      breaks: z.object({ factor: z.number(), at: z.string() }).nullable(),
    }),
  ),
});
type Simulation = z.output<typeof Simulation>;

draw("gas", gasChart());
if (values.oracle !== undefined) {
  const { latencyMs, peer, singlePerSecond, batchedPerSecond } = Oracle.parse(read(values.oracle));
  const source = sourceOf("bench:oracle", "HEAD");
  draw("latency", {
    title: "From a request's block to the answer's, on one machine",
    unit: "ms",
    source,
    bars: [
      { label: "median", value: latencyMs.p50 },
      { label: "95 of 100", value: latencyMs.p95 },
      { label: "99 of 100", value: latencyMs.p99 },
      ...(peer === undefined
        ? []
        : [{ label: "Chainlink's toolkit, median", value: peer.latencyMs.p50, isPeer: true }]),
    ],
  });
  draw("throughput", {
    title: "Answers settled on two cores",
    unit: "per second",
    source,
    bars: [
      ...(singlePerSecond === undefined ? [] : [{ label: "one a transaction", value: singlePerSecond }]),
      ...(batchedPerSecond === undefined ? [] : [{ label: "in batches", value: batchedPerSecond }]),
    ],
  });
}

if (values.simulation !== undefined) drawSimulation(Simulation.parse(read(values.simulation)));

function drawSimulation({ seed, seconds, shapes }: Simulation): void {
  const source = `${sourceOf("bench:oracle -- --simulate", "bench/oracle/measured-costs.json")}, seed ${seed}`;
  const xLabel = "requests a second";
  type Point = Simulation["shapes"][number]["points"][number];
  const linesOf = (y: (point: Point) => number): Line[] =>
    shapes.map(({ name, points, breaks }) => ({
      label: name,
      note: breaks === null ? "keeps up" : `breaks at ×${breaks.factor.toLocaleString("en")}, ${breaks.at}`,
      points: points.map((point) => ({ x: point.requestsPerSecond, y: y(point) })),
      markedX: points.find(({ factor }) => factor === breaks?.factor)?.requestsPerSecond,
    }));
  write("simulated-throughput", {
    title: "Simulated: answers delivered under more load",
    yLabel: "answers a second",
    ...{ xLabel, source },
    lines: linesOf(({ deliveredPerSecond }) => deliveredPerSecond),
  });
  write("simulated-latency", {
    title: `Simulated: how late 99 of 100 answers are at most, after ${seconds} s of it`,
    yLabel: "seconds",
    ...{ xLabel, source },
    lines: linesOf(({ latencyMs }) => latencyMs.p99 / 1_000),
  });
  function write(name: string, chart: LineChart): void {
    writeFileSync(`docs/images/${name}.svg`, lineChart(chart));
  }
}

function gasChart(): BarChart {
  const gas = Gas.parse(read("bench/gas-snapshot.json"));
  return {
    title: "What a question and its answer cost on chain",
    unit: "gas",
    source: sourceOf("bench:gas", "bench/gas-snapshot.json"),
    bars: [
      { label: "ask", value: gas.request },
      { label: "ask, keeping no id", value: gas.requestContext },
      { label: "answer", value: gas.fulfill },
      { label: "answer, in a batch of 10", value: gas.batch10PerAnswer },
      { label: "answer, in a batch of 50", value: gas.batch50PerAnswer },
      { label: "check a pulled answer", value: gas.pullVerify },
      // Measured with the official toolkit: docs/explanation/settlement-gas.md.
      { label: "Chainlink Functions: ask", value: 225_798, isPeer: true },
      { label: "Chainlink Functions: answer", value: 173_686, isPeer: true },
    ],
  };
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8")) as unknown;
}

/** @param what the last commit that changed this file; `HEAD`: the one that is checked out */
function sourceOf(command: string, what: string): string {
  const args = ["log", "-1", "--format=%cs %h", ...(what === "HEAD" ? [] : ["--", what])];
  const [date, commit] = execFileSync("git", args, { encoding: "utf8" }).trim().split(" ");
  return `npm run ${command}, ${date ?? ""}, commit ${commit ?? ""}`;
}

function draw(name: string, chart: BarChart): void {
  writeFileSync(`docs/images/${name}.svg`, barChart(chart));
}
