/**
 * Ends our children when we cannot: a process that is killed with SIGKILL runs nothing of its own any more. A shell beside
 * us reads a pipe whose other end only we hold; when it ends, so have we, and what we started is ended. Any program can be
 * kept so, also one that is not ours, on Linux and macOS alike.
 */

import { spawn, type ChildProcess } from "node:child_process";
import type { Writable } from "node:stream";

/** Tenths of a second from SIGTERM to SIGKILL. */
const GRACE_TENTHS = 50;

/**
 * Reads `+ PID` for a child that was started and `- PID` for one that has ended: its number may by then be another's. Deaf
 * to what a terminal sends to all of us on Ctrl-C, since we may still need it.
 */
const SCRIPT = `
trap '' INT TERM HUP
children=
while read -r change pid; do
  rest=
  for one in $children; do
    if [ "$one" != "$pid" ]; then rest="$rest $one"; fi
  done
  if [ "$change" = + ]; then rest="$rest $pid"; fi
  children=$rest
done
for one in $children; do kill -TERM "$one"; done
tenths=0
while [ "$tenths" -lt ${GRACE_TENTHS} ]; do
  alive=
  for one in $children; do
    if kill -0 "$one"; then alive=yes; fi
  done
  if [ -z "$alive" ]; then exit; fi
  sleep 0.1
  tenths=$((tenths + 1))
done
for one in $children; do kill -KILL "$one"; done
`;

let pipe: Writable | undefined;

function openKeeper(): Writable {
  const shell = spawn("/bin/sh", ["-c", SCRIPT, "adyton-keeper"], {
    env: { PATH: "/usr/bin:/bin" },
    stdio: ["pipe", "ignore", "ignore"],
    // A group of its own: who kills ours means us and our children, and these are then gone already.
    detached: true,
  });
  // Without a shell there is nobody to keep them; they still end with us in every other way.
  shell.on("error", () => undefined);
  shell.stdin.on("error", () => undefined);
  shell.unref();
  // The pipe is a socket to Node, and would hold our own end up.
  (shell.stdin as unknown as { unref: () => void }).unref();
  return shell.stdin;
}

/** Holds on return: however this process ends, `child` is ended too. */
export function endWithUs(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  pipe ??= openKeeper();
  pipe.write(`+ ${pid}\n`);
  child.once("exit", () => pipe?.write(`- ${pid}\n`));
}
