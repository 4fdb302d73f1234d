/** Our own programs run as processes of their own: from the sources in a clone, from dist/ when installed. */

import { extname, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

/** Arguments for Node to run `module` (such as `oracle/main`) in the form in which this file itself runs. */
export function programArguments(module: string): readonly string[] {
  return [
    "--disable-warning=ExperimentalWarning",
    resolve(ROOT, `${module}${extname(import.meta.filename)}`),
  ];
}
