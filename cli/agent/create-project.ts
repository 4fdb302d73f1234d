/** A TypeScript project of an agent, from `examples/agent`. */

import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { InputError } from "../../protocol/errors.ts";
import { commandName } from "../invocation.ts";
import { packageRoot } from "../package-root.ts";

/** @throws {InputError} INPUT_INVALID when there is something in the folder already: nothing is overwritten */
export function createAgentProject(folder: string): readonly string[] {
  createFolder(folder);
  if (readdirSync(folder).length > 0) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${folder} is not empty: name a new folder, nothing is overwritten`,
    });
  }
  cpSync(join(packageRoot(), "examples", "agent"), folder, { recursive: true });
  const readme = join(folder, "README.md");
  writeFileSync(
    readme,
    readFileSync(readme, "utf8").replaceAll("ADYTON", commandName(folder)).replaceAll("FOLDER", folder),
  );
  writeFileSync(join(folder, ".gitignore"), "build/\n.adyton/\nnode_modules/\n");
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
