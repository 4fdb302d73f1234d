/** What npm tells a script that it starts. Nothing else of the environment is read here. */

import { readFileSync } from "node:fs";

/** Where whoever typed the command is: npm starts a script in the folder of its package. */
export function typedIn(): string {
  return process.env["INIT_CWD"] ?? process.cwd();
}

/** The script's name, and each option that npm took: `npm_lifecycle_event` and `npm_config_…`; and the home, which npm's defaults name. */
export function npmVariables(): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name.startsWith("npm_") || name === "HOME"),
  );
}

/** The files of npm's settings: the project's, the user's and the machine's. One that is not there sets nothing. */
export function npmSettings(): string {
  const {
    npm_config_local_prefix: project,
    npm_config_userconfig: user,
    npm_config_globalconfig: machine,
  } = process.env;
  const files = [project === undefined ? undefined : `${project}/.npmrc`, user, machine];
  return files.map((file) => (file === undefined ? "" : readIfThere(file))).join("\n");
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
