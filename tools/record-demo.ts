/** `npm run -s images:demo`: records `npm run demo` into docs/images/demo.svg, as a reader would see it run. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { terminalRecording, type RecordedLine } from "./plots/terminal-recording.ts";

/** The verdict's first lines say it; the checks of the receipt would fill a screen of their own. */
const LAST = /^\s*(?:holds|fails)\s/;

const folder = mkdtempSync(join(tmpdir(), "adyton-recording-"));
const started = performance.now();
const demo = spawn(process.execPath, ["cli/main.ts", "demo", "--folder", folder], {
  stdio: ["ignore", "pipe", "inherit"],
});
const lines: RecordedLine[] = [];
let isOver = false;
for await (const line of createInterface({ input: demo.stdout })) {
  isOver ||= LAST.test(line);
  if (!isOver) lines.push({ at: performance.now() - started, text: line.replaceAll(folder, ".adyton/demo") });
}
rmSync(folder, { recursive: true, force: true });
writeFileSync("docs/images/demo.svg", terminalRecording("npm run demo", lines));
