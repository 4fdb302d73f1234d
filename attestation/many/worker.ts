/** The thread that verifies a share of a batch. `verify-on-threads.ts` starts it. */

import type { Endorsements } from "../endorsements/endorsements.ts";
import { threadsOf } from "./threads.ts";
import { verifyBatch } from "./verify-batch.ts";
import {
  encodeError,
  fromEndorsementFiles,
  type FromWorker,
  type SentResult,
  type ToWorker,
} from "./wire.ts";

let current: Endorsements = {};

async function answer(message: ToWorker): Promise<FromWorker | undefined> {
  if ("endorsements" in message) {
    current = fromEndorsementFiles(message.endorsements);
    return undefined;
  }
  const { task, pieces, now } = message;
  const results = await verifyBatch(pieces, current, { now });
  return {
    task,
    results: results.map((result): SentResult =>
      result.ok ? { ok: true, findings: result.evidence } : { ok: false, error: encodeError(result.error) },
    ),
  };
}

const caller = threadsOf(globalThis)?.parentPort;
caller?.on("message", (message: ToWorker) => {
  // A rejection is a bug, and ends the thread: its caller is told.
  void answer(message).then((reply) => {
    if (reply !== undefined) caller.postMessage(reply);
  });
});
