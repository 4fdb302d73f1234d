/** A terminal of 80 columns, as a reader has one: what is typed there runs before a pseudo-terminal, by `script` of util-linux. */

import { spawn, type ChildProcess } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

export interface Typed {
  readonly command: string;
  readonly output: string;
  readonly status: number | null;
  /** Until it printed anything, and until it ended. */
  readonly firstOutputMs: number;
  readonly ms: number;
}

export interface Background {
  /** Ctrl-C, and how it ended. */
  readonly stop: () => Promise<Typed>;
}

export interface Terminal {
  /** Types a line, waits for its end, and refuses what no reader should see. */
  readonly type: (command: string, expectedStatus?: number) => Promise<Typed>;
  /** Types a line that keeps running, as in a second terminal, until it prints `ready`. */
  readonly start: (command: string, ready: RegExp) => Promise<Background>;
  /** Ctrl-C to whatever still runs, and waits for its end. */
  readonly close: () => Promise<void>;
}

const COLUMNS = 80;
const CTRL_C = "\u0003";
/** Nothing that a document has typed should end in one of these. */
const STUMBLES = [/this is a bug/i, /\bat .*node:internal/, /\bERR_[A-Z_]+/];

/** @param environment PATH with the Node that is tried, HOME, and nothing of the caller's */
export function openTerminal(cwd: string, environment: Readonly<Record<string, string>>): Terminal {
  const running = new Set<ChildProcess>();
  const launch = (command: string): ChildProcess => {
    const line = `stty cols ${COLUMNS} rows 24; ${PROLOGUE}${command}`;
    const child = spawn("script", ["-qfec", line, "/dev/null"], {
      cwd,
      env: { ...environment, TERM: "xterm", SHELL: "/bin/bash" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    running.add(child);
    child.once("close", () => running.delete(child));
    return child;
  };
  return {
    type: async (command, expectedStatus = 0) => {
      process.stdout.write(`$ ${command}\n`);
      const typed = await ended(command, launch(command));
      process.stdout.write(`  first line after ${typed.firstOutputMs} ms, ended after ${typed.ms} ms\n`);
      if (typed.status !== expectedStatus)
        throw new Error(`exit ${typed.status ?? "?"} and not ${expectedStatus}: ${command}\n${typed.output}`);
      return withoutStumble(typed);
    },
    start: async (command, ready) => {
      process.stdout.write(`$ ${command} &\n`);
      const child = launch(command);
      const end = ended(command, child);
      await isReady(child, ready, end);
      return {
        stop: async () => {
          // What ended by itself reads nothing any more.
          if (child.exitCode === null) child.stdin?.write(CTRL_C);
          return withoutStumble(await end);
        },
      };
    },
    close: async () => {
      const ends = [...running].map((child) => {
        child.stdin?.write(CTRL_C);
        return new Promise((resolve) => child.once("close", resolve));
      });
      await Promise.all(ends);
    },
  };
}

/** Documents write `adyton` for what a clone calls through npm. */
const PROLOGUE = 'CLONE=${CLONE:-$PWD}; adyton() { npm run -s --prefix "$CLONE" adyton -- "$@"; }; ';

async function ended(command: string, child: ChildProcess): Promise<Typed> {
  const started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started);
  let output = "";
  let firstOutputMs = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    if (output === "") firstOutputMs = elapsed();
    output += chunk.toString();
  });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      const text = asShown(output);
      resolve({ command, output: text, status, firstOutputMs, ms: elapsed() });
    });
  });
}

/** A line that was drawn over, as progress is, has what was drawn last. */
const asShown = (output: string): string =>
  stripVTControlCharacters(output)
    .split(/\r*\n/)
    .map((line) => line.slice(line.lastIndexOf("\r") + 1))
    .join("\n");

async function isReady(child: ChildProcess, ready: RegExp, end: Promise<Typed>): Promise<void> {
  let output = "";
  await Promise.race([
    new Promise<void>((resolve) => {
      child.stdout?.on("data", (chunk: Buffer) => {
        output += stripVTControlCharacters(chunk.toString());
        if (ready.test(output)) resolve();
      });
    }),
    end.then(({ output: all }) => {
      throw new Error(`it ended before it was ready:\n${all}`);
    }),
  ]);
}

function withoutStumble(typed: Typed): Typed {
  for (const stumble of STUMBLES)
    if (stumble.test(typed.output)) throw new Error(`${typed.command} shows ${stumble}:\n${typed.output}`);
  return typed;
}
