/** A Foundry project of a contract developer, from `examples/starter`. */

import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { InputError } from "../../protocol/errors.ts";
import { commandName } from "../invocation.ts";
import { packageRoot } from "../package-root.ts";

/**
 * Writes the project, and gives the names of the files that are the developer's own.
 *
 * @throws {InputError} INPUT_INVALID when there is something in the folder already: nothing is overwritten
 */
export function createProject(folder: string): readonly string[] {
  const root = packageRoot();
  createFolder(folder);
  if (readdirSync(folder).length > 0) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${folder} is not empty: name a new folder, nothing is overwritten`,
    });
  }
  cpSync(join(root, "examples", "starter"), folder, { recursive: true });
  // A copy, as `forge install` makes one: the project goes on compiling wherever it and this package are moved.
  const library = join(folder, "lib", "adyton", "contracts");
  cpSync(join(root, "contracts", "src"), join(library, "src"), { recursive: true });
  const readme = join(folder, "README.md");
  const network = join(folder, ".adyton", "network.json");
  writeFileSync(
    readme,
    readFileSync(readme, "utf8").replaceAll("ADYTON", commandName(folder)).replaceAll("NETWORK", network),
  );
  writeFileSync(join(folder, "foundry.toml"), foundryToml(root));
  writeFileSync(join(folder, ".gitignore"), "out/\ncache/\nbroadcast/\n.adyton/\n");
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith("lib"))
    .sort();
}

/**
 * Said in full: what forge derives from a dependency's own foundry.toml is right for that dependency alone. OpenZeppelin's
 * contracts, which only some of ours import, stay where they are.
 */
function foundryToml(root: string): string {
  const openZeppelin = [join(root, "node_modules"), dirname(root)].find((modules) =>
    existsSync(join(modules, "@openzeppelin")),
  );
  const remappings = [
    "adyton/=lib/adyton/",
    ...(openZeppelin === undefined ? [] : [`@openzeppelin/=${join(openZeppelin, "@openzeppelin")}/`]),
  ];
  return `[profile.default]
src = "src"
test = "test"
script = "script"
libs = ["lib"]
evm_version = "osaka"
auto_detect_remappings = false
remappings = [
${remappings.map((remapping) => `    ${JSON.stringify(remapping)},\n`).join("")}]
allow_paths = [${JSON.stringify(openZeppelin ?? root)}]
fs_permissions = [{ access = "read", path = ".adyton" }]
`;
}
