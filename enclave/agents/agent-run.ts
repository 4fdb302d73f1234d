/** One run of a program: every call that it makes is checked here, performed, recorded, and brought back as its record says. */

import type { Program } from "../../protocol/agent-program.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { AdytonError, InputError, UpstreamError } from "../../protocol/errors.ts";
import { HttpArgs, ModelArgs, OPS, parseArgs, ViewArgs } from "../../runtime/agents/call-args.ts";
import { isHostCausable, reasonOf, tell, type Refusal } from "../../runtime/agents/call-result.ts";
import { McpArgs } from "../../runtime/agents/mcp-message.ts";
import type { Call, CallDelivery } from "../../runtime/agents/run-loop.ts";
import { secondsLeft } from "../../runtime/agents/run-terms.ts";
import { planView } from "../../runtime/agents/run-view.ts";
import { ProofRefused } from "../../runtime/evm/proof-refused.ts";
import type { JudgedCall } from "../../runtime/evm/proven-call.ts";
import { toRecordedFormat } from "../../runtime/models/formats.ts";
import { ViewEnded, type RunView } from "../sources/view-threads.ts";
import { askOnAccount } from "../accounts/ask-on-account.ts";
import type { Inference } from "../answers/infer.ts";
import type { TranscriptRecorder } from "../answers/transcript-recorder.ts";
import type { AgentSettings } from "../configuration/agent-settings.ts";
import type { Exchange, OutgoingRequest } from "../egress/exchange.ts";
import type { AgentSecrets } from "./agent-secrets.ts";
import { CallRecorder } from "./call-recorder.ts";
import { toHttpRequest, type HttpTerms } from "./http-call.ts";
import { toMcpRequest } from "./mcp-call.ts";
import { toModelQuestion } from "./model-call.ts";
import { EVENTS_OF_EXCHANGE, type ReceiptRoom } from "./receipt-room.ts";
import { costOf, type RunBudget } from "./run-budget.ts";

export interface AgentWorld {
  readonly settings: AgentSettings;
  /** The way out for programs. */
  readonly exchange: Exchange;
  readonly secrets: AgentSecrets;
  readonly runView: RunView;
  /** Seconds, by the enclave's clock. */
  readonly now: () => number;
}

export interface RunOptions {
  readonly inference: Inference;
  readonly program: Program;
  /** Seconds: when the run began. */
  readonly startedAt: number;
  readonly budget: RunBudget;
  readonly recorder: TranscriptRecorder;
  readonly room: ReceiptRoom;
  /** Ends whatever is open when the run's time is over. */
  readonly signal: AbortSignal;
}

/** Bytes of a model's answer, which comes whole. */
const MAX_REPLY_BYTES = 1024 * 1024;
/** What fits no receipt is not asked for. */
const FULL: Refusal = { code: "OUT_OF_BUDGET", reason: "what comes of it would not fit a receipt" };

export class AgentRun {
  readonly #world: AgentWorld;
  readonly #options: RunOptions;
  #httpCalls = 0;

  constructor(world: AgentWorld, options: RunOptions) {
    this.#world = world;
    this.#options = options;
  }

  async perform(call: Call): Promise<CallDelivery> {
    const { recorder, program, startedAt, budget, room } = this.#options;
    const args = toUtf8(call.args);
    const made = { ...call, args, areArgsKept: room.fits(args.length) };
    const record = recorder.branchAs((onAsked) => new CallRecorder(onAsked, made));
    room.open(record);
    const asked = made.areArgsKept ? await this.#ask(call, record) : FULL;
    room.close(record);
    const refusal = asked !== null && "code" in asked ? asked : null;
    const judged = asked !== null && "kind" in asked ? asked : null;
    const time = Math.max(startedAt, this.#world.now());
    const left = { feeWei: budget.left.toString(), seconds: secondsLeft(program, startedAt, time) };
    const told = tell({ ...call, exchange: record.last, refusal, judged, time, left });
    const { failure } = told;
    record.settled({
      code: failure?.code ?? null,
      reason: told.refusal?.reason ?? null,
      result: told.text,
      time,
      feeWei: left.feeWei,
    });
    return { text: told.text, isHostFailure: failure !== null && isHostCausable(failure.code) };
  }

  /** Sends what the call asks for; null when its exchange says what came of it, or the call itself. */
  async #ask(call: Call, record: CallRecorder): Promise<Refusal | JudgedCall | null> {
    if (this.#options.signal.aborted) return { code: "OUT_OF_TIME", reason: "the run's time is over" };
    try {
      switch (OPS.find((op) => op === call.op)) {
        case "http":
          return await this.#send(toHttpRequest(parseArgs(HttpArgs, call.args), this.#terms()), record);
        case "mcp":
          return await this.#send(toMcpRequest(parseArgs(McpArgs, call.args), this.#terms()), record);
        case "model":
          return await this.#askModel(call, record);
        case "view":
          return await this.#runView(call);
        case "agree":
        case "prove":
        case "logs":
        case "clock":
          return null;
        case undefined:
          return { code: "REFUSED", reason: "this enclave has no such call" };
      }
    } catch (error) {
      if (error instanceof InputError) return { code: "REFUSED", reason: reasonOf(error) };
      if (error instanceof ViewEnded) return { code: "OUT_OF_TIME", reason: reasonOf(error) };
      throw error;
    }
  }

  /** In a thread of its own: a second of work for each call. */
  async #runView({ args }: Call): Promise<JudgedCall> {
    try {
      return await this.#world.runView(planView(parseArgs(ViewArgs, args)));
    } catch (error) {
      if (!(error instanceof ProofRefused)) throw error;
      return { kind: "unproven", part: error.part, reason: error.reason };
    }
  }

  #terms(): HttpTerms {
    const { settings, secrets } = this.#world;
    return { program: this.#options.program, settings, secrets };
  }

  async #send(request: OutgoingRequest, record: CallRecorder): Promise<Refusal | null> {
    const { program, signal, room } = this.#options;
    const { exchange } = this.#world;
    if (this.#httpCalls >= program.manifest.limits.httpCalls)
      return { code: "OUT_OF_BUDGET", reason: "the run sends no more requests" };
    const maxResponseBytes = room.holdExchange(record, {
      requestBytes: request.body.length,
      mostBytes: program.manifest.limits.responseBytes,
    });
    if (maxResponseBytes === 0) return FULL;
    this.#httpCalls += 1;
    const number = record.forwarded(null, request);
    const outcome = await exchange({ ...request, signal, maxResponseBytes });
    if (outcome.kind === "failed") record.failed(number, outcome);
    else record.responded(number, null, outcome.response, null);
    return null;
  }

  async #askModel({ args }: Call, record: CallRecorder): Promise<Refusal | null> {
    const { program, budget, signal, inference, room } = this.#options;
    const { account, catalog, retries, pause } = inference;
    const asked = parseArgs(ModelArgs, args);
    const name = asked.model ?? program.manifest.models[0];
    if (name === undefined || !program.manifest.models.includes(name))
      return { code: "REFUSED", reason: `the manifest names no model ${name ?? ""}` };
    const target = catalog.get(name);
    if (target === undefined) return { code: "REFUSED", reason: `this enclave serves no ${name}` };
    const question = toModelQuestion(asked, target);
    const exchange = {
      requestBytes: target.format.encodeQuestion(question).body.length,
      mostBytes: MAX_REPLY_BYTES,
    };
    if (room.holdExchange(record, exchange) === 0) return FULL;
    const price = account.price(target, question);
    if (!budget.reserve(price))
      return { code: "OUT_OF_BUDGET", reason: `what is left of the fee does not cover ${price} wei` };
    record.format = toRecordedFormat(target.provider.format, target.provider.dialect);
    try {
      const charge = account.charge(target, question);
      const reply = await askOnAccount(charge, target, question, {
        recorder: record,
        retries: Math.min(retries, Math.floor(room.left.events / EVENTS_OF_EXCHANGE)),
        pause,
        signal,
        maxResponseBytes: () => room.holdExchange(record, exchange),
      });
      budget.settle(price, costOf(target, reply) ?? price);
    } catch (error) {
      if (!(error instanceof AdytonError)) throw error;
      if (record.last !== null) {
        if (record.last.kind === "failed" && record.last.code === "MODEL_UNREACHABLE")
          budget.settle(price, 0n);
        return null;
      }
      budget.settle(price, 0n);
      const code = error instanceof UpstreamError ? "UNREACHABLE" : "OUT_OF_BUDGET";
      return { code, reason: reasonOf(error) };
    }
    return null;
  }
}
