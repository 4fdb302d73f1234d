/** What @chainlink/functions-toolkit takes from the environment of this process. */

import { createRequire } from "node:module";
import { delimiter, dirname } from "node:path";

const DENO_PACKAGES: Readonly<Record<string, string>> = { "linux-x64": "@deno/linux-x64-glibc" };

/**
 * Holds on return: `deno` is found where the lockfile pins it, before what is on PATH; and the toolkit's cryptography does not
 * look for native code that nobody built.
 */
export function prepareToolkitEnvironment(): void {
  process.env["NODE_BACKEND"] ??= "js";
  const bundled = bundledDeno();
  const path = process.env["PATH"] ?? "";
  if (bundled !== null && !path.split(delimiter).includes(bundled))
    process.env["PATH"] = [bundled, path].join(delimiter);
}

/** The folder that holds deno; null on a platform for which none is pinned. */
function bundledDeno(): string | null {
  const name = DENO_PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return null;
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}
