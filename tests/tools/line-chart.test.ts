import { expect, test } from "vitest";
import { lineChart } from "../../tools/plots/line-chart.ts";

const CHART = {
  title: "Answers",
  xLabel: "asked a second",
  yLabel: "answers a second",
  source: "npm run bench:oracle, 2026-11-30, commit 0123456",
};

test("draws lines over powers of ten, says the figures to who cannot see them, and fetches nothing", () => {
  const svg = lineChart({
    ...CHART,
    lines: [
      {
        label: "one node",
        points: [1, 10, 100].map((value) => ({ x: value, y: value })),
        note: "breaks at ×100, threads",
        markedX: 100,
      },
      { label: "two nodes", points: [{ x: 1, y: 100 }] },
    ],
  });
  const [, path] = /<path class="line" d="([^"]+)"/.exec(svg) ?? [];
  // From the plot's lower left corner by its middle to its upper right one.
  expect(path).toBe("M64 344L404 194L744 44");
  expect([...svg.matchAll(/text-anchor="middle">([\d,]+)</g)].map(([, text]) => text)).toEqual([
    "1",
    "10",
    "100",
  ]);
  expect(svg).toContain('<circle class="ring" cx="744" cy="44"');
  expect(svg).toContain('aria-label="Answers. one node: breaks at ×100, threads; two nodes"');
  expect(svg.replace("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|url\(|<script/);
});

test("takes no label for markup", () => {
  const svg = lineChart({ ...CHART, lines: [{ label: '<b>"&', points: [{ x: 1, y: 1 }] }] });
  expect(svg).toContain("&lt;b&gt;&quot;&amp;");
  expect(svg).not.toContain("<b>");
});
