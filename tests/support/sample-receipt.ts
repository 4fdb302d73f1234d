/** A receipt as a network would make it, minted in memory with simulated evidence: the same bytes each time. */

import { sha256 } from "@noble/hashes/sha2.js";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeSimulator } from "../../devnet/simulator.ts";
import { createSimulatorAttester } from "../../enclave/attesters/simulator/simulator-attester.ts";
import * as p from "../../protocol/index.ts";
import { SAMPLE_LOG_KEY } from "./sample-log.ts";

export const SAMPLE_ANSWER_KEY = sha256(p.toUtf8("sample receipt, answer key"));

/** 2026-11-01T00:00:00Z, inside the validity of the simulator's certificates. */
const ANSWERED_AT = 1_793_491_200;

/** Offset of the report data in a TDX quote: 48 bytes of header, and 520 into the TD report body. */
const REPORT_DATA_AT = 48 + 520;

const labelled = (label: string): p.Hex => p.toHex(sha256(p.toUtf8(`sample receipt, ${label}`)));
const CONTEXT = labelled("context");
const STATE_BLOCK: p.StateBlock = { number: 123n, hash: labelled("state block") };
const account = (label: string): p.Hex => `0x${labelled(label).slice(-40)}`;

export interface SampleOptions {
  readonly where: "on chain" | "off chain";
  /** Withhold the exchange's events, and with them the bodies. */
  readonly withhold?: boolean;
  /** Evidence with a bit of its report data flipped before it was hashed and signed over: an enclave that lies. */
  readonly forgedEvidence?: boolean;
  /** Evidence of another machine, which no key of ours is bound to, with what comes beside it. */
  readonly foreign?: Pick<p.Receipt, "evidence" | "endorsements"> & { readonly answeredAt: number };
}

/** The file's bytes. */
export async function createSampleReceipt({
  where,
  withhold = false,
  forgedEvidence = false,
  foreign,
}: SampleOptions): Promise<Uint8Array> {
  const payload = p.encodePayload({
    type: p.PayloadType.inference,
    prompt: {
      models: ["openai/gpt-5.1"],
      panelRule: p.PanelRule.none,
      panelQuorum: 0,
      messages: [{ role: p.Role.user, content: "Which temple was the oracle's?" }],
      maxOutputTokens: 64,
      sampling: p.PROVIDER_DEFAULT_SAMPLING,
      format: { kind: p.OutputKind.text, schema: "", choices: [] },
      parts: [],
    },
  });
  const request = sampleRequest(p.payloadHash(payload));
  const keyset = sampleKeyset();
  const output = p.toUtf8("The temple of Apollo at Delphi.");
  const requestId = where === "on chain" ? p.requestId(request) : labelled("request id");
  const domain =
    where === "on chain" ? p.onChainDomain(request.chainId, request.coordinator) : p.offChainDomain();
  const { evidence, endorsements, answeredAt } = foreign ?? {
    ...(await sampleEvidence(keyset, forgedEvidence)),
    answeredAt: ANSWERED_AT,
  };
  const evidenceHash = p.toHex(sha256(p.fromHex(evidence.bytes)));
  const stateBlock = where === "on chain" ? STATE_BLOCK : null;
  const { transcript, bodies } = sampleTranscript({
    domain,
    stateBlock,
    requestId,
    payload,
    evidenceHash,
    output,
    answeredAt,
  });
  const answer: p.Answer = {
    requestId,
    status: p.AnswerStatus.ok,
    outputHash: p.keccak(output),
    transcriptRoot: p.transcriptRoot(transcript),
    stateBlockHash: stateBlock?.hash ?? p.NO_STATE_BLOCK,
    keysetId: p.keysetId(keyset),
    answeredAt: BigInt(answeredAt),
  };
  const common = {
    version: 2 as const,
    payload: p.toHex(payload),
    answer,
    signature: p.signDigest(p.answerDigest(domain, answer), SAMPLE_ANSWER_KEY),
    output: p.toHex(output),
    transcript: withhold ? withholdExchange(transcript) : transcript,
    bodies: withhold ? {} : bodies,
    keyset,
    evidence,
    endorsements,
  };
  return p.encodeReceipt(
    p.ON_CHAIN_DOMAIN_NAME === domain.name
      ? { ...common, domain, request, stateBlock: STATE_BLOCK }
      : { ...common, domain, request: { requestId }, stateBlock: null },
  );
}

/** Writes a receipt and a policy that accepts it. */
export async function writeSampleReceipt(
  folder: string,
): Promise<{ receiptFile: string; policyFile: string }> {
  const { policy } = await describeSimulator("default", ANSWERED_AT);
  const receiptFile = join(folder, "receipt.json");
  const policyFile = join(folder, "policy.json");
  writeFileSync(receiptFile, await createSampleReceipt({ where: "on chain" }));
  writeFileSync(policyFile, JSON.stringify(policy));
  return { receiptFile, policyFile };
}

function sampleRequest(payloadHash: p.Hex): p.Request {
  return {
    chainId: 31_337n,
    coordinator: account("coordinator"),
    consumer: account("consumer"),
    requestedAt: BigInt(ANSWERED_AT - 30),
    nonce: 0,
    context: CONTEXT,
    payer: account("payer"),
    refundTo: account("refundTo"),
    subscriptionId: 3n,
    payloadHash,
    payloadUriHash: `0x${"00".repeat(32)}`,
    policyId: labelled("policy"),
    threshold: 1,
    aggregation: p.Aggregation.first,
    delivery: p.Delivery.callback,
    callbackGasLimit: 100_000,
    maxOutputBytes: 1_024,
    fee: 10n ** 15n,
    gasPriceCap: 2_000_000_000n,
    deadline: BigInt(ANSWERED_AT + 600),
  };
}

function sampleKeyset(): p.Keyset {
  const digest = labelled("any digest");
  return {
    answerKey: p.recoverSigner(digest, p.signDigest(digest, SAMPLE_ANSWER_KEY)),
    tlsKeyHash: labelled("tls key"),
    sealingKey: labelled("sealing key"),
    logKey: p.toHex(SAMPLE_LOG_KEY.publicKey),
    behaviourDigest: labelled("behaviour"),
    operatorDigest: labelled("operator"),
    softwareVersionHash: p.keccakText("0.1.0"),
    payee: account("payee"),
  };
}

async function sampleEvidence(
  keyset: p.Keyset,
  forged: boolean,
): Promise<Pick<p.Receipt, "evidence" | "endorsements">> {
  const claims = p.encodeClaims({
    nonce: labelled("nonce"),
    keysetId: p.keysetId(keyset),
    tlsKeyHash: keyset.tlsKeyHash,
  });
  const attester = await createSimulatorAttester();
  const quote = await attester.getEvidence(p.claimsReportData(claims));
  if (forged) quote[REPORT_DATA_AT] = (quote[REPORT_DATA_AT] ?? 0) ^ 1;
  return {
    evidence: { kind: "simulator", bytes: p.toHex(quote), claims: p.toHex(claims) },
    // The simulator's collateral is public and fixed: the verifier has its own copy.
    endorsements: {},
  };
}

interface Exchange {
  readonly domain: p.Domain;
  readonly stateBlock: p.StateBlock | null;
  readonly requestId: p.Hex;
  readonly payload: Uint8Array;
  readonly evidenceHash: p.Hex;
  readonly output: Uint8Array;
  readonly answeredAt: number;
}

function sampleTranscript({
  domain,
  stateBlock,
  requestId,
  payload,
  evidenceHash,
  output,
  answeredAt,
}: Exchange): Pick<p.Receipt, "transcript" | "bodies"> {
  const sent = p.toUtf8(
    '{"model":"gpt-5.1","messages":[{"role":"user","content":"Which temple was the oracle\'s?"}]}',
  );
  const received = p.toUtf8('{"id":"chatcmpl-1","model":"gpt-5.1-2026-08-07","choices":[]}');
  const hash = (body: Uint8Array): p.Hex => p.toHex(sha256(body));
  const events: readonly p.TranscriptEvent[] = [
    {
      type: "request.received",
      domain: domain.name,
      requestId,
      payloadHash: p.payloadHash(payload),
      context: CONTEXT,
      stateBlock: stateBlock === null ? null : p.toStateBlockText(stateBlock),
      evidenceHash,
      time: answeredAt - 2,
      clock: { source: "hosts", lowerBound: answeredAt - 60 },
    },
    {
      type: "request.forwarded",
      exchange: 0,
      model: "openai/gpt-5.1",
      url: "https://api.openai.com/v1/chat/completions",
      method: "POST",
      bodyHash: hash(sent),
      bodyBytes: sent.length,
    },
    {
      type: "response.received",
      exchange: 0,
      status: 200,
      bodyHash: hash(received),
      bodyBytes: received.length,
      requestedModel: "gpt-5.1",
      returnedModel: "gpt-5.1-2026-08-07",
      responseId: "chatcmpl-1",
      usage: { inputTokens: 12, outputTokens: 9 },
      transport: {
        kind: "tls",
        host: "api.openai.com",
        port: 443,
        protocol: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        group: "X25519MLKEM768",
        certificateHashes: [labelled("leaf"), labelled("intermediate")],
        spkiHash: labelled("spki"),
        subjectAltNames: ["api.openai.com"],
        exporter: labelled("exporter"),
        scts: [{ logId: labelled("log"), timestamp: 1_790_000_000_000 }],
      },
    },
    {
      type: "output.returned",
      status: p.AnswerStatus.ok,
      outputHash: p.keccak(output),
      outputBytes: output.length,
      reason: null,
    },
  ];
  return {
    transcript: events.map((event, index) => ({ salt: labelled(`salt ${index}`), event })),
    bodies: { [hash(sent)]: p.toHex(sent), [hash(received)]: p.toHex(received) },
  };
}

/** Keeps the first and the last event; the exchange between them stays a pair of hashes. */
function withholdExchange(transcript: p.Transcript): p.Transcript {
  return transcript.map((leaf, index) =>
    index === 0 || index === transcript.length - 1 ? leaf : { leafHash: p.toHex(p.transcriptLeafHash(leaf)) },
  );
}
