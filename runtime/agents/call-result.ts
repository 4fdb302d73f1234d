/**
 * A call's result for a program, from its record and from nothing else. The enclave and whoever replays a run call
 * the same function: a recorded result is compared with it, and never believed.
 */

import type { CallErrorCode, RecordedFormat } from "../../protocol/agent-events.ts";
import { AnswerStatus } from "../../protocol/answer.ts";
import { fromUtf8 } from "../../protocol/bytes.ts";
import { encodeCanonicalJson, type Json } from "../../protocol/canonical-json.ts";
import { InputError, UpstreamError, type UpstreamErrorCode } from "../../protocol/errors.ts";
import type { Transport } from "../../protocol/transcript.ts";
import { fromRecordedFormat } from "../models/formats.ts";
import type { ModelReply } from "../models/model-format.ts";
import { errorOfResponse } from "../models/provider-error.ts";
import { agreementKey } from "../output/panel-comparison.ts";
import { createOutputContract } from "../output/output-contract.ts";
import { OutputProblem } from "../output/output-problem.ts";
import { aggregatePanel, checkPanelRule, without, type Outcome } from "../output/panel.ts";
import { parseModelJson } from "../output/model-json.ts";
import { ProofRefused } from "../evm/proof-refused.ts";
import {
  AgreeArgs,
  LogsArgs,
  ModelArgs,
  panelRuleOf,
  parseArgs,
  ProveArgs,
  typedFormat,
  ViewArgs,
} from "./call-args.ts";
import { judgeCall, type JudgedCall } from "../evm/proven-call.ts";
import { McpArgs, McpRefused, readMcpReply } from "./mcp-message.ts";
import { planView, toldOfView } from "./run-view.ts";
import { proveLogs, proveState } from "./prove-state.ts";

/** The last exchange of a call. */
export type RecordedExchange =
  | {
      readonly kind: "complete";
      readonly status: number;
      /** Those that the program sees. */
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
      readonly transport: Transport;
      readonly format: RecordedFormat | null;
    }
  | { readonly kind: "failed"; readonly code: string };

export interface Refusal {
  readonly code: CallErrorCode;
  readonly reason: string;
}

/** All that a call's result depends on. */
export interface CallRecord {
  readonly op: string;
  readonly args: string;
  /** null where nothing was sent. */
  readonly exchange: RecordedExchange | null;
  /** Of a call that the enclave itself refused. */
  readonly refusal: Refusal | null;
  /** Of a view, what it came to where another thread ran it; else it is run here. */
  readonly judged?: JudgedCall | null;
  /** Seconds, when the call came back. */
  readonly time: number;
  readonly left: { readonly feeWei: string; readonly seconds: number };
}

/** Why a call brought nothing, as the program is told. */
interface CallFailure {
  readonly code: CallErrorCode;
  readonly message: string;
}

type CallValue = { readonly value: Json } | { readonly failure: CallFailure };

const HOST_CAUSABLE: ReadonlySet<CallErrorCode> = new Set(["UNREACHABLE", "TIMEOUT", "OUT_OF_TIME"]);

/** Whether whoever runs the machine could have made a call fail so. */
export function isHostCausable(code: CallErrorCode): boolean {
  return HOST_CAUSABLE.has(code);
}

/** What a program is told of a call. */
export interface Told {
  readonly failure: CallFailure | null;
  readonly refusal: Refusal | null;
  /** The JSON that crosses to the program. */
  readonly text: string;
}

/** As the record says it; an answer that no program could be given is refused, and recorded as refused. */
export function tell(record: CallRecord): Told {
  try {
    return toTold(resultOf(record), record);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const code = record.exchange === null ? "REFUSED" : "BAD_RESPONSE";
    const refusal: Refusal = { code, reason: reasonOf(error) };
    return toTold(failed(refusal.code, refusal.reason), { ...record, refusal });
  }
}

function toTold(value: CallValue, { left, refusal }: CallRecord): Told {
  return { failure: "failure" in value ? value.failure : null, refusal, text: resultText(value, left) };
}

/** Characters. */
const MAX_REASON = 500;

/** Well-formed, and short: it stands in a transcript. */
export function reasonOf(error: Error): string {
  return error.message.toWellFormed().slice(0, MAX_REASON).toWellFormed();
}

function resultText(result: CallValue, left: CallRecord["left"]): string {
  if ("value" in result) return fromUtf8(encodeCanonicalJson({ ok: true, value: result.value, left }));
  const { code, message } = result.failure;
  const hostCausable = isHostCausable(code);
  return fromUtf8(encodeCanonicalJson({ ok: false, code, message, hostCausable, left }));
}

/** @throws {InputError} for a record that no enclave of ours writes */
function resultOf(record: CallRecord): CallValue {
  if (record.refusal !== null) return failed(record.refusal.code, record.refusal.reason);
  switch (record.op) {
    case "clock":
      return { value: record.time };
    case "agree":
      return agree(parseArgs(AgreeArgs, record.args));
    case "view":
      return viewValue(record);
    case "prove":
      return proven(() => proveState(parseArgs(ProveArgs, record.args)));
    case "logs":
      return proven(() => proveLogs(parseArgs(LogsArgs, record.args)));
    case "http":
      return httpValue(record);
    case "mcp":
      return mcpValue(record);
    case "model":
      return modelValue(record);
    default:
      throw new InputError({ code: "INPUT_INVALID", message: "no such call", details: { op: record.op } });
  }
}

function failed(code: CallErrorCode, message: string): CallValue {
  return { failure: { code, message } };
}

/** A failed exchange's meaning to a program; codes not listed are answers that cannot be used. */
const CALL_CODES: Partial<Record<UpstreamErrorCode, CallErrorCode>> = {
  MODEL_TIMEOUT: "TIMEOUT",
  MODEL_UNREACHABLE: "UNREACHABLE",
  MODEL_TLS_REFUSED: "UNREACHABLE",
  MODEL_NOT_ATTESTED: "UNREACHABLE",
  MODEL_ATTESTATION_UNAVAILABLE: "UNREACHABLE",
  // A connection that is cut: whoever owns the network can.
  MODEL_RESPONSE_TRUNCATED: "UNREACHABLE",
  MODEL_OUTPUT_TOO_LARGE: "TOO_LARGE",
  MODEL_REFUSED: "MODEL_REFUSED",
};

function failedAs(code: string): CallValue {
  const callCode = CALL_CODES[code as UpstreamErrorCode] ?? "BAD_RESPONSE";
  return failed(callCode, `the exchange ended with ${code}`);
}

function exchangeOf({ exchange }: CallRecord): RecordedExchange {
  if (exchange !== null) return exchange;
  throw new InputError({ code: "INPUT_INVALID", message: "the call has no exchange and was not refused" });
}

const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const NO_KEY = `0x${"00".repeat(32)}`;

function httpValue(record: CallRecord): CallValue {
  const exchange = exchangeOf(record);
  if (exchange.kind === "failed") return failedAs(exchange.code);
  const { status, headers, body, transport } = exchange;
  const server =
    transport.kind === "tls"
      ? { host: transport.host, spkiHash: transport.spkiHash }
      : { host: transport.address, spkiHash: NO_KEY };
  return { value: { status, headers, text: lenientUtf8.decode(body), server } };
}

function mcpValue(record: CallRecord): CallValue {
  const exchange = exchangeOf(record);
  if (exchange.kind === "failed") return failedAs(exchange.code);
  try {
    return { value: readMcpReply(parseArgs(McpArgs, record.args), exchange) };
  } catch (error) {
    if (error instanceof McpRefused) return failed("BAD_RESPONSE", reasonOf(error));
    if (error instanceof UpstreamError) return failedAs(error.code);
    throw error;
  }
}

function modelValue(record: CallRecord): CallValue {
  const exchange = exchangeOf(record);
  if (exchange.kind === "failed") return failedAs(exchange.code);
  const { returns } = parseArgs(ModelArgs, record.args);
  try {
    const { status, body, format } = exchange;
    if (status < 200 || status >= 300) throw errorOfResponse(status, body);
    if (format === null)
      throw new InputError({ code: "INPUT_INVALID", message: "the answer names no format" });
    return replyValue(fromRecordedFormat(format).parseReply(body), returns);
  } catch (error) {
    if (error instanceof UpstreamError) return failedAs(error.code);
    throw error;
  }
}

function replyValue(reply: ModelReply, returns: string | undefined): CallValue {
  if (reply.stop === "refused") return failed("MODEL_REFUSED", reply.refusal ?? "the model declined");
  if (reply.stop === "other") return failed("BAD_RESPONSE", "the model stopped for an unknown reason");
  const texts = [
    reply.text,
    ...reply.toolCalls.flatMap(({ id, name, arguments: args }) => [id ?? "", name, args]),
  ];
  if (!texts.every((text) => text.isWellFormed()))
    return failed("BAD_RESPONSE", "the answer is not well-formed Unicode");
  const said = {
    text: reply.text,
    toolCalls: reply.toolCalls.map(({ signature, ...call }) => ({
      ...call,
      ...(signature === undefined ? {} : { signature }),
    })),
    returnedModel: reply.returnedModel,
    usage: reply.usage,
    carry: reply.carry,
  };
  if (returns === undefined || reply.toolCalls.length > 0) return { value: said };
  if (reply.stop === "length") return failed("BAD_RESPONSE", "the answer was cut off by maxOutputTokens");
  try {
    createOutputContract(typedFormat(returns)).toOutput(reply.text);
    return { value: { ...said, value: parseModelJson(reply.text).value } };
  } catch (error) {
    if (error instanceof OutputProblem)
      return failed("BAD_RESPONSE", `the answer does not fit: ${error.message}`);
    throw error;
  }
}

/** A server of a chain is the host's as likely as not: what it cannot prove, the host could have caused. */
function proven(prove: () => Json): CallValue {
  try {
    return { value: prove() };
  } catch (error) {
    if (error instanceof ProofRefused)
      return failed("UNREACHABLE", `the chain's server proves nothing: ${error.message}`);
    if (error instanceof InputError)
      return failed("UNREACHABLE", `the chain's server shows no block or proof: ${reasonOf(error)}`);
    throw error;
  }
}

function viewValue({ args, judged }: CallRecord): CallValue {
  try {
    const planned = planView(parseArgs(ViewArgs, args));
    const outcome = judged ?? judgeCall(planned.world, planned.call, planned.shown);
    switch (outcome.kind) {
      case "returned":
      case "missing":
        return { value: toldOfView(planned, outcome) };
      case "reverted":
        return failed("REVERTED", `the view reverts with ${outcome.data.slice(0, MAX_REVERT)}`);
      case "unsupported":
        return failed("REFUSED", `the view cannot be run here: ${outcome.reason}`);
      case "unproven":
        throw new ProofRefused(outcome.part, outcome.reason);
    }
  } catch (error) {
    if (!(error instanceof ProofRefused)) throw error;
    return failed("UNREACHABLE", `the chain's server proves nothing: ${error.message}`);
  }
}

/** Characters: a selector and four words. */
const MAX_REVERT = 2 + 2 * (4 + 4 * 32);

/** The answer of a panel: whole, of one of its members. */
function agree(args: AgreeArgs): CallValue {
  const format = typedFormat(args.returns);
  const contract = createOutputContract(format);
  const outcomes = args.answers.map((answer): Outcome => {
    if (answer === null) return without(AnswerStatus.refused);
    try {
      const output = contract.toOutput(JSON.stringify(answer));
      return { status: AnswerStatus.ok, output, reason: null };
    } catch (error) {
      if (error instanceof OutputProblem || error instanceof InputError)
        return without(AnswerStatus.invalidOutput);
      throw error;
    }
  });
  const terms = { panelRule: panelRuleOf(args), panelQuorum: Math.floor(outcomes.length / 2) + 1, format };
  try {
    checkPanelRule(terms);
  } catch (error) {
    if (error instanceof InputError) return failed("REFUSED", error.message);
    throw error;
  }
  const winner = aggregatePanel(terms, outcomes);
  if (winner.status !== AnswerStatus.ok)
    return failed("BAD_RESPONSE", winner.reason ?? "the panel does not agree");
  const key = agreementKey(format, winner.output);
  const value = args.answers[outcomes.indexOf(winner)] ?? null;
  const agreed = outcomes.filter(
    ({ status, output }) => status === AnswerStatus.ok && agreementKey(format, output) === key,
  ).length;
  return { value: { value, agreed } };
}
