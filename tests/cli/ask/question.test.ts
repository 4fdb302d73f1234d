/** Rule: what options of `adyton ask` say stands in the prompt, and what no enclave takes is refused before anything is paid. */

import { expect, test } from "vitest";
import { isPlain, toPrompt, type Question } from "../../../cli/ask/question.ts";
import { Effort, OutputKind, PanelRule, Role } from "../../../protocol/prompt.ts";
import { PartKind } from "../../../protocol/prompt-part.ts";

const PAGE = { kind: PartKind.page, url: "https://news.example/" } as const;

function asked(change: Partial<Question> = {}): Question {
  return { question: "Is water wet?", models: ["a/b"], outputType: null, ...change };
}

test("a question without options is the plainest, and any option makes it another", () => {
  expect(isPlain(toPrompt(asked()))).toBe(true);
  expect(isPlain(toPrompt(asked({ outputType: "(bool yes)" })))).toBe(true);
  for (const change of [
    { models: ["a/b", "a/c"] },
    { system: "Be brief." },
    { effort: "none" },
    { temperatureMilli: 0 },
    { maxOutputTokens: 9 },
    { parts: [PAGE] },
  ] satisfies Partial<Question>[])
    expect(isPlain(toPrompt(asked(change))), JSON.stringify(change)).toBe(false);
});

test("every option is in the prompt", () => {
  const change = { system: "Be brief.", effort: "high", temperatureMilli: 700, maxOutputTokens: 9 } as const;
  expect(toPrompt(asked({ ...change, outputType: "(bool yes)", parts: [PAGE] }))).toMatchObject({
    messages: [
      { role: Role.system, content: "Be brief." },
      { role: Role.user, content: "Is water wet?" },
    ],
    sampling: { effort: Effort.high, temperatureMilli: 700, topPMilli: -1, seed: -1n },
    maxOutputTokens: 9,
    format: { kind: OutputKind.abi, schema: "(bool yes)" },
    parts: [PAGE],
  });
});

test.for([
  ["more than half decide where nobody says how", {}, PanelRule.majority, 2],
  ["a median hears everybody", { panel: "median" }, PanelRule.median, 3],
  ["unanimity hears everybody", { panel: "unanimous" }, PanelRule.unanimous, 3],
  ["a quorum is the asker's", { panel: "median", quorum: 2 }, PanelRule.median, 2],
] as const)("%s", ([, change, panelRule, panelQuorum]) => {
  const prompt = toPrompt(asked({ models: ["a/b", "a/c", "a/d"], ...change }));
  expect(prompt).toMatchObject({ panelRule, panelQuorum });
});

test.for([
  ["a panel of one", { panel: "median" }],
  ["a quorum of one", { quorum: 1 }],
  ["a quorum above the panel", { models: ["a/b", "a/c"], quorum: 3 }],
  ["eight models", { models: Array.from({ length: 8 }, () => "a/b") }],
  ["an answer of more tokens than fit", { maxOutputTokens: 2 ** 24 }],
] as const)("refuses %s", ([, change]) => {
  expect(() => toPrompt(asked(change))).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
});
