/** Child processes that are gone when we are: started, awaited until they say they are ready, and ended in order. */

import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { ConfigError } from "../protocol/errors.ts";
import { endWithUs } from "./keeper.ts";

/** Milliseconds from SIGTERM to SIGKILL: the oracle may have a transaction to write down. */
const GRACE_MS = 5_000;
/** Milliseconds that a process has to say that it is ready: a cold store on a busy machine included. */
const READY_MS = 120_000;
/** Characters of stderr that are remembered. */
const KEPT_LOG = 200_000;
/** Lines of stderr that explain why a process did not start. */
const SHOWN_LINES = 12;

export interface Program {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where stderr goes; only its end is remembered when there is no such file. */
  readonly logFile?: string;
  /** Called with each part of stderr. */
  readonly onLog?: (text: string) => void;
  /** Reads a line of stdout; the first line it understands means that the process is ready. */
  readonly readReady: (line: string) => string | undefined;
}

export interface RunningProgram {
  readonly name: string;
  readonly pid: number;
  /** What `readReady` made of the line: usually an address. */
  readonly ready: string;
  /** The end of stderr so far. */
  readonly log: () => string;
  /** Resolves with the exit code when the process has ended, however that happened; null after a signal. */
  readonly ended: Promise<number | null>;
  /** Sends the signal (SIGTERM when not told), SIGKILL when that does not help, and gives the exit code. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>;
}

/**
 * Starts a program and waits until it is ready.
 *
 * @throws {ConfigError} CONFIG_TOOL_MISSING when there is no such command; CONFIG_INVALID when it ends or stays
 * silent instead of becoming ready, with the end of its log
 */
export async function startProgram(program: Program): Promise<RunningProgram> {
  const file = program.logFile === undefined ? null : createWriteStream(program.logFile, { flags: "a" });
  const child = spawn(program.command, program.args, {
    env: program.environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithUs(child);
  const log = keepLog(child, file, program.onLog);
  const ended = new Promise<number | null>((resolve) => {
    child.once("close", (code) => {
      file?.end();
      resolve(code);
    });
  });
  const stop: RunningProgram["stop"] = (signal = "SIGTERM") => endChild(child, ended, signal);
  try {
    const ready = await readiness(program, child, log);
    return { name: program.name, pid: child.pid ?? 0, ready, log, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Copies stderr to the log file and remembers its end. */
function keepLog(child: ChildProcess, file: WriteStream | null, onLog: Program["onLog"]): () => string {
  let kept = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    file?.write(text);
    kept = (kept + text).slice(-KEPT_LOG);
    onLog?.(text);
  });
  return () => kept;
}

function readiness(program: Program, child: ChildProcess, log: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const failed = (what: string, cause?: unknown): void => {
      const where = program.logFile === undefined ? "" : `; its log is ${program.logFile}`;
      const tail = log().trim().split("\n").slice(-SHOWN_LINES).join("\n");
      reject(
        new ConfigError({
          code: "CONFIG_INVALID",
          message: `${program.name} ${what}${where}\n${tail}`,
          details: { program: program.name },
          cause,
        }),
      );
    };
    const timer = setTimeout(() => {
      failed(`was not ready after ${READY_MS / 1000} s`);
    }, READY_MS);
    child.once("error", (cause) => {
      clearTimeout(timer);
      reject(
        new ConfigError({
          code: "CONFIG_TOOL_MISSING",
          message: `cannot start ${program.name}: is "${program.command}" installed and on PATH?`,
          details: { program: program.name },
          cause,
        }),
      );
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      failed(`ended before it was ready (${signal ?? `exit ${code ?? "?"}`})`);
    });
    if (child.stdout === null) return;
    // The rest of stdout is read and dropped: an unread pipe would block the process when it is full.
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = program.readReady(line);
      if (ready === undefined) return;
      clearTimeout(timer);
      resolve(ready);
    });
  });
}

async function endChild(
  child: ChildProcess,
  ended: Promise<number | null>,
  signal: NodeJS.Signals,
): Promise<number | null> {
  if (child.pid === undefined) return null;
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill(signal);
  const force = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  const code = await ended;
  clearTimeout(force);
  return code;
}
