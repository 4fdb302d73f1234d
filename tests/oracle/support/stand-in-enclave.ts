import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import * as z from "zod";
import type { BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import { AnswerLedger } from "../../../enclave/answers/answer-ledger.ts";
import { signBatch } from "../../../enclave/answers/sign-batch.ts";
import { StatementLog } from "../../../enclave/log/statement-log.ts";
import { readConfiguration } from "../../../enclave/configuration/read-configuration.ts";
import { createSimulatorAttester } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import { issueCertificate } from "../../../enclave/identity/certificate.ts";
import { attestIdentity, createIdentity } from "../../../enclave/identity/identity.ts";
import { type AppraisalPolicy, proposePolicy } from "../../../attestation/index.ts";
import { verifySimulatorEvidence } from "../../../attestation/simulator/verify-simulator.ts";
import { type Answer, answerDigest, answerStructHash, signDigest } from "../../../protocol/answer.ts";
import { batchLeaf } from "../../../protocol/batch.ts";
import { fromHex, type Hex, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { onChainDomain } from "../../../protocol/domain.ts";
import {
  AnswerCall,
  AttestationReply,
  BatchCall,
  type BatchReply,
  QuoteCall,
  SignedAnswer,
} from "../../../protocol/enclave-api.ts";
import { quorumLeafDigest, quorumLeafOf } from "../../../protocol/quorum-leaf.ts";
import { requestId } from "../../../protocol/request.ts";
import { openSecret, SealedSecret } from "../../../protocol/sealed-secret.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { transcriptRoot } from "../../../protocol/transcript.ts";
import { wallClockMs } from "./wall-clock.ts";
import { behaviourFile, operatorFile } from "../../enclave/support/configuration.ts";

export const CALLER_TOKEN = "caller-credential";

/** Accepts the simulator on any platform. */
export async function standInPolicy(): Promise<object> {
  const policy = await platformPolicy("test");
  return { ...policy, simulator: { ...policy.simulator, platformIds: { acceptAny: true } } };
}

/** Accepts the simulator on one platform. */
export async function platformPolicy(platform: string): Promise<AppraisalPolicy> {
  const { getEvidence } = await createSimulatorAttester({ platform });
  const evidence = await verifySimulatorEvidence(await getEvidence(new Uint8Array(64)), {
    now: Math.floor(wallClockMs() / 1_000),
  });
  return proposePolicy(evidence);
}

/** Two events, both withheld. */
const TRANSCRIPT = [{ leafHash: keccak(toUtf8("first")) }, { leafHash: keccak(toUtf8("last")) }];

/** What the stand-in does with a call: answers with a status, or an HTTP error of the enclave API. */
export type Verdict =
  { readonly status: number; readonly output?: Hex } | { readonly http: number; readonly code: string };

export interface StandInEnclave {
  readonly url: string;
  readonly keysetId: Hex;
  readonly payee: Hex;
  /** What arrived over TLS: `METHOD /path`, and whether with a credential. */
  readonly seen: { readonly what: string; readonly credential: boolean }[];
  /** Secrets that were brought, opened, by name. */
  readonly secrets: Map<string, string>;
  /** Calls that reached the "model", by request. */
  readonly calls: Map<Hex, number>;
  /** W3C trace headers of calls, in their order. */
  readonly traceparents: string[];
  /** Decides each call; may wait. */
  decide: (id: Hex) => Verdict | Promise<Verdict>;
  /** What it says of a batch that it signed; may lie. */
  changeBatch: (reply: BatchReply) => BatchReply;
  stop(): Promise<void>;
}

const STAND_IN_MODELS = [
  {
    id: "stand-in/stand-in-1",
    contextTokens: 8_192,
    price: { perRequest: "1000", perInputToken: "10", perOutputToken: "20" },
  },
];

/** Wei. */
function standInPrice(payload: Hex): number {
  return 1_000 + 10 * ((payload.length - 2) / 2);
}

const BEHAVIOUR = behaviourFile({
  url: "https://127.0.0.1:1/v1",
  certificateAuthority: "-----BEGIN CERTIFICATE-----",
});

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function configurationOf(behaviour: BehaviourFile, platform: string): ReturnType<typeof readConfiguration> {
  const operator = operatorFile({ attester: { kind: "simulator", platform } });
  // Who owns the machine is paid.
  const payee = `0x${keccak(toUtf8(platform)).slice(-40)}`;
  const paid = { ...operator, public: { ...operator.public, payee } };
  return readConfiguration(toUtf8(JSON.stringify(behaviour)), toUtf8(JSON.stringify(paid)));
}

export function standInBehaviourDigest(): Hex {
  return configurationOf(BEHAVIOUR, "test").behaviourDigest;
}

/**
 * An enclave without a model, for tests of the relay: real keys, evidence, certificate and signatures, the same bytes
 * for a repeated request, and every answer under the test's control.
 */
export async function startStandInEnclave(platform = "test", port = 0): Promise<StandInEnclave> {
  const configuration = configurationOf(BEHAVIOUR, platform);
  const identity = createIdentity(configuration, "test");
  const simulator = await createSimulatorAttester({ platform });
  const attester = {
    attest: async (reportData: Uint8Array) => ({
      kind: "simulator",
      bytes: await simulator.getEvidence(reportData),
      endorsements: null,
    }),
  };
  const zero: Hex = `0x${"00".repeat(32)}`;
  const now = (): number => Math.floor(wallClockMs() / 1_000);
  const atStart = await attestIdentity(identity, attester, zero);
  const certificate = issueCertificate({
    keys: identity.keys.tls,
    evidence: atStart.evidence,
    notBefore: now() - 3_600,
    notAfter: now() + 86_400,
  });
  const seen: { what: string; credential: boolean }[] = [];
  const secrets = new Map<string, string>();
  const calls = new Map<Hex, number>();
  const traceparents: string[] = [];
  const ledger = new Map<Hex, Promise<{ status: number; body: string }>>();
  const control: Pick<StandInEnclave, "decide" | "changeBatch"> = {
    decide: () => ({ status: 1 }),
    changeBatch: (reply) => reply,
  };
  const answered = new AnswerLedger();
  const log = new StatementLog(identity);

  const makeAnswer = async (call: AnswerCall): Promise<{ status: number; body: string }> => {
    const id = requestId(call.request);
    calls.set(id, (calls.get(id) ?? 0) + 1);
    const verdict = await control.decide(id);
    if ("http" in verdict) {
      ledger.delete(id);
      const error = { code: verdict.code, message: "as the test wants", details: {}, retryable: false };
      return { status: verdict.http, body: JSON.stringify({ error }) };
    }
    const output = verdict.output ?? (verdict.status === 1 ? toHex(toUtf8(`answer to ${id}`)) : "0x");
    const answer: Answer = {
      requestId: id,
      status: verdict.status,
      outputHash: keccak(fromHex(output)),
      transcriptRoot: transcriptRoot(TRANSCRIPT),
      stateBlockHash: call.stateBlock.hash,
      keysetId: identity.keysetId,
      // Tests move the chain's clock on, and this machine's stays behind.
      answeredAt: larger(BigInt(now()), call.request.requestedAt),
    };
    const domain = onChainDomain(call.request.chainId, call.request.coordinator);
    const batchMember = { domain, leaf: batchLeaf(answerStructHash(answer)) };
    await answered.add(id, call.request.deadline, now(), () => Promise.resolve({ text: "", batchMember }));
    const digest = answerDigest(domain, answer);
    const { privateKey } = identity.keys.answer;
    const signature = signDigest(digest, privateKey);
    const leaf = quorumLeafOf(answer);
    const quorumLeaf = { leaf: leaf.leaf, signature: signDigest(quorumLeafDigest(domain, leaf), privateKey) };
    const reply = z.encode(SignedAnswer, {
      answer,
      signature,
      output,
      transcript: TRANSCRIPT,
      bodies: {},
      ...atStart,
      stateBlock: call.stateBlock,
      quorumLeaf: call.request.threshold > 1 ? quorumLeaf : null,
    });
    return { status: 200, body: JSON.stringify(reply) };
  };
  const route = async (
    method: string,
    path: string,
    text: string,
    authorization: string | undefined,
  ): Promise<{ status: number; body: string }> => {
    const url = new URL(path, "https://enclave");
    seen.push({ what: `${method} ${url.pathname}`, credential: authorization !== undefined });
    if (url.pathname === "/v1/health") return { status: 200, body: JSON.stringify({ status: "ok" }) };
    if (url.pathname === "/v1/attestation") {
      const nonce = url.searchParams.get("nonce") as Hex;
      const { evidence, endorsements } = await attestIdentity(identity, attester, nonce);
      return {
        status: 200,
        body: JSON.stringify(z.encode(AttestationReply, { keyset: identity.keyset, evidence, endorsements })),
      };
    }
    if (authorization !== `Bearer ${CALLER_TOKEN}`) {
      const error = { code: "INPUT_UNAUTHORIZED", message: "no credential", details: {}, retryable: false };
      return { status: 401, body: JSON.stringify({ error }) };
    }
    const name = /^\/v1\/secrets\/(.+)$/.exec(url.pathname)?.[1];
    if (name !== undefined) {
      const own = { keysetId: identity.keysetId, privateKey: identity.keys.sealing.privateKey };
      secrets.set(name, await openSecret(own, name, SealedSecret.parse(JSON.parse(text))));
      return { status: 204, body: "" };
    }
    if (url.pathname === "/v1/models")
      return { status: 200, body: JSON.stringify({ models: STAND_IN_MODELS }) };
    if (url.pathname === "/v1/quotes") {
      const { payload } = QuoteCall.parse(JSON.parse(text));
      return { status: 200, body: JSON.stringify({ price: String(standInPrice(payload)) }) };
    }
    if (url.pathname === "/v1/batches") {
      const batch = signBatch({ identity, log }, answered, BatchCall.parse(JSON.parse(text)).requestIds);
      return { status: 200, body: JSON.stringify(control.changeBatch(batch)) };
    }
    const call = AnswerCall.parse(JSON.parse(text));
    const id = requestId(call.request);
    const made = ledger.get(id) ?? makeAnswer(call);
    ledger.set(id, made);
    return made;
  };
  const server = createServer(
    {
      key: identity.keys.tls.privateKey.export({ type: "pkcs8", format: "pem" }),
      cert: certificate,
      minVersion: "TLSv1.3",
    },
    (request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (part: string) => (text += part));
      request.on("end", () => {
        const { method = "GET", url = "/", headers } = request;
        const { traceparent } = headers;
        if (typeof traceparent === "string") traceparents.push(traceparent);
        route(method, url, text, headers.authorization).then(
          ({ status, body }) => response.writeHead(status, { "content-type": "application/json" }).end(body),
          (error: unknown) => response.writeHead(500).end(String(error)),
        );
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address() as AddressInfo;
  return Object.assign(control, {
    url: `https://127.0.0.1:${address.port}`,
    keysetId: identity.keysetId,
    payee: identity.keyset.payee,
    seen,
    secrets,
    calls,
    traceparents,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  });
}
