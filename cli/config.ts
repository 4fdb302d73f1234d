/** What npm tells a script that it starts. Nothing else of the environment is read here. */

/** Where whoever typed the command is: npm starts a script in the folder of its package. */
export function typedIn(): string {
  return process.env["INIT_CWD"] ?? process.cwd();
}

/** The script's name, and each option that npm took: `npm_lifecycle_event` and `npm_config_…`. */
export function npmVariables(): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("npm_")));
}
