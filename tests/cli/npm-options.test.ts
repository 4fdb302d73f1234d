/** Rule: an option that npm took for its own, since it was typed before `--`, is never ignored. */

import { expect, test } from "vitest";
import { createProgram } from "../../cli/program.ts";
import { checkNpmTookNothing } from "../../cli/npm-options.ts";
import { registerAsk } from "../../cli/ask/command.ts";
import { registerOracle } from "../../cli/oracle/command.ts";
import { codeOf } from "../support/code-of.ts";

const program = createProgram();
registerAsk(program);
registerOracle(program);
const taken = (args: readonly string[], environment: Readonly<Record<string, string>>): string =>
  codeOf(() => {
    checkNpmTookNothing(program, args, { npm_lifecycle_event: "adyton", ...environment });
  });

test.for([
  ["ask with --returns", ["ask", "x", "(bool yes)"], { npm_config_returns: "(bool yes)" }],
  ["a command of a command, and dashes", ["oracle", "key", "k"], { npm_config_password_file: "p" }],
] as const)("refuses %s", ([, args, environment]) => {
  expect(taken(args, environment)).toBe("INPUT_INVALID");
});

test.for([
  ["another command's option", ["ask", "x"], { npm_config_password_file: "p" }],
  ["npm's own", ["ask", "x"], { npm_config_json: "true" }],
  ["another script's", ["ask", "x"], { npm_lifecycle_event: "test", npm_config_returns: "(bool yes)" }],
  ["nothing", ["ask", "x"], {}],
] as const)("takes no offence at %s", ([, args, environment]) => {
  expect(taken(args, environment)).toBe("nothing thrown");
});
