/**
 * `npm run adyton`: the command from the sources. The contracts are compiled before a command that calls them, which takes a
 * minute or two once, and the page and the agents' sandbox are built before the commands that use them; who only verifies a file
 * waits for none of it.
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { typedIn } from "../cli/config.ts";

const ROOT = join(import.meta.dirname, "..");
/** Commands that read files alone. `verify --rpc` asks a chain. */
const WITHOUT_CONTRACTS = ["verify", "inspect", "policy", "result", "init", "image", "replay", "help"];

const [command = "help", ...args] = process.argv.slice(2);
const writesProgram = command === "agent" && (args[0] === "init" || args[0] === "build");
const reads = command.startsWith("-") || writesProgram || WITHOUT_CONTRACTS.includes(command);
const helps = args.includes("--help") || args.includes("-h");
const asksChain = args.some((argument) => argument === "--rpc" || argument.startsWith("--rpc="));
if (!helps && (asksChain || !reads)) build("build-contracts.ts");
if (!helps && (command === "replay" || writesProgram || !reads)) build("build-sandbox.ts");
const serves = command === "up" || (command === "oracle" && args[0] === "run");
if (!helps && serves) build("build-page.ts");
// npm starts its scripts in the clone's own folder; the files that are named lie where the reader is.
process.chdir(typedIn());
await import("../cli/main.ts");

function build(script: string): void {
  const { status } = spawnSync(process.execPath, [join(ROOT, "tools", script)], { stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}
