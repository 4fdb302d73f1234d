import { describe, expect, test } from "vitest";
import { aggregatePanel, checkPanelRule, without, type Outcome } from "../../../runtime/output/panel.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { encodeOutput } from "../../../protocol/output-abi.ts";
import { parseOutputType } from "../../../protocol/output-type.ts";
import { PanelRule } from "../../../protocol/prompt.ts";
import { codeOf } from "../../support/code-of.ts";
import { MODERATION, prompt, TEXT } from "../../enclave/support/calls.ts";

const ok = (output: Uint8Array): Outcome => ({ status: AnswerStatus.ok, output, reason: null });
const verdict = (flagged: boolean, severity: bigint, reason: string): Outcome =>
  ok(encodeOutput(parseOutputType(MODERATION.schema), [flagged, severity, reason]));

const panel = (panelRule: number, panelQuorum: number, format = MODERATION) =>
  prompt({ models: ["a/x", "b/y", "c/z"], panelRule, panelQuorum, format });

const declined = without(AnswerStatus.refused);
const senseless = without(AnswerStatus.invalidOutput);
const down = without(AnswerStatus.upstreamFailed);
const mild = verdict(false, 1n, "fine");
const mildToo = verdict(false, 1n, "nothing to see");
const bad = verdict(true, 8n, "threat");
const worse = verdict(true, 9n, "worse");

describe("a panel of three models", () => {
  test.for([
    ["majority of two against one", PanelRule.majority, 2, [bad, mild, mildToo], mild],
    ["majority with one down", PanelRule.majority, 2, [mild, down, mildToo], mild],
    [
      "the whole first answer of a majority, its own reason included",
      PanelRule.majority,
      1,
      [mildToo, mild, bad],
      mildToo,
    ],
    ["unanimity whatever reasons are given", PanelRule.unanimous, 2, [mild, mildToo, down], mild],
    ["the median by the first integer", PanelRule.median, 3, [worse, mild, bad], bad],
    ["the lower median of two", PanelRule.median, 2, [bad, down, mild], mild],
  ] as const)("gives %s", ([, rule, quorum, members, expected]) => {
    expect(aggregatePanel(panel(rule, quorum), members)).toEqual(expected);
  });

  test.for([
    ["no majority", PanelRule.majority, 2, [mild, bad, worse], AnswerStatus.invalidOutput],
    // The third vote would have decided, and a host may have cut it off.
    ["a tie of two", PanelRule.majority, 2, [mild, bad, down], AnswerStatus.upstreamFailed],
    ["a tie that a refusal left", PanelRule.majority, 2, [mild, bad, declined], AnswerStatus.invalidOutput],
    // Two thirds of a panel are silent: one voice is no majority of three.
    ["one answer of three", PanelRule.majority, 1, [down, down, bad], AnswerStatus.upstreamFailed],
    [
      "two unlike answers of three, unanimously asked",
      PanelRule.unanimous,
      2,
      [mild, bad, down],
      AnswerStatus.invalidOutput,
    ],
    [
      "a quorum that nobody could have filled",
      PanelRule.median,
      3,
      [mild, declined, down],
      AnswerStatus.refused,
    ],
    [
      "answers that make no sense",
      PanelRule.median,
      2,
      [senseless, senseless, declined],
      AnswerStatus.invalidOutput,
    ],
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
    expect(aggregatePanel(panel(rule, quorum), members)).toMatchObject({
      status: status,
      output: new Uint8Array(),
    });
  });

  test.for([
    [
      "too few answers",
      PanelRule.median,
      3,
      [mild, without(AnswerStatus.upstreamFailed, "b is down"), bad],
      "2 of the 3 answers that the panel needs: b is down",
    ],
    [
      "a tie that the silent one would break",
      PanelRule.majority,
      2,
      [mild, bad, without(AnswerStatus.upstreamFailed, "c is down")],
      "the members of the panel do not agree, and who did not answer would decide: c is down",
    ],
    ["no majority", PanelRule.majority, 2, [mild, bad, worse], "the members of the panel do not agree"],
    [
      "a member without a reason",
      PanelRule.median,
      3,
      [mild, down, bad],
      "2 of the 3 answers that the panel needs",
    ],
  ] as const)("says why there is no answer: %s", ([, rule, quorum, members, reason]) => {
    expect(aggregatePanel(panel(rule, quorum), members).reason).toBe(reason);
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

  test.for([
    ["equal numbers in other words", '{"a":1}', '{"a":1.0}', true],
    [
      "integers that a reader of JSON cannot tell apart",
      '{"a":9007199254740993}',
      '{"a":9007199254740992}',
      false,
    ],
    ["numbers beyond all doubles", "[1e400]", "[1e401]", false],
    ["other strings", '{"a":"x"}', '{"a":"y"}', false],
  ] as const)("compares JSON of %s", ([, one, other, agree]) => {
    const object = panel(PanelRule.unanimous, 2, { kind: 2, schema: "{}", choices: [] });
    const outcome = aggregatePanel(object, [ok(toUtf8(one)), ok(toUtf8(other))]);
    expect(outcome.status).toBe(agree ? AnswerStatus.ok : AnswerStatus.invalidOutput);
  });

  test.for([
    [
      "strings inside lists and tuples",
      "((string note, uint8 n)[] items)",
      [[{ note: "a", n: 1n }]],
      [[{ note: "b", n: 1n }]],
      true,
    ],
    [
      "a number beside such a string",
      "((string note, uint8 n)[] items)",
      [[{ note: "a", n: 1n }]],
      [[{ note: "a", n: 2n }]],
      false,
    ],
    ["another length", "((string note, uint8 n)[] items)", [[{ note: "a", n: 1n }]], [[]], false],
    ["lists of strings", "(bool b, string[] why)", [true, ["x"]], [true, ["y", "z"]], true],
    ["nothing but strings, alike", "(string a)", ["x"], ["x"], true],
    ["nothing but strings, unlike", "(string a)", ["x"], ["y"], false],
    ["bytes", "(bytes b)", ["0x01"], ["0x02"], false],
  ] as const)("compares tuples of %s", ([, type, one, other, agree]) => {
    const tuple = parseOutputType(type);
    const both = [one, other].map((values) => ok(encodeOutput(tuple, values)));
    const outcome = aggregatePanel(
      panel(PanelRule.unanimous, 2, { kind: 4, schema: type, choices: [] }),
      both,
    );
    expect(outcome.status).toBe(agree ? AnswerStatus.ok : AnswerStatus.invalidOutput);
  });

  test("takes the middle of ordered choices, and of negative integers", () => {
    const choices = { kind: 3, schema: "", choices: ["low", "middle", "high"] } as const;
    const index = (at: bigint): Outcome => ok(encodeOutput(parseOutputType("(uint256 i)"), [at]));
    expect(
      aggregatePanel(panel(PanelRule.median, 3, { ...choices, choices: [...choices.choices] }), [
        index(2n),
        index(0n),
        index(1n),
      ]),
    ).toEqual(index(1n));
    const type = "(string why, int256 n)";
    const answer = (n: bigint): Outcome => ok(encodeOutput(parseOutputType(type), ["", n]));
    const members = [answer(5n), answer(-(2n ** 255n)), answer(-1n)];
    expect(
      aggregatePanel(panel(PanelRule.median, 3, { kind: 4, schema: type, choices: [] }), members),
    ).toEqual(answer(-1n));
  });

  test("never lets a host that silences members turn one majority into another", () => {
    const votes = [mild, mildToo, bad, worse, mild];
    const five = { ...panel(PanelRule.majority, 1), models: ["a/1", "a/2", "a/3", "a/4", "a/5"] };
    const whole = aggregatePanel(five, votes);
    for (let mask = 0; mask < 32; mask++) {
      const heard = votes.map((vote, at) => ((mask >> at) & 1 ? down : vote));
      const { status, output } = aggregatePanel(five, heard);
      if (status === AnswerStatus.ok) expect([mild.output, mildToo.output]).toContainEqual(output);
      else expect(status).toBe(AnswerStatus.upstreamFailed);
    }
    expect(whole).toEqual(mild);
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
