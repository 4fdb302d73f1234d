/** Ctrl-C and SIGTERM: what was started is ended before we are. */

import { ExitCode } from "./exit-codes.ts";

/** Interrupted from outside: everything is ended, and the exit status says so. */
class Interrupted extends Error {}

/** Runs `work` until it ends, or until SIGINT or SIGTERM, after which it still cleans up. */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<ExitCode>): Promise<ExitCode> {
  const controller = new AbortController();
  const interrupt = (): void => {
    controller.abort(new Interrupted("interrupted"));
  };
  // Not `once`: a second Ctrl-C must not end us before what we started has ended.
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (error instanceof Interrupted) return ExitCode.interrupted;
    throw error;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}
