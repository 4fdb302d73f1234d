/** Options that npm took for its own, as it does with each that is typed before `--`: in a clone the command is an npm script. */

import type { Command } from "commander";
import { InputError } from "../protocol/errors.ts";
import { commandName } from "./invocation.ts";

/** Options of npm, too: whoever has one in their settings did not mean ours. */
const OF_NPM = ["json", "key", "version"];

/**
 * @param args what reached us
 * @param environment npm's: it hands a script each option that it took as `npm_config_…`
 * @throws {InputError} INPUT_INVALID naming the option: without it the command would do something else
 */
export function checkNpmTookNothing(
  program: Command,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): void {
  if (environment["npm_lifecycle_event"] !== "adyton") return;
  const taken = calledCommand(program, args)
    .options.map(({ long }) => long?.replace(/^--/, "") ?? "")
    .find(
      (name) =>
        !OF_NPM.includes(name) && environment[`npm_config_${name.replaceAll("-", "_")}`] !== undefined,
    );
  if (taken === undefined) return;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `npm took --${taken} for itself: put -- before the command, as in \`${commandName()} ${args[0] ?? ""} …\``,
  });
}

function calledCommand(program: Command, args: readonly string[]): Command {
  let command = program;
  for (const arg of args) {
    const inner = command.commands.find((each) => each.name() === arg);
    if (inner === undefined) break;
    command = inner;
  }
  return command;
}
