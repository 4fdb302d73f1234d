/** Runs the `adyton` command as a process, as a user would. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { programPath } from "../../devnet/config.ts";
import { COMPILE_CACHE } from "./compile-cache.ts";

const MAIN = join(import.meta.dirname, "../../cli/main.ts");

export interface CommandRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param watch sees stderr as it grows, and may interrupt as Ctrl-C does
 * @param preload a module that is loaded before the command
 */
export async function runAdyton(
  args: readonly string[],
  watch?: (stderr: string, interrupt: () => void) => void,
  cwd = process.cwd(),
  preload?: string,
): Promise<CommandRun> {
  const before = preload === undefined ? [] : ["--import", preload];
  const child = spawn(process.execPath, [...before, MAIN, ...args], {
    cwd,
    env: { PATH: programPath(), ...COMPILE_CACHE },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    watch?.(stderr, () => child.kill("SIGINT"));
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}
