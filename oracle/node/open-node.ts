import { randomUUID } from "node:crypto";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { ConfigError } from "../../protocol/errors.ts";
import { loadSigner } from "../chain/signing/signer.ts";
import type { TransactionSigner } from "../chain/signing/transaction-signer.ts";
import type { OracleConfig } from "../config.ts";
import {
  readAdminToken,
  readAppraisalPolicy,
  readConsoleToken,
  readOperatorKey,
} from "../configured-files.ts";
import { MinuteSeries } from "../console/minute-series.ts";
import { EvidenceReview } from "../enclaves/evidence-review.ts";
import { createEvidenceVerifier } from "../../client/evidence-verifier.ts";
import { readSecret } from "../enclaves/provisioning.ts";
import { startEngine } from "../engine/engine.ts";
import { openArchive } from "../keeping/open-archive.ts";
import { Retention } from "../keeping/retention.ts";
import { listen } from "../http/server.ts";
import type { Logger } from "../log.ts";
import { forgetPeerLeaves } from "../store/peer-leaves.ts";
import { StoreProbe } from "../store/store-probe.ts";
import { openStore } from "../store/store.ts";
import type { OpenTelemetrySink } from "../telemetry/open-telemetry.ts";
import { SpanDurations } from "../telemetry/span-durations.ts";
import { Chains } from "./chains.ts";
import { createAsking } from "./create-asking.ts";
import { createEnclaves } from "./create-enclaves.ts";
import { createPeers } from "./create-peers.ts";
import { createHttp } from "./create-http.ts";
import { openConsole } from "./open-console.ts";
import type { NodeContext } from "./node-context.ts";
import { createNodeEvents } from "./node-events.ts";

/** A node at work. */
export interface OpenNode {
  /** Where its HTTP interface listens. */
  readonly url: string;
  /** Where its console listens; absent without one. */
  readonly consoleUrl: string | undefined;
  readonly transmitters: readonly string[];
  /** Lets what is under way end, as far as that is quick, and closes the store. */
  stop(): Promise<void>;
}

export interface NodeWorld {
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
  /** Ends the process in order: an operator asked for it. */
  readonly requestStop: () => void;
}

const STOP_GRACE_MS = 10_000;
const MAINTENANCE_MS = 60_000;

/**
 * Opens the store, and begins to follow, to ask, to send and to serve, in this order.
 *
 * @throws {ConfigError} for what the configuration names and is not there
 */
export async function openNode(
  config: OracleConfig,
  { log: wholeLog, now, requestStop }: NodeWorld,
): Promise<OpenNode> {
  const policy = readAppraisalPolicy(config);
  const signers = await loadSigners(config);
  // A file without a key, or without a token, is said now, and not when somebody waits for it.
  readAdminToken(config);
  readConsoleToken(config);
  const key = readOperatorKey(config);
  const archive = config.retention === undefined ? undefined : openArchive(config.retention.archive);
  await Promise.all(config.enclaves.flatMap(({ secrets }) => secrets.map(readSecret)));
  const store = await openStore(config.store);
  const holder = randomUUID();
  const probe = new StoreProbe({ store, holder, log: wholeLog, now });
  const log = probe.quieten(wholeLog);
  const engine = await startEngine(store, log, config.takeoverSeconds);
  const endorsements = createVendorSource();
  const durations = new SpanDurations();
  const minutes = new MinuteSeries(now);
  const collector = await startCollector(config, holder);
  const context: NodeContext = {
    config,
    store,
    engine,
    log,
    now,
    holder,
    events: createNodeEvents(),
    verifier: createEvidenceVerifier({ policy, endorsements, now }),
    spans: {
      record: (span) => {
        durations.record(span);
        minutes.record(span);
        collector?.record(span);
      },
    },
  };
  const chains = new Chains();
  const enclaves = createEnclaves(context, chains);
  const review = new EvidenceReview({
    enclaves,
    verifier: context.verifier,
    log,
    now,
    periodMs: config.reverifySeconds * 1_000,
  });
  const queue = createAsking(context, { chains, enclaves, endorsements });
  chains.open(context, enclaves, signers);
  const peers = createPeers(context, { chains, key });
  const retention =
    config.retention === undefined || archive === undefined
      ? undefined
      : new Retention({
          ...{ store, archive, days: config.retention.days, log, now },
          chainIds: config.chains.map(({ chainId }) => chainId),
        });
  const parts = { chains, enclaves, queue, durations, probe, peers, retention };
  const http = await listen(createHttp(context, { ...parts, archive, stop: requestStop }), config.http);
  const console = await openConsole(context, { ...parts, review, minutes });
  const maintenance = setInterval(() => {
    Promise.all([store.maintain(), forgetPeerLeaves(store, now())]).catch((error: unknown) => {
      log.warn("store.maintenance-failed", { error });
    });
  }, MAINTENANCE_MS);
  return {
    url: `http://${config.http.host}:${http.port}`,
    consoleUrl: console?.url,
    transmitters: signers.map(({ address }) => address),
    async stop() {
      clearInterval(maintenance);
      await http.close();
      await console?.stop();
      await retention?.stop();
      await peers.stop();
      await probe.stop();
      await chains.stop();
      await queue.stop(STOP_GRACE_MS);
      await review.stop();
      await enclaves.stop();
      await collector?.stop();
      await engine.stop();
      await store.close();
    },
  };
}

async function loadSigners(config: OracleConfig): Promise<[TransactionSigner, ...TransactionSigner[]]> {
  const [first, ...others] = await Promise.all(config.transmitterKeys.map((key) => loadSigner(key)));
  if (first === undefined)
    throw new ConfigError({ code: "CONFIG_INVALID", message: "no transmitter key is configured" });
  return [first, ...others];
}

/** Loaded only here and only when wanted: it is a fifth of the package's code. */
async function startCollector(
  { tracing }: OracleConfig,
  holder: string,
): Promise<OpenTelemetrySink | undefined> {
  if (tracing === undefined) return undefined;
  const { createCollectorProcessor, OpenTelemetrySink: Sink } =
    await import("../telemetry/open-telemetry.ts");
  return new Sink(createCollectorProcessor(tracing), holder);
}
