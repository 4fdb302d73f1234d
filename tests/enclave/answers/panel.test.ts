import { describe, expect, test } from "vitest";
import { aggregatePanel, checkPanelRule, without, type Outcome } from "../../../enclave/answers/panel.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { encodeOutput } from "../../../protocol/output-abi.ts";
import { parseOutputType } from "../../../protocol/output-type.ts";
import { PanelRule } from "../../../protocol/prompt.ts";
import { codeOf } from "../../support/code-of.ts";
import { MODERATION, prompt, TEXT } from "../support/calls.ts";

const ok = (output: Uint8Array): Outcome => ({ status: AnswerStatus.ok, output });
const verdict = (flagged: boolean, severity: bigint, reason: string): Outcome =>
  ok(encodeOutput(parseOutputType(MODERATION.schema), [flagged, severity, reason]));

const panel = (panelRule: number, panelQuorum: number, format = MODERATION) =>
  prompt({ models: ["a/x", "b/y", "c/z"], panelRule, panelQuorum, format });

const down = without(AnswerStatus.upstreamFailed);
const mild = verdict(false, 1n, "fine");
const mildToo = verdict(false, 1n, "nothing to see");
const bad = verdict(true, 8n, "threat");
const worse = verdict(true, 9n, "worse");

describe("a panel of three models", () => {
  test.for([
    ["majority of two against one", PanelRule.majority, 2, [bad, mild, mildToo], mild],
    ["majority with one down", PanelRule.majority, 2, [mild, down, mildToo], mild],
    ["majority of one, when its quorum allows it", PanelRule.majority, 1, [down, down, bad], bad],
    ["unanimity whatever reasons are given", PanelRule.unanimous, 2, [mild, mildToo, down], mild],
    ["the median by the first integer", PanelRule.median, 3, [worse, mild, bad], bad],
    ["the lower median of two", PanelRule.median, 2, [bad, down, mild], mild],
  ] as const)("gives %s", ([, rule, quorum, members, expected]) => {
    expect(aggregatePanel(panel(rule, quorum), members)).toEqual(expected);
  });

  test.for([
    ["no majority", PanelRule.majority, 2, [mild, bad, worse], AnswerStatus.invalidOutput],
    ["a tie of two", PanelRule.majority, 2, [mild, bad, down], AnswerStatus.invalidOutput],
    [
      "one dissenter among unanimous",
      PanelRule.unanimous,
      3,
      [mild, mildToo, bad],
      AnswerStatus.invalidOutput,
    ],
    [
      "too few answers, one of them cut off",
      PanelRule.majority,
      3,
      [mild, mildToo, down],
      AnswerStatus.upstreamFailed,
    ],
    [
      "refusals all round",
      PanelRule.majority,
      1,
      Array<Outcome>(3).fill(without(AnswerStatus.refused)),
      AnswerStatus.refused,
    ],
  ] as const)("gives a status and no output for %s", ([, rule, quorum, members, status]) => {
    expect(aggregatePanel(panel(rule, quorum), members)).toEqual(without(status));
  });

  test("compares JSON by value and text by its bytes", () => {
    const object = panel(PanelRule.unanimous, 2, { kind: 2, schema: "{}", choices: [] });
    const same = [ok(toUtf8('{"a":1,"b":2}')), ok(toUtf8('{"b": 2, "a": 1.0}'))];
    expect(aggregatePanel(object, same).status).toBe(AnswerStatus.ok);
    const text = panel(PanelRule.unanimous, 2, TEXT);
    expect(aggregatePanel(text, [ok(toUtf8("yes")), ok(toUtf8("Yes"))]).status).toBe(
      AnswerStatus.invalidOutput,
    );
  });

  test("refuses a median of what has no order", () => {
    expect(
      codeOf(() => {
        checkPanelRule(panel(PanelRule.median, 2, TEXT));
      }),
    ).toBe("INPUT_INVALID");
    expect(
      codeOf(() => {
        checkPanelRule(panel(PanelRule.median, 2));
      }),
    ).toBe("nothing thrown");
  });
});
