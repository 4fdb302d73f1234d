#!/usr/bin/env node
// The installed command. Plain enough for any Node: it says what is missing before anything newer is loaded.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Bundled into one file, to start fast: they read files. Whatever asks a server, shows a page or builds goes the long way. */
const LIGHT = ["verify", "inspect", "policy"];
const LONG = /^(?:--(?:rpc|page|open|from-source)\b|https:)/i;
const [command, ...options] = process.argv.slice(2);
const isLight = LIGHT.includes(command) && !options.some((option) => LONG.test(option));
const entry = isLight ? "light.js" : "main.js";
const main = new URL(`../dist/cli/${entry}`, import.meta.url);
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 15)) {
  end(`Node 22.15 or newer is needed; this is ${process.versions.node}`);
} else if (!existsSync(fileURLToPath(main))) {
  end(
    "this package was packed without its build, as npm does where scripts are off: in a clone of the repository run `npm ci && npm run pack`, and install the archive that it writes",
  );
} else {
  await import(main.href);
}

function end(message) {
  process.stderr.write(`adyton: ${message}\n`);
  process.exitCode = 69;
}
