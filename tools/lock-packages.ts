/**
 * `npm run image:lock [-- --cache FOLDER]`: writes the newest packages of Debian's signed index into packages.lock.json, and the
 * Node of package-lock.json. The image of the next build is another one.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createFolder } from "../endorsements/files/create-folder.ts";
import { openDebianArchive } from "./image/debian-archive.ts";
import { nodeBinary } from "./image/node-binary.ts";
import { LOCK_FILE, readPackageLock, sha256, WANTED, type PackageLock } from "./image/package-lock.ts";
import { fetchNewest } from "./image/packages.ts";

const root = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: { cache: { type: "string", default: join(root, "dist/packages") } },
});
createFolder(values.cache);
const { suites } = readPackageLock();
const archive = openDebianArchive(suites, join(values.cache, "apt"));
const node = nodeBinary();
const lock: PackageLock = {
  suites,
  node: { package: node.package, version: node.version, sha256: sha256(readFileSync(node.file)) },
  packages: WANTED.map((wanted) => {
    const { name, version, architecture, sha256: hash } = fetchNewest(archive, wanted.name, values.cache);
    return { name, version, architecture, sha256: hash };
  }),
};
writeFileSync(LOCK_FILE, `${JSON.stringify(lock, null, 2)}\n`);
for (const { name, version } of lock.packages) process.stdout.write(`${name} ${version}\n`);
