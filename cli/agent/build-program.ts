/** From a TypeScript project to a program: one module without imports, and its manifest. */

import { isAbsolute, relative, resolve } from "node:path";
import type { BuildFailure, Message } from "esbuild";
import { encodeProgram, parseProgram, type Program } from "../../protocol/agent-program.ts";
import { InputError } from "../../protocol/errors.ts";
import { functionsEntry } from "./functions-entry.ts";
import type { Project } from "./project.ts";

export interface BuiltProgram {
  readonly file: Uint8Array<ArrayBuffer>;
  readonly program: Program;
}

/**
 * The same bytes for the same sources, wherever the project lies: the bundler is pinned, and names files relative to the project.
 *
 * @throws {InputError} INPUT_INVALID saying what does not compile and where; INPUT_TOO_LARGE
 */
export async function buildProgram(project: Project): Promise<BuiltProgram> {
  const { folder, entry, manifest, kind } = project;
  const { build } = await import("esbuild");
  let source: string;
  try {
    const { outputFiles } = await build({
      absWorkingDir: folder,
      ...(kind === "functions"
        ? functionsEntry(project, entryPoint(folder, entry))
        : { entryPoints: [entryPoint(folder, entry)] }),
      bundle: true,
      write: false,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      // What the sandbox's engine reads.
      target: "es2023",
      charset: "utf8",
      legalComments: "none",
      logLevel: "silent",
      // The project's own may name a language that the sandbox does not read.
      tsconfigRaw: {},
    });
    source = outputFiles[0]?.text ?? "";
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    throw new InputError({ code: "INPUT_INVALID", message: error.errors.map(describe).join("\n") });
  }
  const file = encodeProgram(source, manifest);
  return { file, program: parseProgram(file) };
}

/** @throws {InputError} INPUT_INVALID for a module outside of the project: its name would be in the program */
function entryPoint(folder: string, entry: string): string {
  const inside = relative(folder, resolve(folder, entry));
  if (!inside.startsWith("..") && !isAbsolute(inside)) return `./${inside}`;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `agent.json: entry names ${entry}, which is outside of the project`,
  });
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);
}

function describe({ text, location }: Message): string {
  return location === null ? text : `${location.file}:${location.line}:${location.column}: ${text}`;
}
