import { Linter } from "eslint";
import { expect, test } from "vitest";
import { purpose } from "../../../tools/lint/purpose.ts";

const BODY = "count();\n".repeat(40);

test.for([
  ["accepts a comment at the top", `/** Counts. */\nimport a from "a";\n${BODY}`, 0],
  ["accepts a comment on an export", `import a from "a";\n${BODY}/** Counts. */\nexport const b = a;\n`, 0],
  ["accepts a short file without", `import a from "a";\n`, 0],
  ["refuses a long file without", `import a from "a";\n${BODY}`, 1],
  ["refuses a comment on what only the file sees", `import a from "a";\n/** One. */\n${BODY}`, 1],
] as const)("%s", ([, code, found]) => {
  const messages = new Linter().verify(code, [
    { plugins: { adyton: { rules: { purpose } } }, rules: { "adyton/purpose": "error" } },
  ]);
  expect(messages).toHaveLength(found);
});
