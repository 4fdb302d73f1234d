/** An agent's run as an enclave records it, in memory and under the simulator's evidence: with any answers, and with any lie. */

import { sha256 } from "@noble/hashes/sha2.js";
import * as p from "../../protocol/index.ts";
import { encodeProgram, parseProgram, programHash, type ManifestFile } from "../../protocol/agent-program.ts";
import { bodyOf, HttpArgs, parseArgs } from "../../runtime/agents/call-args.ts";
import { tell, type RecordedExchange } from "../../runtime/agents/call-result.ts";
import { McpArgs, mcpBody } from "../../runtime/agents/mcp-message.ts";
import { runProgram, type Call, type CallDelivery } from "../../runtime/agents/run-loop.ts";
import { toAnswer } from "../../runtime/agents/run-output.ts";
import { secondsLeft, toRunTerms } from "../../runtime/agents/run-terms.ts";
import type { ReplaySandbox } from "../../runtime/agents/replay.ts";
import { loadSandbox } from "../../cli/replay/load-sandbox.ts";
import { createSampleReceipt, SAMPLE_ANSWER_KEY } from "./sample-receipt.ts";

export interface RunToRecord {
  readonly source: string;
  readonly manifest?: ManifestFile;
  readonly input?: unknown;
  /** What comes back of a call; null of one that asks nobody. */
  readonly exchangeOf: (call: Call) => RecordedExchange | null;
  /** Resolves when a call's result arrives: any order must give the same run. */
  readonly arrival?: (call: Call) => Promise<void>;
  /** Changes what is recorded before it is signed. */
  readonly lie?: (record: SignedRecord) => SignedRecord;
}

export interface SignedRecord {
  readonly events: readonly p.TranscriptEvent[];
  readonly bodies: p.Bodies;
}

const SEED: p.Hex = `0x${"cd".repeat(32)}`;
const FEE = "1000000000000000";
const TRANSPORT = {
  kind: "tls",
  protocol: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  group: "X25519",
  spkiHash: SEED,
  exporter: null,
} as const;

const hashOf = (bytes: Uint8Array): p.Hex => p.toHex(sha256(bytes));

/** How a server of that name answers over TLS. */
export function answerOf(
  host: string,
  body: string,
  format: Extract<RecordedExchange, { kind: "complete" }>["format"] = null,
  headers: Readonly<Record<string, string>> = {},
): RecordedExchange {
  return {
    kind: "complete",
    status: 200,
    headers,
    body: p.toUtf8(body),
    transport: {
      ...TRANSPORT,
      host,
      port: 443,
      subjectAltNames: [host],
      certificateHashes: [SEED],
      scts: [],
    },
    format,
  };
}

interface Prepared {
  readonly sandbox: ReplaySandbox;
  /** Whose keyset, evidence and first event every recorded run has. */
  readonly sample: p.OffChainReceipt;
}

let stage: Promise<Prepared> | undefined;

async function prepare(): Promise<Prepared> {
  const sample = p.parseReceipt(await createSampleReceipt({ where: "off chain" })) as p.OffChainReceipt;
  return { sandbox: loadSandbox(), sample };
}

/** A receipt that verifies, whatever `lie` did. */
export async function recordRun(run: RunToRecord): Promise<p.OffChainReceipt> {
  const { sandbox, sample } = await (stage ??= prepare());
  const { requestId, answeredAt } = sample.answer;
  const now = Number(answeredAt) - 2;
  const file = encodeProgram(run.source, run.manifest ?? {});
  const program = parseProgram(file);
  const input = p.toUtf8(JSON.stringify(run.input ?? null));
  const call = { programHash: programHash(file), program: file, input, maxOutputBytes: 4_096 };
  const payload = p.encodePayload({ type: p.PayloadType.agent, call });
  const bodies: Record<p.Hex, p.Hex> = {};
  const keep = (bytes: Uint8Array): p.Hex => {
    const name = hashOf(bytes);
    bodies[name] = p.toHex(bytes);
    return name;
  };
  const started = { seed: SEED, now, trigger: "http", feeWei: FEE } as const;
  const perCall = new Map<number, p.TranscriptEvent[]>();
  const perform = async (made: Call): Promise<CallDelivery> => {
    const exchange = run.exchangeOf(made);
    const left = { feeWei: FEE, seconds: secondsLeft(program, now, now) };
    const told = tell({ ...made, exchange, refusal: null, time: now, left });
    const result = p.toUtf8(told.text);
    perCall.set(made.number, [
      {
        type: "call.made",
        call: made.number,
        op: made.op,
        argsHash: keep(p.toUtf8(made.args)),
        argsBytes: made.args.length,
      },
      ...exchangeEvents(made, exchange, keep),
      {
        type: "call.settled",
        call: made.number,
        code: told.failure?.code ?? null,
        reason: null,
        resultHash: hashOf(result),
        resultBytes: result.length,
        time: now,
        feeWei: FEE,
      },
    ]);
    await run.arrival?.(made);
    return { text: told.text, isHostFailure: exchange?.kind === "failed" };
  };
  const end = await runProgram(
    sandbox.image,
    toRunTerms({ requestId, program, input, stateBlock: null, started }),
    perform,
  );
  const answer = toAnswer(end, program.manifest, 4_096);
  const result = end.result === null ? null : p.toUtf8(end.result);
  const events: readonly p.TranscriptEvent[] = [
    {
      ...(p.understoodEvent(sample.transcript[0]!) as Extract<
        p.TranscriptEvent,
        { type: "request.received" }
      >),
      payloadHash: p.payloadHash(payload),
    },
    {
      ...started,
      type: "program.started",
      programHash: call.programHash,
      programBody: null,
      programBytes: file.length,
      inputHash: p.keccak(input),
      engine: sandbox.engine,
      prelude: sandbox.prelude,
    },
    ...[...perCall].sort(([one], [other]) => one - other).flatMap(([, list]) => list),
    ...end.logs.map((line): p.TranscriptEvent => {
      const bytes = p.toUtf8(line);
      return { type: "log.written", hash: keep(bytes), bytes: bytes.length };
    }),
    {
      type: "program.ended",
      outcome: end.outcome,
      resultHash: result === null ? null : hashOf(result),
      resultBytes: result?.length ?? 0,
      gas: end.gas.toString(),
      calls: end.calls,
      feeWei: "0",
    },
    {
      type: "output.returned",
      status: answer.status,
      outputHash: p.keccak(answer.output),
      outputBytes: answer.output.length,
      reason: answer.reason,
    },
  ];
  const record = { events, bodies };
  return sign(sample, { ...(run.lie?.(record) ?? record), payload, answer });
}

function exchangeEvents(
  { number, op, args }: Call,
  exchange: RecordedExchange | null,
  keep: (bytes: Uint8Array) => p.Hex,
): readonly p.TranscriptEvent[] {
  if (exchange === null) return [];
  const isModel = op === "model";
  const asked = isModel ? null : requestOf(op, args);
  const sent = asked?.body ?? p.toUtf8(args);
  return [
    {
      type: "request.forwarded",
      exchange: number,
      model: isModel ? "openai/gpt-5.6-terra" : null,
      url: asked === null ? `https://${hostOf(exchange)}/v1/chat/completions` : new URL(asked.url).href,
      method: asked?.method ?? "POST",
      bodyHash: keep(sent),
      bodyBytes: sent.length,
    },
    ...endOf(number, exchange, { isModel, keep }),
  ];
}

interface Sent {
  readonly url: string;
  readonly method: string;
  readonly body: Uint8Array;
}

function requestOf(op: string, args: string): Sent {
  if (op === "mcp") {
    const asked = parseArgs(McpArgs, args);
    return { url: asked.url, method: "POST", body: mcpBody(asked) };
  }
  const asked = parseArgs(HttpArgs, args);
  return { url: asked.url, method: asked.method, body: bodyOf(asked) };
}

function hostOf(exchange: RecordedExchange): string {
  return exchange.kind === "complete" && exchange.transport.kind === "tls" ? exchange.transport.host : "none";
}

function endOf(
  number: number,
  exchange: RecordedExchange,
  { isModel, keep }: { readonly isModel: boolean; readonly keep: (bytes: Uint8Array) => p.Hex },
): readonly p.TranscriptEvent[] {
  const link = { type: "call.exchanged", call: number, exchange: number } as const;
  if (exchange.kind === "failed") {
    return [
      { type: "exchange.failed", exchange: number, code: exchange.code, transport: null },
      { ...link, format: null, headers: null },
    ];
  }
  return [
    {
      type: "response.received",
      exchange: number,
      status: exchange.status,
      bodyHash: keep(exchange.body),
      bodyBytes: exchange.body.length,
      requestedModel: isModel ? "gpt-5.6-terra" : null,
      returnedModel: null,
      responseId: null,
      usage: null,
      transport: exchange.transport,
    },
    { ...link, format: exchange.format, headers: isModel ? null : exchange.headers },
  ];
}

function sign(
  sample: p.OffChainReceipt,
  record: SignedRecord & {
    readonly payload: Uint8Array;
    readonly answer: { readonly status: p.AnswerStatus; readonly output: Uint8Array };
  },
): p.OffChainReceipt {
  const transcript = record.events.map((event, index) => ({
    salt: hashOf(p.toUtf8(`recorded run, salt ${index}`)),
    event,
  }));
  const answer = {
    ...sample.answer,
    status: record.answer.status,
    outputHash: p.keccak(record.answer.output),
    transcriptRoot: p.transcriptRoot(transcript),
  };
  return {
    ...sample,
    payload: p.toHex(record.payload),
    answer,
    signature: p.signDigest(p.answerDigest(sample.domain, answer), SAMPLE_ANSWER_KEY),
    output: p.toHex(record.answer.output),
    transcript,
    bodies: record.bodies,
  };
}
