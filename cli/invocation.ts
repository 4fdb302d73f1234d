/** The command as whoever reads our hints has to type it: they paste it. */

import { basename, extname } from "node:path";

/** Whether the sources run, as in a clone, and not what was built from them. */
export const runsFromClone = (): boolean => extname(import.meta.filename) === ".ts";

/** `adyton`, or `adyton-node`, where the package is installed; in a clone, its npm script. */
export function commandName(): string {
  if (runsFromClone()) return "npm run -s adyton --";
  return basename(process.argv[1] ?? "") === "adyton-node" ? "adyton-node" : "adyton";
}

/** A command line to paste: `adyton verify receipt.json`, with what a shell would take apart in quotes. */
export function commandLine(...args: readonly string[]): string {
  return [commandName(), ...args.map(quote)].join(" ");
}

function quote(argument: string): string {
  if (/^[\w@%+=:,./-]+$/u.test(argument)) return argument;
  return /["$`\\!]/u.test(argument) ? `'${argument.replaceAll("'", String.raw`'\''`)}'` : `"${argument}"`;
}
