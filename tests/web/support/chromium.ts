/** Debian's Chromium. Without it the tests of the page say that they were skipped. */

import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const HAS_CHROMIUM = existsSync(EXECUTABLE);
if (!HAS_CHROMIUM)
  process.stderr.write(`SKIPPED: the browser tests want ${EXECUTABLE} (apt-get install chromium)\n`);

export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}
