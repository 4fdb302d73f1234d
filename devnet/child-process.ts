/** Child processes that are gone when we are: started, awaited until they say they are ready, and ended in order. */

import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { ConfigError } from "../protocol/errors.ts";

/** Milliseconds from SIGTERM to SIGKILL: the oracle may have a transaction to write down. */
const GRACE_MS = 5_000;
/** Milliseconds that a process has to say that it is ready: a cold store on a busy machine included. */
const READY_MS = 120_000;

export interface Program {
  /** For messages and the log's file name. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where stderr goes. */
  readonly logFile: string;
  /** Reads a line of stdout; the first line it understands means that the process is ready. */
  readonly readReady: (line: string) => string | undefined;
}

export interface RunningProgram {
  readonly name: string;
  readonly pid: number;
  /** What `readReady` made of the line: usually an address. */
  readonly ready: string;
  /** Resolves when the process has ended, however it came to it. */
  readonly ended: Promise<void>;
  readonly stop: () => Promise<void>;
}

/**
 * Starts a program and waits until it is ready.
 *
 * @throws {ConfigError} CONFIG_TOOL_MISSING when there is no such command; CONFIG_INVALID when it ends or stays
 * silent instead of becoming ready, with the end of its log
 */
export async function startProgram(program: Program): Promise<RunningProgram> {
  const log = createWriteStream(program.logFile, { flags: "a" });
  const child = spawn(program.command, program.args, {
    env: program.environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const tail = keepTail(child, log);
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      log.end();
      resolve();
    });
  });
  const stop = (): Promise<void> => endChild(child, ended);
  try {
    const ready = await readiness(program, child, tail);
    return { name: program.name, pid: child.pid ?? 0, ready, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Copies stderr to the log and remembers its last lines, for the message when the start fails. */
function keepTail(child: ChildProcess, log: WriteStream): () => string {
  const lines: string[] = [];
  child.stderr?.on("data", (chunk: Buffer) => {
    log.write(chunk);
    lines.push(...chunk.toString("utf8").split("\n"));
    lines.splice(0, Math.max(0, lines.length - 12));
  });
  return () => lines.join("\n").trim();
}

function readiness(program: Program, child: ChildProcess, tail: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const failed = (what: string, cause?: unknown): void => {
      reject(
        new ConfigError({
          code: "CONFIG_INVALID",
          message: `${program.name} ${what}; its log is ${program.logFile}\n${tail()}`,
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

async function endChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  await ended;
  clearTimeout(force);
}
