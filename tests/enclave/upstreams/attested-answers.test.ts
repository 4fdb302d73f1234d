/**
 * Whole answers of models that must attest themselves: a contract's question and an application's, asked of a running enclave. The receipt
 * shows what was judged; where that cannot be done, the request ends as status 3, and says why to a person.
 */

import { createHash } from "node:crypto";
import * as z from "zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { viewReceipt } from "../../../attestation/verdict/receipt-view.ts";
import { verifyReceipt, type VerifiedReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { createThrowawayAuthority, type ThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import type { BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { fromHex, toHex } from "../../../protocol/bytes.ts";
import type { Json } from "../../../protocol/canonical-json.ts";
import { onChainDomain } from "../../../protocol/domain.ts";
import { AttestationReply, SignedAnswer } from "../../../protocol/enclave-api.ts";
import { configurationDigest } from "../../../protocol/keyset.ts";
import { encodeReceipt } from "../../../protocol/receipt.ts";
import { understoodEvent, type TranscriptEvent } from "../../../protocol/transcript.ts";
import { simulatedQuote } from "../../support/simulated-evidence.ts";
import {
  near,
  policyOfSimulator,
  spkiOf,
  startAttestedUpstream,
  type AttestedUpstream,
  type UpstreamDocument,
} from "../support/attested-upstream.ts";
import { answerCall, toWire } from "../support/calls.ts";
import { behaviourFile, CHAIN_ID, COORDINATOR, modelFile, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";

type Policy = NonNullable<BehaviourFile["providers"][string]["attestation"]>["policy"];

const ANSWER = JSON.stringify({
  id: "r",
  model: "m",
  choices: [
    {
      index: 0,
      finish_reason: "stop",
      message: { role: "assistant", content: '{"flagged":true,"severity":7,"reason":"because"}' },
    },
  ],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
});

const otherKey = new Uint8Array(32).fill(5);
/** What the servers of each provider say of themselves; `null`: nothing. */
const DOCUMENTS: Readonly<Record<string, UpstreamDocument | null>> = {
  honest: near,
  moved: near,
  unlisted: near,
  relayed: (nonce, _spki, request) => near(nonce, otherKey, request),
  silent: null,
  strange: () => Promise.resolve({ hello: "world" }),
  crowded: async (...asked) => ({
    ...((await near(...asked)) as Record<string, Json>),
    other: toHex(await simulatedQuote(new Uint8Array(64).fill(9))).slice(2),
  }),
};

// The enclave goes by this machine's clock, and so do the certificates.
const real = new Date();
const soon = BigInt(Math.floor(real.getTime() / 1000) + 600);
const upstreams = new Map<string, AttestedUpstream>();
const certificates = new Map<string, string>();
let authority: ThrowawayAuthority;
let policy: Policy;
let enclave: EnclaveProcess;
beforeAll(async () => {
  authority = await createThrowawayAuthority(real);
  policy = (await policyOfSimulator()) as Policy;
  const section = policy["simulator"] as Policy;
  const otherPolicy = { ...policy, simulator: { ...section, mrTd: { oneOf: [`0x${"11".repeat(48)}`] } } };
  const providers: BehaviourFile["providers"] = {};
  const file = behaviourFile({ url: "https://127.0.0.1/v1", certificateAuthority: authority.certificate });
  for (const [name, document] of Object.entries(DOCUMENTS)) {
    const credentials = await authority.issue(["127.0.0.1"]);
    const upstream = await startAttestedUpstream({ credentials, document, answer: ANSWER });
    upstreams.set(name, upstream);
    certificates.set(name, credentials.cert);
    providers[name] = {
      ...file.providers["stand-in"]!,
      baseUrl: upstream.url,
      models: { m: modelFile("m") },
      attestation: {
        form: "near",
        policy: name === "unlisted" ? otherPolicy : policy,
        maxAge: 600,
        endorsements: { intel: null, amd: null },
        covers: "channel-and-code",
      },
    };
  }
  const limits = { ...file.limits, connectMs: 10_000, firstByteMs: 10_000, wholeExchangeMs: 20_000 };
  enclave = await startEnclaveProcess({
    behaviour: { ...file, limits, time: { source: "host-clock-for-testing" }, providers },
    operator: operatorFile(),
  });
});
afterAll(async () => {
  expect(enclave.stderr()).toBe("");
  await enclave.stop();
  for (const upstream of upstreams.values()) await upstream.stop();
});

interface Answered {
  readonly status: number;
  readonly events: readonly TranscriptEvent[];
  readonly verified: VerifiedReceipt;
}

/** A contract's question, with the receipt that a node makes of its answer. */
async function askAsContract(provider: string): Promise<Answered> {
  const call = answerCall({ models: [`${provider}/m`] }, { deadline: soon });
  const reply = await enclave.call("POST", "/v1/answers", toWire(call));
  const { quorumLeaf, endorsements, ...signed } = z.decode(
    SignedAnswer,
    reply.json as z.input<typeof SignedAnswer>,
  );
  expect(quorumLeaf).toBeNull();
  const attested = await enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`, undefined, null);
  const { keyset } = z.decode(AttestationReply, attested.json as z.input<typeof AttestationReply>);
  const file = encodeReceipt({
    version: 2,
    domain: onChainDomain(CHAIN_ID, COORDINATOR),
    request: call.request,
    payload: call.payload,
    keyset,
    endorsements: endorsements ?? {},
    ...signed,
  });
  return await toAnswered(file);
}

/** An application's, with the receipt that it fetches. */
async function askAsApplication(provider: string): Promise<Answered & { readonly http: number }> {
  const body = { model: `${provider}/m`, messages: [{ role: "user", content: "What is two and three?" }] };
  const reply = await enclave.call("POST", "/v1/chat/completions", JSON.stringify(body));
  const answered = await toAnswered(await enclave.bytes(String(reply.headers["adyton-receipt"])));
  return { ...answered, http: reply.status };
}

async function toAnswered(file: Uint8Array): Promise<Answered> {
  const verified = await verifyReceipt(file);
  const { receipt } = verified;
  const events = receipt.transcript.flatMap((leaf) => understoodEvent(leaf) ?? []);
  return { status: receipt.answer.status, events, verified };
}

const told = ({ verified }: Answered): string =>
  verified.checks.find(({ name }) => name === "transcript-events")?.detail ?? "";
const reasonOf = ({ events }: Answered): string | null => {
  const last = events.at(-1);
  return last?.type === "output.returned" ? last.reason : null;
};
const receivedBy = (provider: string, method: string): readonly string[] =>
  upstreams.get(provider)?.received.filter((line) => line.startsWith(method)) ?? [];

test("what was judged before a model was sent anything stands in the receipt, and whoever verifies it is told", async () => {
  for (const answered of [await askAsContract("honest"), await askAsApplication("honest")]) {
    expect(answered.status).toBe(AnswerStatus.ok);
    const { receipt } = answered.verified;
    expect(answered.events.map(({ type }) => type)).toEqual([
      "request.received",
      "request.forwarded",
      "upstream.attested",
      "response.received",
      "output.returned",
    ]);
    const [, , attested, received] = answered.events;
    if (attested?.type !== "upstream.attested" || received?.type !== "response.received")
      throw new Error("no such events");
    expect(attested).toMatchObject({
      exchange: 0,
      form: "near",
      kind: "simulator",
      policyDigest: configurationDigest(policy),
      spkiHash: toHex(spkiOf(certificates.get("honest") ?? "")),
      covers: ["channel", "code"],
    });
    // The evidence itself is there, and its key is the one that the answer came over.
    const evidence = fromHex(receipt.bodies[attested.evidenceHash] ?? "0x");
    expect(evidence).toHaveLength(attested.evidenceBytes);
    expect(toHex(createHash("sha256").update(evidence).digest())).toBe(attested.evidenceHash);
    expect(received.transport).toMatchObject({ kind: "tls", spkiHash: attested.spkiHash });
    expect(told(answered)).toContain("attested on the enclave's word (simulator, covers channel, code)");
    expect(told(answered)).not.toContain("weights");
    const shown = viewReceipt(receipt).events.find(({ title }) => title === "Attested");
    expect(shown?.says.join(" ")).toContain("covers channel, code; judged by policy 0x");
    expect(shown?.body?.isHere).toBe(true);
  }
  // Judged once: the second answer rests on the same evidence.
  expect(receivedBy("honest", "GET")).toHaveLength(1);
});

describe("status 3, a reason and no word of the question for anybody", () => {
  test.for([
    [
      "evidence for another key",
      "relayed",
      "MODEL_NOT_ATTESTED",
      /^relayed\/m gave no answer: the server's evidence is not what the behaviour file asks for: .* \(MODEL_NOT_ATTESTED\)$/,
    ],
    [
      "genuine evidence of software that the policy does not list",
      "unlisted",
      "MODEL_NOT_ATTESTED",
      /is not what the behaviour file asks for: .+ \(MODEL_NOT_ATTESTED\)$/,
    ],
    [
      "no evidence",
      "silent",
      "MODEL_ATTESTATION_UNAVAILABLE",
      /^silent\/m gave no answer: the server gave no evidence: HTTP status 404 \(MODEL_ATTESTATION_UNAVAILABLE\)$/,
    ],
    [
      "a document that cannot be judged",
      "strange",
      "MODEL_ATTESTATION_UNAVAILABLE",
      /the server's evidence cannot be judged: .+ \(MODEL_ATTESTATION_UNAVAILABLE\)$/,
    ],
    [
      "a stranger's evidence beside its own",
      "crowded",
      "MODEL_ATTESTATION_UNAVAILABLE",
      /the server's evidence cannot be judged: /,
    ],
  ] as const)("with %s", async ([, provider, code, reason]) => {
    const onChain = await askAsContract(provider);
    const offChain = await askAsApplication(provider);
    expect(offChain.http).toBe(502);
    for (const answered of [onChain, offChain]) {
      expect(answered.status).toBe(AnswerStatus.upstreamFailed);
      expect(answered.verified.receipt.output).toBe("0x");
      expect(answered.events.map(({ type }) => type)).toEqual([
        "request.received",
        "request.forwarded",
        "exchange.failed",
        "output.returned",
      ]);
      expect(answered.events[2]).toMatchObject({ code, transport: { kind: "tls" } });
      expect(reasonOf(answered)).toMatch(reason);
      expect(told(answered)).toContain(`no output, on the enclave's word: ${reasonOf(answered)}`);
    }
    expect(receivedBy(provider, "POST")).toEqual([]);
  });

  test("once the server's key is another one, though its document still vouches for the first", async () => {
    expect((await askAsContract("moved")).status).toBe(AnswerStatus.ok);
    const next = await authority.issue(["127.0.0.1"]);
    upstreams.get("moved")?.changeKey(next);
    const answered = await askAsContract("moved");
    expect(answered.status).toBe(AnswerStatus.upstreamFailed);
    expect(reasonOf(answered)).toMatch(/\(MODEL_NOT_ATTESTED\)$/);
    const failed = answered.events.find((event) => event.type === "exchange.failed");
    expect(failed?.transport).toMatchObject({ spkiHash: toHex(spkiOf(next.cert)) });
    expect(receivedBy("moved", "POST")).toHaveLength(1);
  });
});
