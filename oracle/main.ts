/**
 * The oracle's process: the one place where its parts are put together and where the clock and the files come in.
 * `node oracle/main.ts --config FILE`. Logs are JSON lines on stderr; stdout gets one line when it is ready, one when it
 * has stopped.
 */

import { randomUUID } from "node:crypto";
import { lookup } from "node:dns/promises";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createVendorSource } from "../endorsements/vendor-source.ts";
import { AdytonError, ConfigError } from "../protocol/errors.ts";
import { MAX_PAYLOAD_BYTES } from "../protocol/limits.ts";
import { loadSigner } from "./chain/signer.ts";
import type { TransactionSigner } from "./chain/transaction-signer.ts";
import type { OracleConfig } from "./config.ts";
import { loadOracleConfig } from "./config.ts";
import { readAdminToken, readAppraisalPolicy } from "./configured-files.ts";
import { explain } from "./explain.ts";
import { connectEnclave } from "./enclaves/enclave-session.ts";
import { EnclaveSet } from "./enclaves/enclave-set.ts";
import { EvidenceReview } from "./enclaves/evidence-review.ts";
import { createEvidenceVerifier } from "./enclaves/evidence-verifier.ts";
import { provisionSecrets, readSecret } from "./enclaves/provisioning.ts";
import { ReceiptEndorsements } from "./enclaves/receipt-endorsements.ts";
import { drain } from "./engine/drain.ts";
import { startEngine } from "./engine/engine.ts";
import { JobQueue } from "./engine/job-queue.ts";
import { createHttpApp, listen } from "./http/server.ts";
import type { RuntimeState } from "./http/metrics.ts";
import type { Operations } from "./http/admin.ts";
import { toHealth } from "./http/health.ts";
import type { Health } from "./http/health.ts";
import type { Logger } from "./log.ts";
import { createLogger } from "./log.ts";
import { createPinnedFetch } from "./payloads/pinned-fetch.ts";
import { PayloadSource } from "./payloads/payload-source.ts";
import { AdmittedKeysets } from "./relay/admitted-keysets.ts";
import { Answerer } from "./relay/answerer.ts";
import { EnclaveAsker } from "./relay/enclave-asker.ts";
import { ChainRelay } from "./relay/chain-relay.ts";
import { QuorumCollector } from "./relay/quorum-collector.ts";
import type { AnswerJob } from "./relay/journal.ts";
import { createQuoter } from "./relay/quote.ts";
import { retryRequest } from "./relay/retry.ts";
import type { OpenTelemetrySink } from "./telemetry/open-telemetry.ts";
import type { SpanSink } from "./telemetry/request-span.ts";
import { SpanDurations } from "./telemetry/span-durations.ts";
import { traceparentOf } from "./telemetry/trace-context.ts";
import { countOpen } from "./store/open-counts.ts";
import { recordAnswers } from "./store/answers.ts";
import type { AnswerRecord } from "./store/answers.ts";
import type { Store } from "./store/store.ts";
import { openStore } from "./store/store.ts";

const now = (): number => Date.now();
const STOP_GRACE_MS = 10_000;
/** Of the requests at work, those that may wait for a server that a requester named. */
const FETCHING_SHARE = 0.25;
const MAINTENANCE_MS = 60_000;

function say(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function loadSigners(config: OracleConfig): Promise<[TransactionSigner, ...TransactionSigner[]]> {
  const [first, ...others] = await Promise.all(config.transmitterKeys.map((key) => loadSigner(key)));
  if (first === undefined) {
    throw new ConfigError({ code: "CONFIG_INVALID", message: "no transmitter key is configured" });
  }
  return [first, ...others];
}

async function run(config: OracleConfig, log: Logger): Promise<void> {
  const policy = readAppraisalPolicy(config);
  const adminToken = readAdminToken(config);
  const signers = await loadSigners(config);
  // A file without a key is said now, and not when an enclave has to wait for it.
  await Promise.all(config.enclaves.flatMap(({ secrets }) => secrets.map(readSecret)));
  const store = await openStore(config.store);
  const engine = await startEngine(store, log, config.takeoverSeconds);
  const holder = randomUUID();
  const endorsements = createVendorSource();
  const verifier = createEvidenceVerifier({ policy, endorsements, now });
  const receiptEndorsements = new ReceiptEndorsements({ source: endorsements, log, now });
  const relays: ChainRelay[] = [];
  const relayOf = (chainId: number): ChainRelay | undefined =>
    relays.find((relay) => relay.chainId === chainId);
  const enclaves = new EnclaveSet({
    addresses: config.enclaves,
    connect: async (address) => {
      const limits = { answerTimeoutMs: config.answerTimeoutMs, maxSockets: config.concurrency };
      const session = await connectEnclave(address, verifier, limits);
      await provisionSecrets(session, address.secrets, log);
      return session;
    },
    isAdmitted: (session, chainId, policyId) => relayOf(chainId)?.isAdmitted(session, policyId) === true,
    onConnected: () => {
      for (const relay of relays) {
        relay.enclavesChanged();
      }
    },
    log,
  });
  const durations = new SpanDurations();
  const collector = await startCollector(config, holder);
  const spans: SpanSink = {
    record: (span) => {
      durations.record(span);
      collector?.record(span);
    },
  };
  const asker = new EnclaveAsker({
    enclaves,
    log,
    spans,
    ...(collector === undefined ? {} : { traceparent: traceparentOf }),
    endorse: (evidence) => receiptEndorsements.find(evidence),
    now,
  });
  const review = new EvidenceReview({
    enclaves,
    verifier,
    log,
    now,
    periodMs: config.reverifySeconds * 1_000,
  });
  const answerer = new Answerer({
    store,
    enclaves,
    log,
    asker,
    quorums: new QuorumCollector({ store, asker, log, now }),
    payloads: new PayloadSource({
      fetch: createPinnedFetch({
        resolve: resolveName,
        timeoutMs: config.payloads.timeoutMs,
        maxBytes: MAX_PAYLOAD_BYTES,
      }),
      ipfsGateways: config.payloads.ipfsGateways,
      maxFetches: Math.ceil(config.concurrency * FETCHING_SHARE),
    }),
    admitted: new AdmittedKeysets(store, now),
    chainOf: (chainId) => relayOf(chainId)?.answered,
    now,
  });
  const queue = new JobQueue<AnswerJob, AnswerRecord>({
    engine,
    store,
    log,
    name: "answers",
    slots: config.concurrency,
    isReady: () => relays.some((relay) => relay.hasAdmitted()),
    handle: (job, signal) => answerer.handle(job, signal),
    record: recordAnswers,
    onRecorded: (records) => {
      const chains = new Set(
        records.flatMap((record) => (record.kind === "nothing" ? [] : [record.chainId])),
      );
      for (const chainId of chains) {
        relayOf(chainId)?.wake();
      }
    },
  });
  for (const chain of config.chains) {
    relays.push(
      new ChainRelay({
        config: chain,
        store,
        engine,
        log: log.with({ chainId: chain.chainId }),
        signers,
        enclaves: () => enclaves,
        verifier,
        holder,
        leaseMs: config.takeoverSeconds * 1_000,
        now,
        onWork: () => {
          queue.wake();
        },
        spans,
      }),
    );
  }
  const operations: Operations = {
    retry: async (requestId) => {
      await retryRequest(store, engine, requestId);
      queue.wake();
      for (const relay of relays) {
        relay.wake();
      }
    },
    deadLetters: () => engine.deadLetters("answers"),
    drain: () => {
      const ended = drain({
        stopQueue: (graceMs) => queue.stop(graceMs),
        countOpen: () => countOpen(store),
        log,
        now,
        wait,
      });
      void ended.then(() => process.kill(process.pid, "SIGTERM"));
    },
  };
  const app = createHttpApp({
    store,
    log,
    health: () => health(relays, enclaves),
    isReady: () => relays.some((relay) => relay.hasAdmitted()),
    runtime: async () => ({
      ready: relays.some((relay) => relay.hasAdmitted()),
      jobsInFlight: queue.inFlight(),
      deadLetters: await engine.countDeadLetters("answers"),
      chains: relays.map(chainState),
      durations: durations.read(),
      process: processState(),
    }),
    quoter: createQuoter({ chains: relays, sessions: () => enclaves.sessions }),
    twin: (keysetId, requestId) =>
      enclaves.sessions.find((session) => session.keysetId === keysetId)?.client.twin(requestId),
    ...(adminToken === undefined ? {} : { admin: { token: adminToken, operations } }),
  });
  const http = await listen(app, config.http);
  const maintenance = setInterval(() => {
    store.maintain().catch((error: unknown) => {
      log.warn("store.maintenance-failed", { error });
    });
  }, MAINTENANCE_MS);
  onStop(log, async () => {
    clearInterval(maintenance);
    await http.close();
    await Promise.all(relays.map((relay) => relay.stop()));
    await queue.stop(STOP_GRACE_MS);
    await review.stop();
    await enclaves.stop();
    await collector?.stop();
    await closeStore(store, () => engine.stop());
  });
  say({
    event: "ready",
    url: `http://${config.http.host}:${http.port}`,
    chains: config.chains.map(({ chainId }) => chainId),
    transmitters: signers.map(({ address }) => address),
  });
}

/** Loaded only here and only when wanted: it is a fifth of the package's code. */
async function startCollector(
  { tracing }: OracleConfig,
  holder: string,
): Promise<OpenTelemetrySink | undefined> {
  if (tracing === undefined) {
    return undefined;
  }
  const { createCollectorProcessor, OpenTelemetrySink: Sink } = await import("./telemetry/open-telemetry.ts");
  return new Sink(createCollectorProcessor(tracing), holder);
}

function chainState({ chainId, funds, rpcEndpoints }: ChainRelay): RuntimeState["chains"][number] {
  const { healthy, total } = rpcEndpoints;
  const balances = funds.flatMap(({ address, balance }) => (balance === null ? [] : [{ address, balance }]));
  return { chainId, rpcHealthy: healthy, rpcTotal: total, balances };
}

function processState(): RuntimeState["process"] {
  const { user, system } = process.cpuUsage();
  return {
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    startedAt: Math.round(now() / 1_000 - process.uptime()),
  };
}

async function resolveName(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

async function closeStore(store: Store, stopEngine: () => Promise<void>): Promise<void> {
  await stopEngine();
  await store.close();
}

function onStop(log: Logger, stop: () => Promise<void>): void {
  let stopping = false;
  const begin = (signal: string): void => {
    if (stopping) {
      return;
    }
    stopping = true;
    log.info("oracle.stopping", { signal });
    stop().then(
      () => {
        say({ event: "stopped" });
        process.exit(0);
      },
      (error: unknown) => {
        log.error("oracle.stop-failed", { error });
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", begin);
  process.on("SIGINT", begin);
}

function health(relays: readonly ChainRelay[], enclaves: EnclaveSet): Health {
  const chains = relays.map(({ chainId, head, cursorNumber, isStalled, funds, rpcState }) => ({
    chainId,
    stalled: isStalled,
    disputed: rpcState.disputed,
    rpcSetAside: rpcState.aside,
    keysUsable: funds.filter(({ usable }) => usable).length,
    keysLowOnFunds: funds.filter(({ usable }) => !usable).map(({ address }) => address),
    block: cursorNumber ?? null,
    behindBlocks: head === undefined || cursorNumber === undefined ? null : head.latest.number - cursorNumber,
  }));
  return toHealth({ chains, enclaves: enclaves.sessions.map(({ keysetId, url }) => ({ keysetId, url })) });
}

try {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) {
    throw new ConfigError({ code: "CONFIG_INVALID", message: "--config FILE is missing" });
  }
  const config = await loadOracleConfig(values.config);
  const log = createLogger({
    level: config.logLevel,
    write: (line) => process.stderr.write(`${line}\n`),
    now,
  });
  await run(config, log);
} catch (error) {
  process.stderr.write(`${error instanceof AdytonError ? explain(error as AdytonError) : String(error)}\n`);
  process.exit(1);
}
