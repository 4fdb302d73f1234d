/**
 * `npm run adyton`: the command from the sources. What has to be built for a command is built once its command line is understood:
 * who mistypes one, or only verifies a file, waits for nothing. The contracts take a minute or two.
 */

import { spawnSync } from "node:child_process";
import { registerHooks } from "node:module";
import { join } from "node:path";
import type { Command } from "commander";
import { registerCommands } from "../cli/commands.ts";
import { typedIn } from "../cli/config.ts";
import { createProgram, run } from "../cli/program.ts";

const ROOT = join(import.meta.dirname, "..");
/** They start processes of their own, which find everything built. */
const STARTS = ["demo", "up", "oracle run"];
const RUNS_AGENTS = ["agent", "mcp", "replay"];
const SERVES_PAGE = ["up", "oracle run"];

const built = new Set<string>();

// Other commands call contracts only when they have found a network: what they import then is compiled before it is read.
registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier.includes("/contracts/bindings/")) build("build-contracts.ts");
    return nextResolve(specifier, context);
  },
});

const program = createProgram();
registerCommands(program);
program.hook("preAction", (_, action) => {
  const typed = namesOf(action);
  const isOneOf = (names: readonly string[]): boolean =>
    names.includes(typed.join(" ")) || names.includes(typed[0] ?? "");
  if (isOneOf(STARTS)) build("build-contracts.ts");
  if (isOneOf(STARTS) || isOneOf(RUNS_AGENTS)) build("build-sandbox.ts");
  if (isOneOf(SERVES_PAGE)) build("build-page.ts");
});
// npm starts its scripts in the clone's own folder; the files that are named lie where the reader is.
process.chdir(typedIn());
await run(program);

/** As typed behind the program's own name: `oracle`, `run`. */
function namesOf(command: Command): readonly string[] {
  return command.parent === null ? [] : [...namesOf(command.parent), command.name()];
}

function build(script: string): void {
  if (built.has(script)) return;
  built.add(script);
  const { status } = spawnSync(process.execPath, [join(ROOT, "tools", script)], { stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}
