import fc from "fast-check";
import { expect, test } from "vitest";
import { findRepeatedMember } from "../../protocol/unique-members.ts";

test.for([
  ['{"a":1,"a":2}', "a"],
  ['{"x":[{"b":"}","c":{},"b":null}]}', "b"],
  ['{ "a" : 1 , "\\u0061" : 2 }', "a"],
  ['{"\\"":1,"\\"":2}', '"'],
  ['[{"__proto__":1,"__proto__":2}]', "__proto__"],
] as const)("finds the repeated member of %s", ([text, name]) => {
  expect(findRepeatedMember(text)).toBe(name);
});

test.for([
  '{"a":{"a":{"a":1}}}',
  '[{"a":1},{"a":1}]',
  '{"a":"a","b":"a:"}',
  '"a"',
  "[]",
  '{"a\\\\":1,"a":2}',
])("finds none in %s", (text) => {
  expect(findRepeatedMember(text)).toBeUndefined();
});

test("no JSON that a program wrote has one", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(findRepeatedMember(JSON.stringify(JSON.parse(text)))).toBeUndefined();
    }),
  );
});
