/** Verifies many pieces of evidence on every core. */

import type { Endorsements } from "../endorsements/endorsements.ts";
import type { VerifyOptions } from "../evidence/recognise-evidence.ts";
import { checkUnixSeconds } from "../time/unix-time.ts";
import { threadsOf } from "./threads.ts";
import { SHARE, verifyBatch, type ManyResult } from "./verify-batch.ts";

export interface VerifyManyOptions extends VerifyOptions {
  /** Threads at most beside this one, which does its share; by default one for each further core. 0: none, everything on this thread. */
  readonly workers?: number;
}

/**
 * Verifies each piece of evidence by itself, as `verifyEvidence` does, on this thread and on others, which stay for the next call and
 * keep no process alive. Where the runtime has no threads of Node's, as in a browser, everything is verified on this one.
 *
 * @param pieces each in its own form, as `verifyEvidence` takes it
 * @param endorsements for all of them; pass the same object again, and threads need not read it again
 * @returns one result for each piece, in their order: what is wrong with one says nothing of the others
 * @throws {InputError} `now` is not a time in seconds
 */
export async function verifyMany(
  pieces: readonly Uint8Array[],
  endorsements: Endorsements,
  options: VerifyManyOptions,
): Promise<readonly ManyResult[]> {
  const { now } = options;
  checkUnixSeconds(now);
  const threads = threadsOf(globalThis);
  const most = options.workers ?? (threads?.cores ?? 1) - 1;
  const wanted = Math.min(most, Math.ceil(pieces.length / SHARE) - 1);
  if (threads === null || wanted < 1) return await verifyBatch(pieces, endorsements, { now });
  const { verifyOnThreads } = await import("./verify-on-threads.ts");
  return await verifyOnThreads({ pieces, endorsements, now }, threads, wanted);
}
