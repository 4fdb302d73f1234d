/** The command as whoever reads our hints has to type it: they paste it. */

import { basename, extname, join, relative } from "node:path";
import { npmVariables } from "./config.ts";

/** Whether the sources run, as in a clone, and not what was built from them. */
export const runsFromClone = (): boolean => extname(import.meta.filename) === ".ts";

const CLONE = join(import.meta.dirname, "..");

/** What is typed where a package is installed: its command is on PATH where it is installed for all, and `npx` finds that of a project. */
export function installedName(script: string, npmCommand: string | undefined): string {
  const name = basename(script) === "adyton-node" ? "adyton-node" : "adyton";
  return npmCommand === "exec" ? `npx ${name}` : name;
}

/**
 * `adyton`, or `adyton-node`, where the package is installed; in a clone, its npm script, which npm finds only in the clone's own
 * folders unless it is told where.
 *
 * @param from the folder in which it is typed
 */
export function commandName(from = process.cwd()): string {
  if (!runsFromClone()) return installedName(process.argv[1] ?? "", npmVariables()["npm_command"]);
  const isInside = !relative(CLONE, from).startsWith("..");
  return isInside ? "npm run -s adyton --" : `npm run -s --prefix ${quote(CLONE)} adyton --`;
}

/** A command line to paste: `adyton verify receipt.json`, with what a shell would take apart in quotes. */
export function commandLine(...args: readonly string[]): string {
  return commandLineFrom(process.cwd(), ...args);
}

/** The same, for whoever has gone to `folder` by then. */
export function commandLineFrom(folder: string, ...args: readonly string[]): string {
  return [commandName(folder), ...args.map(quote)].join(" ");
}

/** Words that follow `adyton` where a text means the command, and not the project. */
const MENTION =
  /(?<![\w/.@-]|npx )adyton (?=(?:agent|ask|demo|enclave|epoch|front|functions|identity|image|init|inspect|mcp|model|oracle|policy|receipt|replay|result|seal-key|srs|up|upgrade|verify)\b(?!:))/gu;

/** A help text or a message, which other rooms write with `adyton verify` and the like, with the command as it is typed here. */
export function asTyped(text: string): string {
  return text.replaceAll(MENTION, () => `${commandName()} `);
}

function quote(argument: string): string {
  if (/^[\w@%+=:,./-]+$/u.test(argument)) return argument;
  return /["$`\\!]/u.test(argument) ? `'${argument.replaceAll("'", String.raw`'\''`)}'` : `"${argument}"`;
}
