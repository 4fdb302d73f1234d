/** Calls for another run whenever something in a project's folder changes. */

import { watch } from "node:fs";

/** Milliseconds in which one save's events arrive: editors write, rename and touch. */
const SETTLING_MS = 100;
/** What runs write themselves, and what is no source. */
const IGNORED = /^(?:\.adyton|build|node_modules|\.git)(?:[/\\]|$)/;

/** Runs at once, and again after each change; one run at a time. Ends with the signal. */
export async function watchProject(
  folder: string,
  run: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let isDirty = true;
  let wake: () => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(folder, { recursive: true }, (_event, name) => {
    if (name === null || IGNORED.test(name)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      isDirty = true;
      wake();
    }, SETTLING_MS);
  });
  const stop = (): void => {
    wake();
  };
  signal.addEventListener("abort", stop);
  try {
    while (!signal.aborted) {
      if (isDirty) {
        isDirty = false;
        await run();
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(timer);
    watcher.close();
  }
}
