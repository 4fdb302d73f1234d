/** Debian's Chromium for tests, where it is installed, and code bundled as a page loads it. */

import { build } from "esbuild";
import { existsSync } from "node:fs";

export const CHROMIUM = "/usr/bin/chromium";
export const hasChromium = existsSync(CHROMIUM);
export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

if (!hasChromium)
  process.stderr.write(`SKIPPED: the browser tests want ${CHROMIUM} (apt-get install chromium)\n`);

/** One module for a page, minified. */
export async function bundlePage(
  file: string,
): Promise<{ readonly text: string; readonly contents: Uint8Array }> {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  const [bundled] = outputFiles;
  if (bundled === undefined) throw new Error(`${file} was not bundled`);
  return bundled;
}
