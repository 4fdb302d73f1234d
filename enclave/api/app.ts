/** The enclave's HTTP API (docs/reference/enclave-http.md). Thin: parse, call, reply. */

import express, { type Express, type RequestHandler } from "express";
import * as z from "zod";
import { TransitionCall, TransitionReply } from "../../coprocessor/epochs/transition-call.ts";
import { EpochWitnessCall, EpochWitnessReply } from "../../coprocessor/epochs/witness-call.ts";
import { LedgerAnswerCall } from "../../coprocessor/snapshots/ledger-answer-call.ts";
import { SnapshotCall } from "../../coprocessor/snapshots/snapshot-call.ts";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import {
  AnswerCall,
  AnswerQuery,
  AttestationQuery,
  AttestationReply,
  BatchCall,
  QuoteCall,
  type ModelsReply,
  type QuoteReply,
} from "../../protocol/enclave-api.ts";
import { InputError } from "../../protocol/errors.ts";
import { checkOwnKey } from "../accounts/own-keys.ts";
import { ANY_CALLER, type Answerer } from "../answers/answerer.ts";
import { quotePayload } from "../answers/answer-payload.ts";
import type { ReceiptStore } from "../openai/receipt-store.ts";
import type { AttestedIdentity, Identity } from "../identity/identity.ts";
import type { ModelCatalog } from "../models/model-catalog.ts";
import { createOpenaiRoutes } from "../openai/routes.ts";
import type { OffChainOptions } from "../openai/off-chain-answerer.ts";
import { openProviderKey, type ProviderKey } from "../../protocol/provider-key.ts";
import { SealedSecret, SecretName } from "../../protocol/sealed-secret.ts";
import type { SecretStore } from "../secrets/secret-store.ts";
import type { SnapshotSigner } from "../snapshots/snapshot-signer.ts";
import type { WitnessEpoch } from "../transitions/epoch-witness.ts";
import type { SignTransition } from "../transitions/transition-signer.ts";
import { Metrics } from "./metrics.ts";
import { createAgentRoutes } from "../agents/routes.ts";
import { admitCaller, callerOf, checkProvisions, refuseKeyOwners, type Callers } from "./callers.ts";
import { errorHandler } from "./error-reply.ts";
import { functionsRoute } from "./functions-route.ts";
import { createLogRoutes } from "./log-routes.ts";
import { sendSigned } from "./negotiate.ts";
import { parseInput } from "./parse-input.ts";
import { receiptRoute } from "./receipt-route.ts";
import { networkOf } from "./connections.ts";
import { AddressLimits } from "./rate-limit.ts";
import { readJson } from "./request-body.ts";
import { createUpgradeRoutes } from "../upgrades/routes.ts";
import type { UpgradeParts } from "../upgrades/upgrade-parts.ts";
import { SealedCalls } from "./sealed-calls.ts";
import { Turns } from "./turns.ts";

/** Bytes: a payload of 64 KiB in hex, a request, and room. */
const MAX_BODY_BYTES = 192 * 1024;
/** Bytes: 1,024 entries with eight answers of a word each, and their paths. */
const MAX_SNAPSHOT_BODY_BYTES = 16 * 1024 * 1024;

/** Bytes that sealing adds at most: its head, and what HPKE needs. */
const MAX_SEALING_BYTES = 21 * 1024;

/** Making evidence takes tens of milliseconds of a shared device. For each address, and for each caller with a credential. */
const ATTESTATION_QUOTA = { requestsPerMinute: 120, concurrent: 2 };
/**
 * Evidence being made at once, for everybody. A device makes one after another, and each holds one of the four threads that Node
 * reads files and resolves names with, for as long as the host likes.
 */
const MAX_ATTESTATIONS_AT_ONCE = 2;

export interface ApiOptions {
  readonly identity: Identity;
  readonly attest: (nonce: Hex) => Promise<AttestedIdentity>;
  readonly answerer: Answerer;
  readonly signSnapshot: SnapshotSigner;
  readonly signTransition: SignTransition;
  readonly witnessEpoch: WitnessEpoch;
  readonly offChain: OffChainOptions;
  readonly secrets: SecretStore;
  readonly upgrades: UpgradeParts["settings"];
  readonly sealedRecords: ReceiptStore;
  readonly catalog: ModelCatalog;
  readonly callers: Callers;
  readonly monotonicMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly reportBug: (error: unknown) => void;
}

export function createApp(options: ApiOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "simple");
  const metrics = new Metrics(options.monotonicMs);
  app.use(metrics.observe());
  const sealed = new SealedCalls({
    identity: options.identity,
    clock: options.offChain.clock,
    limit: MAX_BODY_BYTES + MAX_SEALING_BYTES,
  });
  app.post("/v1/sealed", sealed.open());
  app.get("/v1/health", (_request, response) => {
    response.json({ status: "ok" });
  });
  app.get("/v1/attestation", attestationRoute(options));
  app.use(admitCaller(options.callers, (key, credential) => openOwnKey(options, key, credential)));
  app.use(sealed.once());
  app.get("/v1/models", (_request, response) => {
    response.json(modelsReply(options.catalog));
  });
  app.use(createOpenaiRoutes(options.offChain));
  app.get("/v1/receipts/:id", receiptRoute(options.offChain));
  app.use(createLogRoutes(options.offChain.log));
  app.use(refuseKeyOwners);
  if (options.offChain.agents !== null)
    app.use(createAgentRoutes(options.offChain, options.offChain.agents, options.answerer));
  app.post("/v1/answers", readJson(MAX_BODY_BYTES), async (request, response) => {
    const answer = await options.answerer.answer(parseInput(AnswerCall, request.body));
    response.type("application/json").send(answer);
  });
  app.post("/v1/ledger-answers", readJson(MAX_BODY_BYTES), async (request, response) => {
    const answer = await options.answerer.answerEntry(parseInput(LedgerAnswerCall, request.body));
    response.type("application/json").send(answer);
  });
  app.post("/v1/snapshots", readJson(MAX_SNAPSHOT_BODY_BYTES), async (request, response) => {
    response.json(await options.signSnapshot(parseInput(SnapshotCall, request.body)));
  });
  app.post("/v1/transitions", readJson(MAX_BODY_BYTES), async (request, response) => {
    const reply = await options.signTransition(parseInput(TransitionCall, request.body));
    response.json(z.encode(TransitionReply, reply));
  });
  app.post("/v1/epoch-witnesses", readJson(MAX_SNAPSHOT_BODY_BYTES), async (request, response) => {
    const reply = await options.witnessEpoch(parseInput(EpochWitnessCall, request.body));
    response.json(z.encode(EpochWitnessReply, reply));
  });
  app.post("/v1/batches", readJson(MAX_BODY_BYTES), (request, response) => {
    const { requestIds } = parseInput(BatchCall, request.body);
    response.json(options.answerer.batch(requestIds));
  });
  app.post("/v1/quotes", readJson(MAX_BODY_BYTES), (request, response) => {
    const { payload } = parseInput(QuoteCall, request.body);
    const price = quotePayload(options.offChain, fromHex(payload));
    response.json({ price: price.toString() } satisfies QuoteReply);
  });
  app.get("/v1/answers/:requestId", async (request, response) => {
    const { requestId } = parseInput(AnswerQuery, request.params);
    await sendSigned(request, response, {
      json: () => options.answerer.find(requestId),
      twin: () => options.answerer.findTwin(requestId),
    });
  });
  app.post("/v1/functions/answers", readJson(MAX_BODY_BYTES), functionsRoute(options));
  app.get("/v1/sealed-records/:requestId", (request, response) => {
    const { requestId } = parseInput(AnswerQuery, request.params);
    const record = options.sealedRecords.get(requestId, ANY_CALLER);
    response.type("application/octet-stream").send(Buffer.from(record));
  });
  app.put("/v1/secrets/:name", readJson(MAX_BODY_BYTES), async (request, response) => {
    checkProvisions(callerOf(response));
    const { name } = parseInput(z.strictObject({ name: SecretName }), request.params);
    await options.secrets.put(name, parseInput(SealedSecret, request.body));
    response.status(204).end();
  });
  app.use(createUpgradeRoutes(upgradeParts(options)));
  app.get("/metrics", (_request, response) => {
    response.type("text/plain; version=0.0.4").send(metrics.render());
  });
  app.use(() => {
    throw new InputError({ code: "INPUT_NOT_FOUND", message: "no such route" });
  });
  app.use(errorHandler(options.reportBug));
  return app;
}

function upgradeParts(options: ApiOptions): UpgradeParts {
  const { upgrades, identity, attest, monotonicMs, secrets, offChain } = options;
  const agentSecrets = offChain.agents?.world.secrets ?? null;
  return { settings: upgrades, identity, attest, clock: offChain.clock, monotonicMs, secrets, agentSecrets };
}

async function openOwnKey(
  { identity: { keysetId, keys }, offChain: { clock } }: ApiOptions,
  sealed: string,
  credentialSha256: Hex,
): Promise<ProviderKey> {
  const key = await openProviderKey({ keysetId, privateKey: keys.sealing.privateKey }, sealed);
  const { now, lowerBound } = clock.read();
  // Without a trustworthy time nothing is asked, and the key is not used.
  checkOwnKey(key, { credentialSha256 }, now ?? lowerBound);
  return key;
}

/** Before any credential is asked for: an oracle that comes for the first time has to verify whom it would give one to. */
function attestationRoute({ attest, callers, identity, monotonicMs }: ApiOptions): RequestHandler {
  const strangers = new AddressLimits(ATTESTATION_QUOTA, monotonicMs);
  const known = new AddressLimits(ATTESTATION_QUOTA, monotonicMs);
  const queue = new Turns(MAX_ATTESTATIONS_AT_ONCE);
  return async (request, response) => {
    const { nonce } = parseInput(AttestationQuery, request.query);
    const name = callers.nameOf(request.headers.authorization);
    const limit =
      name === null ? strangers.of(networkOf(request.socket.remoteAddress ?? "")) : known.of(name);
    const leave = limit.enter();
    try {
      const attested = await queue.take(() => attest(nonce));
      response.json(z.encode(AttestationReply, { keyset: identity.keyset, ...attested }));
    } finally {
      leave();
    }
  };
}

function modelsReply(catalog: ModelCatalog): ModelsReply {
  return {
    models: [...catalog.values()].map(({ id, model }) => ({
      id,
      contextTokens: model.contextTokens,
      price: {
        perRequest: model.price.perRequest.toString(),
        perInputToken: model.price.perInputToken.toString(),
        perOutputToken: model.price.perOutputToken.toString(),
      },
    })),
  };
}
