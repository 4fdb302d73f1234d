import { setTimeout as wait } from "node:timers/promises";

/**
 * What `work` gives within `ms` milliseconds. A database that hangs says nothing: it is not waited for longer, and what it says afterwards
 * is not heard.
 *
 * @throws {Error} "nothing came within … ms"
 */
export async function inTime<T>(ms: number, work: Promise<T>): Promise<T> {
  const patience = new AbortController();
  const late = async (): Promise<never> => {
    await wait(ms, undefined, { signal: patience.signal, ref: false });
    throw new Error(`nothing came within ${ms} ms`);
  };
  const tooLate = late();
  tooLate.catch(() => undefined);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    patience.abort();
  }
}
