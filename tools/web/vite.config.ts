/** Builds the pages into dist/web: `npm run build:web`. */

import { defineConfig } from "vite";
import { resolve } from "node:path";
import { inlineBytes } from "./inline-bytes.ts";
import { pageIntegrity } from "./page-integrity.ts";

const WEB = resolve(import.meta.dirname, "../../web");

export default defineConfig({
  root: WEB,
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [inlineBytes(), pageIntegrity()],
  // One file: a part of it that came later would tell the server that something of its kind is being judged.
  worker: {
    format: "es",
    plugins: () => [inlineBytes()],
    rolldownOptions: { output: { codeSplitting: false } },
  },
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    target: "es2024",
    // No inlined files: fonts and scripts come from this origin, and `data:` is not allowed.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: {
        verify: `${WEB}/verify.html`,
        index: `${WEB}/index.html`,
        local: `${WEB}/local.html`,
        console: `${WEB}/console.html`,
      },
    },
  },
});
