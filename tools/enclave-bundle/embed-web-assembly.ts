/** Puts libsecp256k1's WebAssembly inside the bundle, compressed: its package reads a file beside itself, and the enclave is one file. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import type { Plugin } from "esbuild";

/** As `wasm_loader.js` of tiny-secp256k1 2.2.4, but for where the bytes come from. */
const loader = (base64: string): string => `
import * as rand from "./rand.js";
import * as validateError from "./validate_error.js";
import { brotliDecompressSync } from "node:zlib";
const binary = brotliDecompressSync(Buffer.from(${JSON.stringify(base64)}, "base64"));
const imports = { "./rand.js": rand, "./validate_error.js": validateError };
export default new WebAssembly.Instance(new WebAssembly.Module(binary), imports).exports;`;

export const embedWebAssembly: Plugin = {
  name: "embed-web-assembly",
  setup(bundler) {
    bundler.onLoad({ filter: /[/\\]tiny-secp256k1[/\\]lib[/\\]wasm_loader\.js$/ }, ({ path }) => ({
      contents: loader(
        brotliCompressSync(readFileSync(join(path, "..", "secp256k1.wasm"))).toString("base64"),
      ),
      loader: "js",
    }));
  },
};
