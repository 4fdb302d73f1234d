import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../protocol/errors.ts";

/** Where `contracts` and `examples` are: above the sources in a clone, above `dist` in an installed package. */
export function packageRoot(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "examples", "starter"))) return folder;
    if (folder === dirname(folder)) break;
  }
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: "this installation of adyton has no examples: install it again",
  });
}
