/**
 * The enclave's process: the one place where its parts are put together and where the clock, the files and the platform
 * come in. `node enclave/main.ts --behaviour FILE --operator FILE`
 */

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { uptime } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread } from "node:worker_threads";
import { AdytonError, ConfigError } from "../protocol/errors.ts";
import type { Hex } from "../protocol/bytes.ts";
import { createOperatorAccount } from "./accounts/account.ts";
import { SpendingLedger } from "./accounts/spending-ledger.ts";
import { FeeProbes } from "./answers/fee-probes.ts";
import { AnswerLedger } from "./answers/answer-ledger.ts";
import type { Inference } from "./answers/infer.ts";
import { ReceiptStore } from "./openai/receipt-store.ts";
import { createAnswerer } from "./answers/answerer.ts";
import { createAgents } from "./agents/create-agents.ts";
import { createApp } from "./api/app.ts";
import { Callers } from "./api/callers.ts";
import { startServer } from "./api/server.ts";
import type { Attester } from "./attesters/attester.ts";
import { createConfigfsTsmAttester } from "./attesters/configfs-tsm.ts";
import { createDstackAttester } from "./attesters/dstack.ts";
import { createNitroAttester } from "./attesters/nitro.ts";
import { createSimulatorAttester } from "./attesters/simulator/simulator-attester.ts";
import { createTrustedClock, type TrustedClock } from "./clock/trusted-clock.ts";
import { checkSurroundings, processSurroundings } from "./config.ts";
import type { Behaviour } from "./configuration/behaviour.ts";
import type { Operator } from "./configuration/operator.ts";
import { readConfiguration, type Configuration } from "./configuration/read-configuration.ts";
import { createEgress } from "./egress/egress.ts";
import { issueCertificate } from "./identity/certificate.ts";
import { keepCertificate } from "./identity/keep-certificate.ts";
import { attestIdentity, createIdentity, type Identity } from "./identity/identity.ts";
import { StatementLog } from "./log/statement-log.ts";
import { createModelCatalog } from "./models/model-catalog.ts";
import { SecretStore } from "./secrets/secret-store.ts";
import { createJudgeThread, serveJudgements } from "./snapshots/judge-thread.ts";
import { createSources } from "./sources/create-sources.ts";
import { isPageThread, servePages } from "./sources/page-threads.ts";
import { createViewThreads, isViewThread, serveViews } from "./sources/view-threads.ts";
import { SignedEpochs } from "./snapshots/signed-epochs.ts";
import { createSnapshotSigner } from "./snapshots/snapshot-signer.ts";
import { createProviderExchange } from "./upstreams/create-attested-exchange.ts";
import { createEpochWitness } from "./transitions/epoch-witness.ts";
import { createTransitionSigner } from "./transitions/transition-signer.ts";
import { BUILD_TIME, SOFTWARE_VERSION } from "./version.ts";

const hostNow = (): number => Math.floor(Date.now() / 1000);
const monotonicMs = (): number => performance.now();
/** Linux: CLOCK_BOOTTIME, which goes on while the machine is suspended. */
const bootMs = (): number => uptime() * 1000;

const HOUR = 3_600;
/** Seconds: short, so that a client that keeps certificates sees new evidence daily; renewed at half of it. */
const CERTIFICATE_LIFETIME = 24 * HOUR;
/** Milliseconds between two rounds of asking the time: when it is known, and when it is not. */
const CLOCK_INTERVAL_MS = 60_000;
const CLOCK_RETRY_MS = 5_000;
/** A local chain's time is moved at any moment. */
const CHAIN_CLOCK_INTERVAL_MS = 500;
/** So that the key is as good as uniform. */
const TRANSITION_SEED_BYTES = 48;
/** No verifier's nonce: the certificate's evidence is for whoever connects. */
const NO_NONCE: Hex = `0x${"00".repeat(32)}`;

/** Of threads too: an image has no other. */
const THIS_FILE = new URL(import.meta.url);

function say(event: Record<string, string | number>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function readFile(path: string | undefined, option: string): Uint8Array {
  if (path === undefined)
    throw new ConfigError({ code: "CONFIG_INVALID", message: `--${option} FILE is missing` });
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ConfigError({ code: "CONFIG_INVALID", message: `--${option}: cannot read ${path}`, cause });
  }
}

async function createAttester(choice: Operator["attester"]): Promise<Attester> {
  switch (choice.kind) {
    case "simulator": {
      const simulator = await createSimulatorAttester({
        platform: choice.platform,
        measurements: choice.measurements ?? {},
      });
      return {
        attest: async (reportData) => ({
          kind: "simulator",
          bytes: await simulator.getEvidence(reportData),
          endorsements: null,
        }),
      };
    }
    case "configfs-tsm":
      return createConfigfsTsmAttester();
    case "dstack":
      return createDstackAttester();
    case "nitro":
      return createNitroAttester();
  }
}

function createClock(behaviour: Behaviour): TrustedClock {
  const options = { connection: "fresh", minimumTls: "TLSv1.2", minimumScts: 0 } as const;
  const clock: TrustedClock = createTrustedClock({
    settings: behaviour.time,
    buildTime: BUILD_TIME,
    exchange: createEgress(behaviour, { ...options, now: () => clock.read().now }),
    monotonicMs,
    bootMs,
    hostNow,
  });
  return clock;
}

/** Asks the time at once and then for as long as the process lives. */
async function keepTime(
  clock: TrustedClock,
  { time }: Pick<Behaviour, "time">,
  signal: AbortSignal,
): Promise<void> {
  const knownMs = time.source === "chain-for-testing" ? CHAIN_CLOCK_INTERVAL_MS : CLOCK_INTERVAL_MS;
  await clock.synchronize();
  const next = async (): Promise<void> => {
    try {
      for (;;) {
        const waitMs = clock.read().now === null ? Math.min(CLOCK_RETRY_MS, knownMs) : knownMs;
        await pause(waitMs, undefined, { signal, ref: false });
        await clock.synchronize();
      }
    } catch {
      // Aborted: the process is stopping.
    }
  };
  void next();
}

function createCertificateIssuer(
  identity: Identity,
  attester: Attester,
  { names, clock }: { readonly names: readonly string[]; readonly clock: TrustedClock },
): () => Promise<string> {
  return async () => {
    const { evidence } = await attestIdentity(identity, attester, NO_NONCE);
    // Without a trusted time the host's is good enough: dates move clients to ask again, evidence is what they trust.
    const now = clock.read().now ?? hostNow();
    return issueCertificate({
      keys: identity.keys.tls,
      evidence,
      names,
      notBefore: now - HOUR,
      notAfter: now + CERTIFICATE_LIFETIME,
    });
  };
}

async function serve(configuration: Configuration): Promise<void> {
  const { behaviour, operator } = configuration;
  const stopping = new AbortController();
  const identity = createIdentity(configuration, SOFTWARE_VERSION);
  const secrets = new SecretStore(identity, behaviour);
  const attester = await createAttester(operator.attester);
  const clock = createClock(behaviour);
  await keepTime(clock, behaviour, stopping.signal);
  const catalog = createModelCatalog(behaviour, (provider) =>
    createProviderExchange(behaviour, provider, () => clock.read().now),
  );
  const runView = createViewThreads(THIS_FILE);
  const inference: Inference = {
    catalog,
    account: createOperatorAccount((name) => secrets.get(name)),
    sources: createSources(behaviour, { clock, script: THIS_FILE, runView }),
    retries: behaviour.limits.retries,
    pause: (ms) => pause(ms),
  };
  const attested = await attestIdentity(identity, attester, NO_NONCE);
  const agents = createAgents({ behaviour, identity, clock, runView });
  const sealedRecords = new ReceiptStore();
  const spending = new SpendingLedger();
  const reportBug = (error: unknown): void => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  };
  const signatory = { identity, attested, clock, log: new StatementLog(identity), reportBug };
  const answers = new AnswerLedger();
  const judge = createJudgeThread(THIS_FILE);
  const epochs = new SignedEpochs();
  const app = createApp({
    identity,
    attest: (nonce) => attestIdentity(identity, attester, nonce),
    answerer: createAnswerer({
      ...signatory,
      inference: { ...inference, spending, feeProbes: new FeeProbes() },
      agents,
      operator: operator.public,
      ledger: answers,
      sealedRecords,
    }),
    signSnapshot: createSnapshotSigner({
      ...signatory,
      operator: operator.public,
      epochs,
      judge: (call) => judge("snapshot", call),
    }),
    signTransition: createTransitionSigner({
      ...signatory,
      operator: operator.public,
      answers,
      seed: randomBytes(TRANSITION_SEED_BYTES),
    }),
    witnessEpoch: createEpochWitness({
      ...signatory,
      operator: operator.public,
      epochs,
      judge: (call) => judge("epoch", call),
    }),
    offChain: { ...signatory, inference, agents, receipts: new ReceiptStore(), spending },
    secrets,
    upgrades: behaviour.upgrades,
    sealedRecords,
    catalog,
    callers: new Callers(operator.callers, monotonicMs),
    monotonicMs,
    pause: (ms) => pause(ms),
    reportBug,
  });
  const names = ["enclave.adyton.internal", "localhost", operator.listen.host, ...operator.listen.names];
  const issue = createCertificateIssuer(identity, attester, { names, clock });
  const server = await startServer({
    app,
    listen: operator.listen,
    privateKey: identity.keys.tls.privateKey,
    certificate: await issue(),
  });
  const renewing = keepCertificate({
    renew: async () => {
      server.renewCertificate(await issue());
    },
    lifetimeMs: CERTIFICATE_LIFETIME * 1000,
    pause: (ms) => pause(ms, undefined, { signal: stopping.signal, ref: false }),
    say,
  });
  const stop = (): void => {
    stopping.abort();
    void Promise.all([renewing, server.stop()]).then(() => {
      say({ event: "stopped" });
      process.exit(0);
    });
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  say({ event: "listening", url: server.url, keysetId: identity.keysetId });
}

async function main(): Promise<void> {
  try {
    checkSurroundings(processSurroundings());
    const { values } = parseArgs({
      options: { behaviour: { type: "string" }, operator: { type: "string" } },
    });
    const configuration = readConfiguration(
      readFile(values.behaviour, "behaviour"),
      readFile(values.operator, "operator"),
    );
    await serve(configuration);
  } catch (error) {
    const known = error instanceof AdytonError || error instanceof TypeError;
    process.stderr.write(`${known ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

if (isMainThread) await main();
else if (isPageThread()) servePages();
else if (isViewThread()) serveViews();
else serveJudgements();
