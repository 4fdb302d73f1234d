/** Options that npm took for its own, as it does with each that is typed before `--`: in a clone the command is an npm script. */

import { join } from "node:path";
import type { Command } from "commander";
import { InputError } from "../protocol/errors.ts";
import { commandName } from "./invocation.ts";

/**
 * Options of npm's, too: a script also sees them where they stand in npm's settings, and then nobody meant ours. (`--version` and
 * `--help` are not among them: npm answers these itself, and starts no script.)
 */
const OF_NPM = ["cache", "fund", "json", "key"];

export interface NpmTraces {
  /** What npm hands a script: each option that it took is there as `npm_config_…`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The text of its settings (`.npmrc`); asked for only where that decides. */
  readonly settings: () => string;
}

/**
 * @param args what reached us
 * @throws {InputError} INPUT_INVALID naming the option: without it the command would do something else
 */
export function checkNpmTookNothing(program: Command, args: readonly string[], npm: NpmTraces): void {
  if (npm.environment["npm_lifecycle_event"] !== "adyton") return;
  const taken = calledCommand(program, args)
    .options.map(({ long }) => long?.replace(/^--/, "") ?? "")
    .find((name) => variable(npm, name) !== undefined && !(OF_NPM.includes(name) && isNpms(name, args, npm)));
  if (taken === undefined) return;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `npm took --${taken} for itself: put -- before the command, as in \`${commandName()} ${args[0] ?? ""} …\``,
  });
}

const variable = ({ environment }: NpmTraces, name: string): string | undefined =>
  environment[`npm_config_${name.replaceAll("-", "_")}`];

/** Whether npm has the option from elsewhere than the command line, or ours has reached us beside it. */
function isNpms(name: string, args: readonly string[], npm: NpmTraces): boolean {
  if (args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`))) return true;
  if (name === "cache" && variable(npm, name) === join(npm.environment["HOME"] ?? "", ".npm")) return true;
  return new RegExp(`^\\s*${name}\\s*(?:=|$)`, "mu").test(npm.settings());
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
