import { spawnSync } from "node:child_process";

/** Bytes: the longest output is a kernel package's files. */
const MAX_OUTPUT = 1024 * 1024 * 1024;

export interface RunOptions {
  readonly input?: Uint8Array;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that the build needs was not there, or did not do its part. */
export class BuildError extends Error {
  override name = "BuildError";
}

/** Runs a program to its end and returns what it wrote. @throws {BuildError} saying what it said */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { maxBuffer: MAX_OUTPUT, ...options });
  if (error !== undefined) throw new BuildError(`${command} cannot be run: ${error.message}`);
  if (status !== 0) throw new BuildError(`${command} ${args.join(" ")}: ${stderr.toString().trim()}`);
  return stdout;
}
