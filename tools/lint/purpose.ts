/** ESLint rule: a file of more than 40 lines says what it is for, above its imports or on what it exports. */

import type { Rule } from "eslint";

const MAX_UNTITLED_LINES = 40;

const EXPORTS: ReadonlySet<string> = new Set([
  "ExportNamedDeclaration",
  "ExportDefaultDeclaration",
  "ExportAllDeclaration",
]);

export const purpose: Rule.RuleModule = {
  meta: {
    type: "suggestion",
    docs: { description: "demand a comment that says what a file is for" },
    messages: { missing: "Open the file with one sentence that says what it is for." },
    schema: [],
  },
  create(context) {
    const { sourceCode } = context;
    return {
      Program(program) {
        if (sourceCode.lines.length <= MAX_UNTITLED_LINES) return;
        const [first] = program.body;
        const explained = program.body
          .filter((statement) => statement === first || EXPORTS.has(statement.type))
          .some((statement) => sourceCode.getCommentsBefore(statement).length > 0);
        if (!explained) context.report({ loc: { line: 1, column: 0 }, messageId: "missing" });
      },
    };
  },
};
