/** Rule: an option that npm took for its own, since it was typed before `--`, is never ignored. */

import { expect, test } from "vitest";
import { createProgram } from "../../cli/program.ts";
import { checkNpmTookNothing } from "../../cli/npm-options.ts";
import { registerAsk } from "../../cli/ask/command.ts";
import { registerEpoch } from "../../cli/epoch/command.ts";
import { registerFront } from "../../cli/front/command.ts";
import { registerOracle } from "../../cli/oracle/command.ts";
import { registerVerify } from "../../cli/verify/command.ts";
import { codeOf } from "../support/code-of.ts";

const program = createProgram();
registerAsk(program);
registerOracle(program);
registerFront(program);
registerEpoch(program);
registerVerify(program);

type Environment = Readonly<Record<string, string>>;
const taken = (args: readonly string[], environment: Environment, settings = ""): string =>
  codeOf(() => {
    const npm = { npm_lifecycle_event: "adyton", HOME: "/home/me", npm_config_cache: "/home/me/.npm" };
    checkNpmTookNothing(program, args, {
      environment: { ...npm, ...environment },
      settings: () => settings,
    });
  });

test.for([
  ["ask with --returns", ["ask", "x", "(bool yes)"], { npm_config_returns: "(bool yes)" }],
  ["a command of a command, and dashes", ["oracle", "key", "k"], { npm_config_password_file: "p" }],
  ["one that npm knows, too", ["verify", "x"], { npm_config_json: "true" }],
  ["one that npm knows, with its value", ["front"], { npm_config_key: "key.pem" }],
  ["one that npm has by default", ["epoch", "prove"], { npm_config_cache: "/home/me/circuits" }],
] as const)("refuses %s", ([, args, environment]) => {
  expect(taken(args, environment)).toBe("INPUT_INVALID");
});

test.for([
  ["another command's option", ["ask", "x"], { npm_config_password_file: "p" }],
  ["npm's own defaults", ["epoch", "prove"], {}],
  ["another script's", ["ask", "x"], { npm_lifecycle_event: "test", npm_config_returns: "(bool yes)" }],
  ["nothing", ["ask", "x"], {}],
  ["one that also reached us", ["verify", "x", "--json"], { npm_config_json: "true" }],
] as const)("takes no offence at %s", ([, args, environment]) => {
  expect(taken(args, environment)).toBe("nothing thrown");
});

test("takes no offence at what stands in npm's settings", () => {
  const environment = { npm_config_fund: "", npm_config_json: "true", npm_config_key: "-----BEGIN" };
  const settings = "fund=false\njson = true\n; key=no\nkey=-----BEGIN\n";
  for (const args of [["oracle", "key", "k"], ["verify", "x"], ["front"]])
    expect(taken(args, environment, settings)).toBe("nothing thrown");
  expect(taken(["verify", "x"], environment, "; json=true\njsonish=1\n")).toBe("INPUT_INVALID");
});
