import { expect, test } from "vitest";
import { barChart } from "../../tools/plots/bar-chart.ts";

const CHART = { title: "Gas", unit: "gas", source: "npm run bench:gas, 2026-11-29, commit 0123456" };

test("draws bars to scale, says the figures to who cannot see them, and fetches nothing", () => {
  const svg = barChart({
    ...CHART,
    bars: [
      { label: "ask", value: 100 },
      { label: "answer", value: 50, isPeer: true },
    ],
  });
  const widths = [...svg.matchAll(/<rect class="(\w+)"[^>]* width="([\d.]+)"/g)].map(([, kind, width]) => [
    kind,
    Number(width),
  ]);
  expect(widths).toEqual([
    ["bar", 380],
    ["peer", 188.5],
  ]);
  expect(svg).toContain('aria-label="Gas. ask: 100 gas; answer: 50 gas"');
  expect(svg).toContain("2026-11-29, commit 0123456");
  expect(svg.replace("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|url\(|<script/);
});

test("takes no label for markup", () => {
  const svg = barChart({ ...CHART, bars: [{ label: '<b>"&', value: 1 }] });
  expect(svg).toContain("&lt;b&gt;&quot;&amp;");
  expect(svg).not.toContain("<b>");
});
