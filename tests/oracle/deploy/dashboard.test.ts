import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderMetrics, type RuntimeState } from "../../../oracle/http/metrics.ts";
import { WELL_CHAIN, WELL_STORE } from "../support/health.ts";
import { SpanDurations } from "../../../oracle/telemetry/span-durations.ts";

const read = (file: string): string =>
  readFileSync(new URL(`../../../oracle/deploy/${file}`, import.meta.url), "utf8");

const UPKEEP = {
  rpcTraffic: [{ endpoint: "rpc", exchanges: 1, failures: 0, ms: 1 }],
  credits: [{ payee: "0x", credit: 1n }],
  admissionEnd: 9,
};

/** A node with something of everything. */
function exposition(): string {
  const durations = new SpanDurations();
  for (const name of ["request", "enclave.answer", "transaction"] as const) {
    durations.record({
      name,
      requestId: "0x",
      chainId: 1,
      startMs: 0,
      endMs: 1,
      outcome: "ok",
      attributes: {},
    });
  }
  const runtime: RuntimeState = {
    ready: true,
    jobsInFlight: 1,
    deadLetters: 0,
    oldest: [{ chainId: 1, requestSince: 1_000, transactionSince: null }],
    now: 1_060_000,
    chains: [
      { chainId: 1, rpcHealthy: 1, rpcTotal: 1, balances: [{ address: "0x", balance: 1n }], ...UPKEEP },
    ],
    storeFreeBytes: 1,
    retention: { archived: 1, failures: 0 },
    durations: durations.read(),
    peers: [{ name: "other", isReachable: true }],
    process: { residentBytes: 1, cpuSeconds: 1, startedAt: 1 },
  };
  return renderMetrics(
    {
      requests: [{ chainId: 1, phase: "asked", count: 1 }],
      transactions: [{ chainId: 1, state: "pending", count: 1 }],
    },
    { status: "ok", chains: [WELL_CHAIN], enclaves: [], store: WELL_STORE },
    runtime,
  );
}

/** Names of series, each with its labels' names and values. */
const SERIES = new Map<string, Record<string, string>[]>();
for (const line of exposition().split("\n")) {
  const [, name, labels = ""] = /^([a-z_]+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
  if (name === undefined) continue;
  const pairs = [...labels.matchAll(/([a-z]+)="([^"]*)"/g)].map(
    ([, label, value]) => [label, value] as const,
  );
  SERIES.set(name, [...(SERIES.get(name) ?? []), Object.fromEntries(pairs) as Record<string, string>]);
}

/** What Prometheus adds to every series of a scrape. */
const SCRAPE_LABELS = ["instance", "job"];

interface Selector {
  readonly metric: string;
  readonly labels: readonly (readonly [string, string, string])[];
}

function selectorsIn(expression: string): Selector[] {
  return [...expression.matchAll(/\b((?:adyton|process)_[a-z_]+)(?:\{([^}]*)\})?/g)].map(
    ([, metric, inner = ""]) => ({
      metric: metric!,
      labels: [...inner.matchAll(/([a-z]+)(=~|!=|=)"([^"]*)"/g)].map(([, label, operator, value]) => [
        label!,
        operator!,
        value!,
      ]),
    }),
  );
}

function grouped(expression: string): string[] {
  return [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names]) =>
    names!.split(",").map((name) => name.trim()),
  );
}

function check(expression: string): void {
  const selectors = selectorsIn(expression);
  expect(selectors.length, expression).toBeGreaterThan(0);
  for (const { metric, labels } of selectors) {
    const series = SERIES.get(metric);
    expect(series, `${metric} is exported`).toBeDefined();
    const known = [...SCRAPE_LABELS, ...Object.keys(series?.[0] ?? {})];
    for (const name of [...labels.map(([label]) => label), ...grouped(expression)])
      expect(known, `${metric} has a label ${name}`).toContain(name);
    for (const [label, operator, value] of labels) {
      if (operator === "=" && metric.includes("_span_")) {
        expect(
          series?.map((one) => one[label]),
          expression,
        ).toContain(value);
      }
    }
  }
}

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: string | { readonly query: string } }[] };
}

const dashboard = JSON.parse(read("grafana/oracle.json")) as Dashboard;

describe("the Grafana dashboard", () => {
  test.for(dashboard.panels.map(({ title, targets }) => [title, targets] as const))(
    "%s queries what the server exports",
    ([, targets]) => {
      for (const { expr } of targets) check(expr);
    },
  );

  test("its variables are labels that the server exports", () => {
    const queries = dashboard.templating.list.map(({ query }) =>
      typeof query === "string" ? query : query.query,
    );
    for (const query of queries.filter((one) => one.startsWith("label_values"))) {
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
      check(`${metric}{${label}="x"}`);
    }
  });

  test("shows every metric of the oracle's", () => {
    const shown = dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => selectorsIn(expr)));
    const names = new Set(shown.map(({ metric }) => metric.replace(/_(?:bucket|count|sum)$/, "")));
    const exported = [...SERIES.keys()].filter((name) => name.startsWith("adyton_"));
    expect([...new Set(exported.map((name) => name.replace(/_(?:bucket|count|sum)$/, "")))].sort()).toEqual(
      [...names].filter((name) => name.startsWith("adyton_")).sort(),
    );
  });

  test("no panel lies on another", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

test("each alert asks for what the server exports", () => {
  const expressions = [...read("prometheus/alerts.yml").matchAll(/expr: (.*)/g)].map(([, expr]) => expr!);
  expect(expressions.length).toBeGreaterThan(3);
  for (const expression of expressions.filter((one) => !one.startsWith("up{"))) check(expression);
});

test("each alert has a section that says what to do, and each section is of an alert", () => {
  const alerts = [...read("prometheus/alerts.yml").matchAll(/alert: (\w+)/g)].map(([, name]) => name!);
  const runbooks = [...read("prometheus/alerts.yml").matchAll(/runbook: (\S+)/g)].map(([, where]) => where!);
  const page = readFileSync(new URL("../../../docs/how-to/answer-an-alert.md", import.meta.url), "utf8");
  expect([...page.matchAll(/^## (\w+)$/gm)].map(([, name]) => name)).toEqual(alerts);
  expect(runbooks).toEqual(alerts.map((name) => `docs/how-to/answer-an-alert.md#${name.toLowerCase()}`));
});

test("a node that exports nothing at all is noticed, by the name under which it is scraped", () => {
  const [, job] = /job_name: (\S+)/.exec(read("prometheus/prometheus.yml")) ?? [];
  expect(read("prometheus/alerts.yml")).toContain(`expr: up{job="${job}"} == 0`);
});
