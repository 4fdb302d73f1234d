import { lookup } from "node:dns/promises";
import type { EndorsementSource } from "../../attestation/endorsements/endorsement-source.ts";
import { MAX_PAYLOAD_BYTES } from "../../protocol/limits.ts";
import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import { ReceiptEndorsements } from "../enclaves/receipt-endorsements.ts";
import { JobQueue } from "../engine/job-queue.ts";
import { createPinnedFetch } from "../payloads/pinned-fetch.ts";
import { PayloadSource } from "../payloads/payload-source.ts";
import { AdmittedKeysets } from "../relay/asking/admitted-keysets.ts";
import { Answerer } from "../relay/asking/answerer.ts";
import { EnclaveAsker } from "../relay/asking/enclave-asker.ts";
import { QuorumCollector } from "../relay/asking/quorum-collector.ts";
import { SharedAsking } from "../relay/asking/shared-asking.ts";
import type { AnswerJob } from "../relay/intake/journal.ts";
import { type AnswerRecord, recordAnswers } from "../store/answers.ts";
import { traceparentOf } from "../telemetry/trace-context.ts";
import type { Chains } from "./chains.ts";
import type { NodeContext } from "./node-context.ts";

export type AnswerQueue = JobQueue<AnswerJob, AnswerRecord>;

/** Of the requests at work, those that may wait for a server that a requester named. */
const FETCHING_SHARE = 0.25;

/** From a queued job to a recorded answer: the queue, the answerer behind it, and what that asks with. */
export function createAsking(
  { config, store, engine, log, events, spans, now }: NodeContext,
  parts: { readonly chains: Chains; readonly enclaves: EnclaveSet; readonly endorsements: EndorsementSource },
): AnswerQueue {
  const { chains, enclaves } = parts;
  const receiptEndorsements = new ReceiptEndorsements({ source: parts.endorsements, log, now });
  const asker = new EnclaveAsker({
    enclaves,
    log,
    spans,
    ...(config.tracing === undefined ? {} : { traceparent: traceparentOf }),
    endorse: (evidence) => receiptEndorsements.find(evidence),
    now,
  });
  const payloads = new PayloadSource({
    fetch: createPinnedFetch({
      resolve: resolveName,
      timeoutMs: config.payloads.timeoutMs,
      maxBytes: MAX_PAYLOAD_BYTES,
    }),
    ipfsGateways: config.payloads.ipfsGateways,
    maxFetches: Math.ceil(config.concurrency * FETCHING_SHARE),
  });
  const answerer = new Answerer({
    store,
    enclaves,
    log,
    asker,
    quorums: new QuorumCollector({ store, asker, log, now }),
    shared:
      config.operators === undefined
        ? undefined
        : new SharedAsking({
            ...{ store, asker, log, now, spares: config.operators.spares },
            onRecorded: (chainId) => events.emit("recorded", new Set([chainId])),
          }),
    payloads,
    admitted: new AdmittedKeysets(store, now),
    chainOf: (chainId) => chains.of(chainId)?.answered,
    now,
  });
  const queue: AnswerQueue = new JobQueue({
    engine,
    store,
    log,
    name: "answers",
    slots: config.concurrency,
    groups: config.chains.length,
    isReady: () => chains.hasAdmitted(),
    handle: (job, signal) => answerer.handle(job, signal),
    record: recordAnswers,
    onRecorded: (records) =>
      events.emit(
        "recorded",
        new Set(records.flatMap((record) => (record.kind === "nothing" ? [] : [record.chainId]))),
      ),
  });
  events.on("work", () => {
    queue.wake();
  });
  return queue;
}

async function resolveName(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
