/** The stand-in's replies to what this project's pages tell a newcomer to ask. */

import { expect, test } from "vitest";
import { answerStructured, answerText } from "../../devnet/stand-in-answers.ts";

const WHY = "water makes wet whatever it touches (rule of the stand-in)";
const schema = {
  type: "object",
  properties: { yes: { type: "boolean" }, why: { type: "string" } },
};

test("has an answer to the question of the README, in text, in types and among choices", () => {
  expect(answerText("Is water wet?")).toBe(`Yes: ${WHY}.`);
  expect(JSON.parse(answerStructured("Is water wet?", schema))).toEqual({ yes: true, why: WHY });
  const choice = { type: "object", properties: { choice: { enum: ["no", "Yes"] } } };
  expect(JSON.parse(answerStructured("is water wet", choice))).toEqual({ choice: "Yes" });
});

test("says of anything else that no rule matches, and keeps to a length that it is told", () => {
  expect(JSON.parse(answerStructured("Is sand wet?", schema))).toEqual({
    yes: false,
    why: "no rule of the stand-in matches",
  });
  expect(answerText("Is water wet, in exactly 5000 bytes?")).toHaveLength(5_000);
});
