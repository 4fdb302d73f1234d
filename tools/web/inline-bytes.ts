/** Files that a page carries inside of itself, deflated (RFC 1951) in base64: it may connect to nobody, so that it could fetch nothing. */

import { readFile } from "node:fs/promises";
import { deflateRawSync } from "node:zlib";
import type { Plugin } from "vite";

const SUFFIX = "?bytes";

export function inlineBytes(): Plugin {
  return {
    name: "adyton-inline-bytes",
    enforce: "pre",
    async load(id) {
      if (!id.endsWith(SUFFIX)) return null;
      const bytes = await readFile(id.slice(0, -SUFFIX.length));
      return `export default ${JSON.stringify(deflateRawSync(bytes, { level: 9 }).toString("base64"))};`;
    },
  };
}
