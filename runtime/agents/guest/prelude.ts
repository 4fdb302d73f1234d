/**
 * Runs inside the sandbox before the program: turns the one function of the host into the `host` object that a program is given.
 * Nothing here is a check; a program that breaks out of it has still only the host's function, which checks everything.
 *
 * It is compiled to `prelude.js`, evaluated once, and kept in a snapshot: it reads no clock and no seed before a run begins.
 */

import type {
  CallErrorCode,
  Host,
  HttpResponse,
  Json,
  ModelReply,
  PanelRule,
  Tool,
  Trigger,
} from "../program-api.ts";
import { createChain } from "./chain.ts";
import { createMcp } from "./mcp.ts";

/** Gives the number of a call that was taken, or a refusal below zero; for `gas`, what is left. */
type HostFunction = (op: string, args: string) => number;

interface Terms {
  readonly run: {
    readonly id: Host["run"]["id"];
    readonly program: Host["run"]["program"];
    readonly now: number;
    readonly trigger: Trigger;
    readonly block: Host["run"]["block"];
  };
  readonly seed: string;
  readonly left: Left & { readonly calls: number };
}

interface Left {
  readonly feeWei: string;
  readonly seconds: number;
}

type Settled =
  | { readonly ok: true; readonly value: Json; readonly left: Left }
  | {
      readonly ok: false;
      readonly code: CallErrorCode;
      readonly message: string;
      readonly hostCausable: boolean;
      readonly left: Left;
    };

interface Waiting {
  readonly resolve: (value: Json) => void;
  readonly reject: (error: Error) => void;
}

type Main = (input: Json, host: Host) => Json | Promise<Json>;

// Taken before the program can replace them.
const { parse } = JSON;
/** A function, for one, has no JSON. */
const stringify = JSON.stringify as (value: unknown) => string | undefined;
const { freeze, defineProperty, keys } = Object;
const toNumber = Number;

let callHost: HostFunction;
let left: Left;
let callsLeft = 0;
const waiting: (Waiting | undefined)[] = [];

const REFUSALS: Record<number, readonly [CallErrorCode, string] | undefined> = {
  [-1]: ["OUT_OF_BUDGET", "this run makes no more calls, or has too many open"],
  [-2]: ["TOO_LARGE", "the arguments are larger than a call's may be"],
};

function callError(code: CallErrorCode, message: string, hostCausable: boolean): Error {
  const error = new Error(message);
  // Where it was thrown says nothing: it came from outside.
  delete error.stack;
  return Object.assign(error, { code, hostCausable });
}

function ask<Value>(op: string, args: unknown): Promise<Value> {
  return new Promise<Json>((resolve, reject) => {
    const number = callHost(op, textOf(args));
    const refusal = REFUSALS[number];
    if (refusal === undefined) {
      waiting[number] = { resolve, reject };
      callsLeft -= 1;
    } else {
      reject(callError(refusal[0], refusal[1], false));
    }
  }) as Promise<Value>;
}

/** Small fast counter (Doty-Humphrey's sfc32): seeded by the run, and so no secret. */
function createRandom(seed: string): () => number {
  const word = (at: number): number => toNumber(`0x${seed.slice(2 + 8 * at, 10 + 8 * at)}`) | 0;
  let a = word(0);
  let b = word(1);
  let c = word(2);
  let counter = 1;
  const next = (): number => {
    const out = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + out) | 0;
    return out >>> 0;
  };
  for (let round = 0; round < 15; round += 1) next();
  return () => ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992;
}

type HttpValue = Omit<HttpResponse, "json">;

function withJson(value: HttpValue): HttpResponse {
  defineProperty(value, "json", {
    get: (): Json | undefined => {
      try {
        return parse(value.text) as Json;
      } catch {
        return undefined;
      }
    },
  });
  return value as HttpResponse;
}

async function readJson(request: object): Promise<Json | undefined> {
  return withJson(await ask<HttpValue>("http", request)).json;
}

async function panel(
  models: readonly string[],
  rule: PanelRule,
  question: Parameters<Host["panel"]>[2],
): Promise<{ value: Json; agreed: number }> {
  const replies = await Promise.all(
    models.map((model) =>
      ask<ModelReply & { value: Json }>("model", { ...question, model }).then(
        ({ value }) => value,
        (error: unknown) => {
          const { code } = error as { readonly code?: string };
          if (code === "REFUSED" || code === "OUT_OF_BUDGET") throw error;
          return null;
        },
      ),
    ),
  );
  return await ask("agree", { returns: question.returns, rule, answers: replies });
}

const MOST_STEPS = 8;

async function loop(options: Parameters<Host["loop"]>[0]): Promise<{ value: Json; steps: number }> {
  const { tools, returns, maxSteps = MOST_STEPS, messages, ...question } = options;
  const described: Record<string, Omit<Tool, "run">> = {};
  for (const name of keys(tools)) {
    const tool = tools[name];
    if (tool !== undefined) described[name] = { description: tool.description, parameters: tool.parameters };
  }
  const dialogue: Json[] = [...(messages as unknown as Json[])];
  for (let steps = 1; steps <= maxSteps; steps += 1) {
    const reply = await ask<ModelReply & { value: Json }>("model", {
      ...question,
      messages: dialogue,
      returns,
      // The last answer has to be one.
      ...(steps < maxSteps ? { tools: described } : {}),
    });
    if (reply.toolCalls.length === 0) return { value: reply.value, steps };
    dialogue.push({ role: "assistant", content: reply.text, reply: reply as unknown as Json });
    for (const call of reply.toolCalls) {
      dialogue.push({
        role: "tool",
        call: call as unknown as Json,
        content: await runTool(tools[call.name], call.arguments),
      });
    }
  }
  throw callError("BAD_RESPONSE", "the model called tools to the last step", false);
}

/** What goes wrong in a tool is told to the model, which may call it otherwise. */
async function runTool(tool: Tool | undefined, args: string): Promise<string> {
  if (tool === undefined) return textOf({ error: "no such tool" });
  try {
    return textOf(await tool.run(parse(args) as Json));
  } catch (error) {
    return textOf({ error: describe(error) });
  }
}

function describe(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { name, message } = error as { readonly name?: string; readonly message?: string };
  return `${name ?? "Error"}: ${message ?? ""}`;
}

function createHost({ run }: Terms): Host {
  const remaining = {
    get gas() {
      return callHost("gas", "");
    },
    get calls() {
      return callsLeft;
    },
    get feeWei() {
      return left.feeWei;
    },
    get seconds() {
      return left.seconds;
    },
  };
  return freeze({
    run: freeze(run),
    left: freeze(remaining),
    model: (question: object) => ask("model", question),
    panel,
    loop,
    http: async (request: object) => withJson(await ask<HttpValue>("http", request)),
    chain: (options: Parameters<Host["chain"]>[0]) =>
      createChain(options, { now: run.now, ask, callError, readJson }),
    mcp: (options: Parameters<Host["mcp"]>[0]) => createMcp(options, { ask, callError }),
    log: (...values: readonly Json[]) => void callHost("log", textOf(values)),
    clock: () => ask<number>("clock", null),
  } as unknown as Host);
}

/** @param loaded the program's module, which may have waited for something at its top */
function start(loaded: Promise<{ readonly default?: unknown }>, input: string, termsText: string): void {
  const terms = parse(termsText) as Terms;
  left = terms.left;
  callsLeft = terms.left.calls;
  // eslint-disable-next-line no-restricted-properties -- replaced here, so that a run can be repeated
  Math.random = createRandom(terms.seed);
  const host = createHost(terms);
  loaded
    .then(async (module) => {
      if (typeof module.default !== "function")
        throw new TypeError("the program exports no function as its default");
      return await (module.default as Main)(parse(input) as Json, host);
    })
    .then(
      (value) => callHost("return", textOf(value)),
      (error: unknown) => callHost("throw", describe(error)),
    )
    .catch(() => callHost("throw", "the result cannot be written as JSON"));
}

function textOf(value: unknown): string {
  return stringify(value) ?? "null";
}

function settle(number: number, text: string): void {
  const call = waiting[number];
  if (call === undefined) return;
  waiting[number] = undefined;
  const settled = parse(text) as Settled;
  left = settled.left;
  if (settled.ok) call.resolve(settled.value);
  else call.reject(callError(settled.code, settled.message, settled.hostCausable));
}

/** Everything that the host calls. */
export function enter(what: "install" | "start" | "settle", ...args: readonly unknown[]): void {
  if (what === "install") callHost = args[0] as HostFunction;
  else if (what === "start") start(args[0] as Promise<object>, args[1] as string, args[2] as string);
  else settle(args[0] as number, args[1] as string);
}

// One thread, and no time to share.
delete (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer;
delete (globalThis as { Atomics?: unknown }).Atomics;
