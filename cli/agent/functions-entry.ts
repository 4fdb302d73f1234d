/** A source of Chainlink Functions as a program's module: the same text, inside of a function that has what the source expects. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildOptions, Plugin } from "esbuild";
import type { Manifest } from "../../protocol/agent-program.ts";
import { InputError } from "../../protocol/errors.ts";
import { readInputText } from "../input-file.ts";
import { packageRoot } from "../package-root.ts";
import type { Project } from "./project.ts";

/** What the consumer's contract decodes: the bytes that the nodes of Functions would have brought. */
const OUTPUT = "(bytes response)";
const INPUT = "(string[] args, bytes[] bytesArgs)";
const SHIM = "adyton:functions";
/** What a source finds by name; `functions.ts` makes them. */
const NAMES = [
  "args",
  "bytesArgs",
  "secrets",
  "Functions",
  "console",
  "TextEncoder",
  "btoa",
  "fetch",
  "Deno",
  "Buffer",
  "crypto",
  "setTimeout",
  "setInterval",
  "URL",
  "URLSearchParams",
  "Headers",
  "Request",
  "Response",
  "require",
  "process",
] as const;

/** @throws {InputError} INPUT_NOT_FOUND for a source that is not there; INPUT_INVALID for a manifest of other types */
export function functionsEntry(
  { folder, manifest }: Project,
  entry: string,
): Pick<BuildOptions, "stdin" | "plugins"> {
  checkTypes(manifest);
  const names = new Set([...manifest.http, ...manifest.mcp].flatMap(({ secrets }) => Object.values(secrets)));
  // In one line before the source, so that an error's line is the source's own.
  const before = `import { functionsProgram } from "${SHIM}"; export default functionsProgram(${JSON.stringify([...names].sort())}, ({ ${NAMES.join(", ")} }) => async () => {`;
  const contents = `${before} ${readSource(join(folder, entry))}\n});\n`;
  return {
    stdin: { contents, resolveDir: folder, sourcefile: entry, loader: "ts" },
    plugins: [onlyShim()],
  };
}

function checkTypes({ input, output }: Manifest): void {
  if (output !== OUTPUT)
    throw invalid(`a source of Functions gives bytes: say "output": "${OUTPUT}" in the manifest`);
  if (input !== null && input !== INPUT)
    throw invalid(`a source of Functions takes "input": "${INPUT}", or null for JSON of both`);
}

function readSource(file: string): string {
  try {
    return readInputText(file);
  } catch (cause) {
    const { code, message } = cause as InputError;
    throw new InputError({ code, message: `agent.json: ${message}`, cause });
  }
}

/** Under a name of its own, so that the program is the same wherever this is installed. */
function onlyShim(): Plugin {
  const file = join(packageRoot(), "examples", "functions-source", "functions.ts");
  return {
    name: "functions",
    setup: (build) => {
      build.onResolve({ filter: /.*/ }, ({ path, kind }) => {
        if (kind === "entry-point") return null;
        if (path === SHIM) return { path: "functions", namespace: "adyton" };
        return {
          errors: [{ text: `a source of Functions that runs as an agent imports nothing, and not ${path}` }],
        };
      });
      build.onLoad({ filter: /.*/, namespace: "adyton" }, () => ({
        contents: readFileSync(file, "utf8"),
        loader: "ts",
      }));
    },
  };
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `agent.json: ${message}` });
}
