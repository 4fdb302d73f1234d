/**
 * Many runs of one program: in any order of arrival it comes to the same, and its receipt replays; and a receipt in which anything of
 * what came, was asked or was signed is changed is told apart, at the place of the change. `npm run fuzz:agents`.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import * as p from "../../protocol/index.ts";
import { loadSandbox } from "../../cli/replay/load-sandbox.ts";
import type { RecordedExchange } from "../../runtime/agents/call-result.ts";
import { ReplayDivergence, type DivergedAt } from "../../runtime/agents/replay-verdict.ts";
import { replayReceipt } from "../../runtime/agents/replay.ts";
import type { Call } from "../../runtime/agents/run-loop.ts";
import { createProvenWorld } from "./proven-world.ts";
import { createRandom } from "./random.ts";
import { answerOf, recordRun } from "./recorded-run.ts";

/**
 * Eighteen calls: six of servers, two of a model, two of the clock, a word of a contract (twice a chain's server, and two proofs), and
 * four of a server of tools: its greeting, what it is told of it, its tools, and one that is called.
 */
const SOURCE = `export default async ({ at, contract, slot }, host) => {
  const seen = [];
  const page = async (i) => {
    const { json } = await host.http({ url: "https://a.example/" + i, method: "POST", body: { i } }).catch((error) => ({ json: error.code }));
    seen.push(i);
    return [json, Math.random() < 0.5];
  };
  const pages = await Promise.all([0, 1, 2, 3, 4, 5].map(page));
  const ask = (text) => host.model({ messages: [{ role: "user", content: text }] }).then(({ text }) => text, (error) => error.code);
  const said = await Promise.all([ask("one"), ask("two"), host.clock()]);
  host.log("said", said.length);
  const chain = host.chain({ rpc: "https://chain.example/rpc", at });
  const word = await chain.storage(contract, slot).catch((error) => error.code);
  const tools = host.mcp({ url: "https://tools.example/mcp" });
  const heard = [await tools.tools(), await tools.call("measure", { word: "owl" })].map((part) => JSON.stringify(part));
  return { seen, pages, said, word, heard, late: await host.clock() };
};`;
const MANIFEST = { models: ["openai/gpt-5.6-terra"], onHostFailure: "tell" as const };
const FORMAT = { name: "openai-chat", stripsReasoning: false };

function chat(content: string): string {
  return JSON.stringify({
    id: "x",
    model: "m",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
  });
}

interface ChainServer {
  readonly input: { readonly at: object; readonly contract: p.Hex; readonly slot: p.Hex };
  /** By what it is asked. */
  readonly answers: Readonly<Record<string, unknown>>;
}

/** Shows a word of a contract, with its proof. */
async function createChainServer(): Promise<ChainServer> {
  const { block, contract, slots, proofOf } = await createProvenWorld({
    number: 9n,
    timestamp: 1_700_000_000n,
  });
  const [slot = NO_SLOT] = slots.keys();
  const at = { number: "9", hash: block.hash };
  const answers = { eth_getBlockByNumber: block, eth_getProof: await proofOf(contract, [slot]) };
  return { input: { at, contract, slot }, answers };
}
const NO_SLOT = `0x${"00".repeat(32)}` as const;

let chainServer: Promise<ChainServer> | undefined;

/** What each call brings, from `variant` alone: an answer, an empty one, or a connection that failed. */
const exchangeOf =
  (variant: number, { answers }: ChainServer) =>
  ({ op, number, args }: Call): RecordedExchange | null => {
    if (op === "clock" || op === "prove") return null;
    if (args.includes("https://chain.example/")) {
      if (variant % 5 === 4) return UNREACHABLE;
      const { body } = JSON.parse(args) as { readonly body: { readonly method: string } };
      const result = answers[body.method] ?? null;
      return answerOf("chain.example", JSON.stringify({ jsonrpc: "2.0", id: 1, result }));
    }
    if (op === "mcp") return mcpAnswer(args, variant);
    if (op === "model") return answerOf("api.openai.com", chat(`reply ${number} of ${variant}`), FORMAT);
    if ((variant + number) % 5 === 0) return EMPTY_ANSWER;
    if ((variant + number) % 7 === 0) return UNREACHABLE;
    return answerOf("a.example", JSON.stringify({ variant, number }));
  };

interface McpAsked {
  readonly id: number;
  readonly message: { readonly method: string };
}

/** Of every second set as an event stream. */
function mcpAnswer(args: string, variant: number): RecordedExchange {
  const { id, message } = JSON.parse(args) as McpAsked;
  const results: Readonly<Record<string, object>> = {
    initialize: {
      protocolVersion: "2025-06-18",
      capabilities: {},
      serverInfo: { name: "tools", version: "1" },
    },
    "tools/list": { tools: [{ name: "measure", description: `of ${variant}`, inputSchema: {} }] },
    "tools/call": { content: [{ type: "text", text: `reply ${id} of ${variant}` }] },
  };
  const result = results[message.method];
  if (result === undefined) return answerOf("tools.example", "");
  const body = JSON.stringify({ jsonrpc: "2.0", id, result });
  return variant % 2 === 0
    ? answerOf("tools.example", body, null, { "content-type": "application/json", "mcp-session-id": "abc" })
    : answerOf("tools.example", `event: message\ndata: ${body}\n\n`, null, {
        "content-type": "text/event-stream",
      });
}

const EMPTY_ANSWER = answerOf("a.example", "");
const UNREACHABLE = { kind: "failed", code: "MODEL_UNREACHABLE" } as const;

async function record(variant: number, arrival?: (call: Call) => Promise<void>): Promise<p.OffChainReceipt> {
  const server = await (chainServer ??= createChainServer());
  return await recordRun({
    source: SOURCE,
    manifest: MANIFEST,
    input: server.input,
    exchangeOf: exchangeOf(variant, server),
    ...(arrival === undefined ? {} : { arrival }),
  });
}

/** @returns how many sets of answers, of `runs` runs in random orders, gave more than one receipt or one that does not replay */
export async function randomOrders(runs: number, seed: number): Promise<number> {
  const random = createRandom(seed);
  const sandbox = loadSandbox();
  let wrong = 0;
  const perSet = 5;
  for (let run = 0; run < runs; run += perSet) {
    const roots = new Set<string>();
    for (let order = 0; order < perSet; order += 1) {
      const receipt = await record(run / perSet, async () => {
        for (let turns = Math.floor(random() * 8); turns > 0; turns -= 1)
          await new Promise((resolve) => setImmediate(resolve));
      });
      // Everything of a run is under its root: calls, results, logs, gas and output.
      roots.add(receipt.answer.transcriptRoot);
      if (order === 0) await replayReceipt(receipt, sandbox);
    }
    if (roots.size !== 1) wrong += 1;
  }
  return wrong;
}

interface Mutation {
  readonly receipt: p.Receipt;
  readonly at: DivergedAt;
  readonly call: number | null;
}

type Mutate = (receipt: p.OffChainReceipt, random: () => number) => Mutation;

const pick = <Item>(items: readonly Item[], random: () => number): Item => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
};

const eventsOf = <Type extends p.TranscriptEvent["type"]>(
  { transcript }: p.Receipt,
  type: Type,
): readonly Extract<p.TranscriptEvent, { type: Type }>[] =>
  transcript
    .map(p.understoodEvent)
    .filter((event): event is Extract<p.TranscriptEvent, { type: Type }> => event?.type === type);

function flipped(
  hex: p.Hex,
  random: () => number,
  [from, to]: readonly [number, number] = [0, (hex.length - 2) / 2],
): p.Hex {
  const bytes = p.fromHex(hex);
  const at = from + Math.floor(random() * (to - from));
  bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 7));
  return p.toHex(bytes);
}

function withEvent(
  receipt: p.OffChainReceipt,
  old: p.TranscriptEvent,
  event: p.TranscriptEvent,
): p.OffChainReceipt {
  const transcript = receipt.transcript.map((leaf) =>
    "event" in leaf && leaf.event === old ? { ...leaf, event } : leaf,
  );
  return { ...receipt, transcript };
}

const nameOf = (hex: p.Hex): p.Hex => p.toHex(sha256(p.fromHex(hex)));

/** Each changes one bit, as whoever keeps a receipt can; or as an enclave that lies, with every name put right. */
const MUTATIONS: Readonly<Record<string, Mutate>> = {
  "a body under its name": (receipt, random) => {
    const response = pick(responsesWithBody(receipt), random);
    const bodies = {
      ...receipt.bodies,
      [response.bodyHash]: flipped(bodyOf(receipt, response.bodyHash), random),
    };
    return { receipt: { ...receipt, bodies }, at: "body", call: response.exchange };
  },
  "a body and its name": (receipt, random) => {
    const response = pick(responsesWithBody(receipt), random);
    const body = bodyOf(receipt, response.bodyHash);
    const changed = flipped(body, random, tellingPart(body));
    const named = { ...response, bodyHash: nameOf(changed) };
    const bodies = { ...receipt.bodies, [named.bodyHash]: changed };
    return {
      receipt: { ...withEvent(receipt, response, named), bodies },
      at: "result",
      call: response.exchange,
    };
  },
  "a result's hash": (receipt, random) => {
    const settled = pick(eventsOf(receipt, "call.settled"), random);
    const changed = { ...settled, resultHash: flipped(settled.resultHash, random) };
    return { receipt: withEvent(receipt, settled, changed), at: "result", call: settled.call };
  },
  "the arguments' hash": (receipt, random) => {
    const made = pick(eventsOf(receipt, "call.made"), random);
    const changed = { ...made, argsHash: flipped(made.argsHash, random) };
    return { receipt: withEvent(receipt, made, changed), at: "args", call: made.call };
  },
  "a proof among the arguments, and its name": (receipt, random) => {
    const made = pick(
      eventsOf(receipt, "call.made").filter(({ op }) => op === "prove"),
      random,
    );
    const changed = flipped(bodyOf(receipt, made.argsHash), random);
    const named = { ...made, argsHash: nameOf(changed) };
    const bodies = { ...receipt.bodies, [named.argsHash]: changed };
    return { receipt: { ...withEvent(receipt, made, named), bodies }, at: "args", call: made.call };
  },
  "what a server of tools said, and its name": (receipt, random) => {
    const response = pick(responsesOf(receipt, "mcp"), random);
    const body = bodyOf(receipt, response.bodyHash);
    const changed = flipped(body, random, tellingPart(body));
    const named = { ...response, bodyHash: nameOf(changed) };
    const bodies = { ...receipt.bodies, [named.bodyHash]: changed };
    const call = response.exchange;
    return { receipt: { ...withEvent(receipt, response, named), bodies }, at: "result", call };
  },
  "a header that a server of tools sent": (receipt, random) => {
    const told = eventsOf(receipt, "call.exchanged").filter(
      ({ headers }) => headers?.["content-type"] !== undefined,
    );
    const link = pick(told, random);
    const headers = { ...link.headers, "content-type": "text/html" };
    return { receipt: withEvent(receipt, link, { ...link, headers }), at: "result", call: link.call };
  },
  "the body that was sent": (receipt, random) => {
    const sent = pick(
      eventsOf(receipt, "request.forwarded").filter(({ model }) => model === null),
      random,
    );
    const changed = { ...sent, bodyHash: flipped(sent.bodyHash, random) };
    return { receipt: withEvent(receipt, sent, changed), at: "request", call: sent.exchange };
  },
  "the output": (receipt, random) => ({
    receipt: { ...receipt, output: flipped(receipt.output, random) },
    at: "output",
    call: null,
  }),
  "a line of the log": (receipt, random) => {
    const line = pick(eventsOf(receipt, "log.written"), random);
    const changed = { ...line, hash: flipped(line.hash, random) };
    return { receipt: withEvent(receipt, line, changed), at: "logs", call: null };
  },
};

/** With a body, to calls of that kind. */
function responsesOf(receipt: p.Receipt, op: string): ReturnType<typeof responsesWithBody> {
  const calls = new Set(
    eventsOf(receipt, "call.made").flatMap((made) => (made.op === op ? [made.call] : [])),
  );
  return responsesWithBody(receipt).filter(({ exchange }) => calls.has(exchange));
}

function responsesWithBody(
  receipt: p.Receipt,
): readonly Extract<p.TranscriptEvent, { type: "response.received" }>[] {
  return eventsOf(receipt, "response.received").filter(({ bodyBytes }) => bodyBytes > 0);
}

function bodyOf({ bodies }: p.Receipt, name: p.Hex): p.Hex {
  const body = bodies[name];
  if (body === undefined) throw new RangeError("the receipt lacks a body");
  return body;
}

/** Of a model's answer and of a tool's the words alone: an id, for one, says nothing to the program. */
function tellingPart(body: p.Hex): readonly [number, number] {
  const text = p.fromUtf8(p.fromHex(body));
  const words = /(?:reply \d+ )?of \d+|2025-06-18/.exec(text);
  return words === null ? [0, text.length] : [words.index, words.index + words[0].length];
}

export interface MutationReport {
  readonly mutations: Readonly<Record<string, number>>;
  /** Changes that were not named, or not at their place. */
  readonly unnamed: readonly string[];
}

export async function mutateReplays(count: number, seed: number): Promise<MutationReport> {
  const random = createRandom(seed);
  const sandbox = loadSandbox();
  const receipts = await Promise.all([1, 2, 3].map((variant) => record(variant)));
  const counts: Record<string, number> = {};
  const unnamed: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const [what, mutate] = pick(Object.entries(MUTATIONS), random);
    const { receipt, at, call } = mutate(pick(receipts, random), random);
    counts[what] = (counts[what] ?? 0) + 1;
    const error: unknown = await replayReceipt(receipt, sandbox).catch((caught: unknown) => caught);
    const found = error instanceof ReplayDivergence ? error.divergence : null;
    if (found?.at !== at || found.call !== call) {
      unnamed.push(
        `${what} (mutation ${index}): ${found === null ? String(error) : `${found.at} of ${found.call}`}`,
      );
    }
  }
  return { mutations: counts, unnamed };
}
