/** An agent's project: `agent.json` names its module and says what the program may ask for. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { Manifest } from "../../protocol/agent-program.ts";
import { commandLine } from "../invocation.ts";
import { readJsonFile } from "../json-file.ts";

export const PROJECT_FILE = "agent.json";
export const INPUT_FILE = "input.json";

const ProjectFile = z.strictObject({
  /** `functions`: the entry is a source of Chainlink Functions, as it is. */
  kind: z.enum(["program", "functions"]).default("program"),
  /** The module whose default export is called, or the source, relative to the project. */
  entry: z.string().min(1),
  manifest: Manifest,
});

export interface Project extends z.output<typeof ProjectFile> {
  readonly folder: string;
}

/** @throws {InputError} INPUT_NOT_FOUND, INPUT_INVALID naming the field */
export function readProject(folder: string): Project {
  const project = readJsonFile(
    join(folder, PROJECT_FILE),
    ProjectFile,
    `start a project with \`${commandLine("agent", "init", folder)}\``,
  );
  return { folder, ...project };
}

/** What the program is given: text of the command line, or the project's `input.json`; null without either. */
export function readInput({ folder }: Project, text: string | undefined): unknown {
  const file = join(folder, INPUT_FILE);
  if (text === undefined) return existsSync(file) ? readJsonFile(file, z.json(), "") : null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return readJsonFile(text, z.json(), "--input takes JSON, or the name of a file of it");
  }
}
