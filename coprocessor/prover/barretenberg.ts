/**
 * Barretenberg as a process of its own: with a limit to its memory, the SRS that it was given and no other, and one at a time. Its
 * `bb verify` would refuse the development SRS: proofs are checked by the contract.
 */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { ConfigError, ProverError } from "../../protocol/errors.ts";

export interface BarretenbergOptions {
  /** `checkSrs` said what it is. */
  readonly srs: string;
  /** Megabytes of address space; beyond them the process ends. */
  readonly memoryMb: number;
  readonly threads: number;
  /** Lines that it writes as it works. */
  readonly onLine?: (line: string) => void;
  /** Of the process, for who watches what it uses. */
  readonly onStart?: (pid: number) => void;
}

/** So that a proof does not keep an oracle beside it from answering. */
const NICENESS = 10;
const KEPT_LINES = 5;

let last: Promise<unknown> = Promise.resolve();

/**
 * Waits until the one before has ended.
 *
 * @throws {ProverError} PROVER_FAILED, PROVER_OUT_OF_MEMORY
 * @throws {ConfigError} CONFIG_TOOL_MISSING
 */
export async function runBarretenberg(
  args: readonly string[],
  options: BarretenbergOptions,
): Promise<{ readonly output: string }> {
  const run = last.then(async () => await runOnce(args, options));
  last = run.catch(() => undefined);
  return await run;
}

async function runOnce(
  args: readonly string[],
  { srs, memoryMb, threads, onLine, onStart }: BarretenbergOptions,
): Promise<{ readonly output: string }> {
  const limited = `ulimit -v ${Math.ceil(memoryMb) * 1024} && exec nice -n ${NICENESS} "$0" "$@"`;
  const child = spawn("sh", ["-c", limited, binaryPath(), ...args], {
    env: { CRS_PATH: srs, HARDWARE_CONCURRENCY: String(threads) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid !== undefined) onStart?.(child.pid);
  const lines: string[] = [];
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    onLine?.(line);
  });
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>(
    (resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exitCode, exitSignal) => {
        resolve({ code: exitCode, signal: exitSignal });
      });
    },
  );
  if (code === 0) return { output };
  const said = lines.slice(-KEPT_LINES).join(" | ");
  // A thread that does not start found no room for its stack.
  const isMemory =
    signal === "SIGKILL" || /bad_alloc|out of memory|cannot allocate|thread constructor failed/i.test(said);
  throw new ProverError({
    code: isMemory ? "PROVER_OUT_OF_MEMORY" : "PROVER_FAILED",
    message: isMemory
      ? `the prover needs more than ${memoryMb} MB: raise the limit, or prove fewer rows`
      : `the prover ended without a proof: ${said}`,
    details: { command: args[0] ?? "", exitCode: code, signal },
  });
}

function binaryPath(): string {
  const system = `${process.arch === "x64" ? "amd64" : process.arch}-${process.platform === "darwin" ? "macos" : process.platform}`;
  try {
    // dest/node/index.js
    const entry = import.meta.resolve("@aztec/bb.js");
    return join(new URL("../../build", entry).pathname, system, "bb");
  } catch (cause) {
    throw new ConfigError({
      code: "CONFIG_TOOL_MISSING",
      message:
        "proving needs @aztec/bb.js 5.0.0, @noir-lang/noir_js and @noir-lang/noir_wasm 1.0.0-beta.26: npm install them",
      cause,
    });
  }
}
