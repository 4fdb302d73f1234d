/** The command as whoever reads our hints has to type it: they paste it. */

import { extname } from "node:path";

/** `adyton` where the package is installed; in a clone, which runs the sources, its npm script. */
export function commandName(): string {
  return extname(import.meta.filename) === ".ts" ? "npm run -s adyton --" : "adyton";
}

/** A command line to paste: `adyton verify receipt.json`, with what a shell would take apart in quotes. */
export function commandLine(...args: readonly string[]): string {
  return [commandName(), ...args.map(quote)].join(" ");
}

function quote(argument: string): string {
  if (/^[\w@%+=:,./-]+$/u.test(argument)) return argument;
  return /["$`\\!]/u.test(argument) ? `'${argument.replaceAll("'", String.raw`'\''`)}'` : `"${argument}"`;
}
