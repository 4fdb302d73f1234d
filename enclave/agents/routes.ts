/** Agents over HTTP: programs and secrets are brought, and a run is asked for. docs/reference/enclave-http.md, Agents. */

import { Router, type RequestHandler, type Response } from "express";
import * as z from "zod";
import { AgentSecretCall } from "../../protocol/agent-secret.ts";
import { MAX_PROGRAM_BYTES } from "../../protocol/agent-program.ts";
import { AnswerStatus, answerStatusName } from "../../protocol/answer.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { offChainDomain } from "../../protocol/domain.ts";
import { InputError } from "../../protocol/errors.ts";
import { bytes32, bytesHex } from "../../protocol/fields.ts";
import { MAX_OUTPUT_BYTES, MAX_PAYLOAD_BYTES } from "../../protocol/limits.ts";
import { decodePayload, payloadHash, PayloadType } from "../../protocol/payload.ts";
import { AccountRunCall } from "../../runtime/agents/account-run.ts";
import { EventRunCall, MAX_EVENT_PROOF_BYTES } from "../../runtime/agents/event-run.ts";
import type { Answerer } from "../answers/answerer.ts";
import { callerOf } from "../api/callers.ts";
import { parseInput } from "../api/parse-input.ts";
import { readBytes, readJson } from "../api/request-body.ts";
import { makeAnswer } from "../answers/sign-answer.ts";
import { createRequestId, keepReceipt, type OffChainOptions } from "../openai/off-chain-answerer.ts";
import { receiptPath } from "../openai/openai-api.ts";
import { without } from "../../runtime/output/panel.ts";
import { answerAgent, type Agents } from "./answer-agent.ts";

/** Bytes of a call: a payload in hex, and room. */
const MAX_CALL_BYTES = 3 * MAX_PAYLOAD_BYTES;
/** Bytes: what proves a log, and room for how a server writes it. */
const MAX_EVENT_CALL_BYTES = 2 * MAX_EVENT_PROOF_BYTES;
const MAX_SECRET_BYTES = 16 * 1024;
/** Where a caller names none: what it may cost is agreed with the operator. */
const NO_FEE_LIMIT = 2n ** 128n - 1n;

const NO_CONTEXT = `0x${"00".repeat(32)}` as const;

const RunCall = z.strictObject({
  /** A whole payload of type 2. */
  payload: bytesHex,
  context: bytes32.default(NO_CONTEXT),
  /** Wei that its models may cost. */
  fee: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,37})$/)
    .transform((text) => BigInt(text))
    .default(NO_FEE_LIMIT),
});

export function createAgentRoutes(
  options: OffChainOptions,
  agents: Agents,
  answerer: Pick<Answerer, "answerAccountRun" | "answerEventRun">,
): Router {
  const router = Router();
  router.put("/v1/programs", readBytes(MAX_PROGRAM_BYTES), (request, response) => {
    const program = agents.programs.add(request.body as Uint8Array);
    response.json({ programHash: program.hash });
  });
  router.put("/v1/agents/secrets", readJson(MAX_SECRET_BYTES), async (request, response) => {
    const { binding, sealed } = parseInput(AgentSecretCall, request.body);
    await agents.world.secrets.put(binding, sealed, callerOf(response).name);
    response.status(204).end();
  });
  router.post("/v1/agents/account-runs", readJson(MAX_CALL_BYTES), async (request, response) => {
    const answer = await answerer.answerAccountRun(parseInput(AccountRunCall, request.body));
    response.type("application/json").send(answer);
  });
  router.post("/v1/agents/event-runs", readJson(MAX_EVENT_CALL_BYTES), async (request, response) => {
    const answer = await answerer.answerEventRun(parseInput(EventRunCall, request.body));
    response.type("application/json").send(answer);
  });
  router.post("/v1/agents/runs", readJson(MAX_CALL_BYTES), runRoute(options, agents));
  return router;
}

function runRoute(options: OffChainOptions, agents: Agents): RequestHandler {
  return async (request, response) => {
    const { payload: hex, context, fee } = parseInput(RunCall, request.body);
    const payload = fromHex(hex);
    const decoded = decodePayload(payload);
    if (decoded.type !== PayloadType.agent)
      throw new InputError({ code: "INPUT_INVALID", message: "the payload is no agent's call" });
    const { call } = decoded;
    // A caller can bring it; nothing would be signed for a run that cannot begin.
    if (call.program.length === 0) agents.programs.get(call.programHash);
    const requestId = createRequestId();
    const question = {
      domain: offChainDomain(),
      requestId,
      payloadHash: payloadHash(payload),
      context,
      stateBlock: null,
    };
    const progress = new Progress(request.get("accept"), response);
    const made = await makeAnswer(options, question, async (recorder, { now }) => {
      if (now === null) return without(AnswerStatus.clockUnknown);
      const run = {
        requestId,
        call,
        trigger: "http",
        now,
        fee,
        maxOutputBytes: MAX_OUTPUT_BYTES,
        stateBlock: null,
        event: null,
      } as const;
      return await answerAgent({ agents, inference: options.inference }, run, recorder, (event) => {
        progress.send("call", event);
      });
    });
    keepReceipt(options, { requestId, caller: callerOf(response).name, payload, made });
    progress.end({
      requestId,
      status: answerStatusName(made.answer.status) ?? "unset",
      output: made.output,
      receipt: receiptPath(requestId),
    });
  };
}

/** Where the caller reads server-sent events: each call as it is made and as it comes back. */
class Progress {
  readonly #response: Response;
  readonly #isStream: boolean;

  constructor(accept: string | undefined, response: Response) {
    this.#response = response;
    this.#isStream = accept?.includes("text/event-stream") ?? false;
  }

  send(name: string, data: object): void {
    if (!this.#isStream) return;
    if (!this.#response.headersSent)
      this.#response.set({ "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
    this.#response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  end(reply: object): void {
    if (!this.#isStream) {
      this.#response.json(reply);
    } else {
      this.send("end", reply);
      this.#response.end();
    }
  }
}
