/**
 * Installs what `npm run test:cre` runs the workflow with, from a lockfile of its own (tools/cre): Chainlink's packages are under
 * BUSL-1.1, and belong to no install, bundle or package of adyton. Does nothing where it is installed already.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "cre");
const STAMP = join(FOLDER, "node_modules/.installed-lock.json");
const lock = readFileSync(join(FOLDER, "package-lock.json"), "utf8");

if (!existsSync(STAMP) || readFileSync(STAMP, "utf8") !== lock) {
  process.stderr.write("installing Chainlink's packages for this test, once (some 270 MB)\n");
  const { status, error } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: FOLDER,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error("Chainlink's packages cannot be installed: see what npm says above");
  writeFileSync(STAMP, lock);
}
