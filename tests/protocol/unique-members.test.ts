import fc from "fast-check";
import { expect, test } from "vitest";
import { findRepeatedMember } from "../../protocol/unique-members.ts";

test.for([
  ['{"a":1,"a":2}', "a"],
  ['{"x":[{"b":"}","c":{},"b":null}]}', "x[0].b"],
  ['{"a":[1,[2,"c,"],{"b":[]}],"c":{"d":{"e":1,"e":2}}}', "c.d.e"],
  ['{ "a" : 1 , "\\u0061" : 2 }', "a"],
  ['{"\\"":1,"\\"":2}', '"'],
  ['[{"__proto__":1,"__proto__":2}]', "[0].__proto__"],
] as const)("finds the repeated member of %s, and its place", ([text, place]) => {
  expect(findRepeatedMember(text)).toBe(place);
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

test.for(['{"a', '{"a":"b', '{"a\\', '{"a":1,"a'])("ends with the text %s, which ends too early", (text) => {
  expect(() => findRepeatedMember(text)).not.toThrow();
});
