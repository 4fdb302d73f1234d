/**
 * Compiles oracle/functions/script.ts into the one line that Chainlink Functions is given, and writes it where it is used: a
 * library for consumers and a module for the client. `npm run functions:write`; a test fails when either is out of date.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const HEADER = "Written by tools/write-functions-script.ts from oracle/functions/script.ts; do not edit.";

/** The source that a node runs: it defines the function and returns what it returns. */
async function compileScript(): Promise<string> {
  const source = readFileSync(join(ROOT, "oracle/functions/script.ts"), "utf8");
  const { code } = await transform(source, {
    loader: "ts",
    format: "esm",
    minify: true,
    target: "es2022",
    charset: "ascii",
  });
  const compiled = /^(async function (\w+)\(.*\})export\{\2 as askEnclave\};\s*$/s.exec(code);
  if (compiled === null) throw new Error("oracle/functions/script.ts must hold one exported async function");
  const [, definition = "", name = ""] = compiled;
  return `${definition}return ${name}({Functions,secrets,bytesArgs})`.replaceAll("\n", "\\n");
}

/** Every file that is written, by its path. */
export async function functionsScriptFiles(): Promise<Readonly<Record<string, string>>> {
  const script = await compileScript();
  return {
    "contracts/src/adapters/FunctionsScript.sol": `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice The JavaScript that each node of Chainlink Functions runs. It is believed in nothing: a consumer checks what it
/// returns. ${HEADER}
library FunctionsScript {
    // forgefmt: disable-next-line
    string internal constant SOURCE = ${toSolidityString(script)};
}
`,
    "oracle/functions/script-source.ts": `// ${HEADER}
// prettier-ignore
export const FUNCTIONS_SCRIPT = ${JSON.stringify(script)};
`,
  };
}

function toSolidityString(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await functionsScriptFiles())) {
    writeFileSync(join(ROOT, path), text);
    process.stderr.write(`${path}\n`);
  }
}
