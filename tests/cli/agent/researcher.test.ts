/** The researcher of `examples/researcher`: what it gives a model, and what a model that was talked into something cannot reach. */

import { join, resolve } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { buildProgram } from "../../../cli/agent/build-program.ts";
import { readProject } from "../../../cli/agent/project.ts";
import { loadSandbox } from "../../../cli/replay/load-sandbox.ts";
import type { Program } from "../../../protocol/agent-program.ts";
import { toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { tell, type RecordedExchange } from "../../../runtime/agents/call-result.ts";
import type { McpArgs } from "../../../runtime/agents/mcp-message.ts";
import { runProgram, type Call } from "../../../runtime/agents/run-loop.ts";
import { toRunTerms } from "../../../runtime/agents/run-terms.ts";

const SEED: Hex = `0x${"ab".repeat(32)}`;
const { image } = loadSandbox();

let program: Program;
beforeAll(async () => {
  const project = readProject(join(resolve(import.meta.dirname, "../../.."), "examples", "researcher"));
  ({ program } = await buildProgram(project));
});

const complete = (
  body: unknown,
  format: Extract<RecordedExchange, { kind: "complete" }>["format"],
): RecordedExchange => ({
  kind: "complete",
  status: 200,
  headers: { "content-type": "application/json" },
  body: toUtf8(JSON.stringify(body)),
  transport: { kind: "plain-loopback", address: "127.0.0.1" },
  format,
});

const TOOLS = ["search", "read", "burn"].map((name) => ({
  name,
  description: `${name}s pages`,
  inputSchema: { type: "object", properties: { of: { type: "string" } } },
}));
const RESULTS: Readonly<Record<string, object>> = {
  initialize: { protocolVersion: "2025-06-18", capabilities: {} },
  "tools/list": { tools: TOOLS },
  "tools/call": { content: [{ type: "text", text: "Owls hunt at night." }] },
};

/** The library's server. */
function library(args: string): RecordedExchange {
  const { id, message } = JSON.parse(args) as McpArgs;
  return complete({ jsonrpc: "2.0", id, result: RESULTS[message.method] }, null);
}

type Said = { readonly tool: string } | { readonly answer: string };

/** A model that says so, in that order. */
function chat(said: Said): RecordedExchange {
  const message =
    "tool" in said
      ? {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "c", type: "function", function: { name: said.tool, arguments: '{"of":"owls"}' } },
          ],
        }
      : { role: "assistant", content: JSON.stringify({ answer: said.answer, sources: ["Owls"] }) };
  const choice = { index: 0, finish_reason: "tool" in said ? "tool_calls" : "stop", message };
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  return complete(
    { id: "x", object: "chat.completion", model: "m", choices: [choice], usage },
    { name: "openai-chat", stripsReasoning: false },
  );
}

async function research(
  says: readonly Said[],
): Promise<{ readonly value: unknown; readonly asked: readonly Call[] }> {
  const asked: Call[] = [];
  let turn = 0;
  const started = { seed: SEED, now: 1, trigger: "http", feeWei: "0" } as const;
  const input = toUtf8('{"question":"When do owls hunt?"}');
  const end = await runProgram(
    image,
    toRunTerms({ requestId: SEED, program, input, stateBlock: null, started }),
    (call) => {
      asked.push(call);
      const exchange = call.op === "mcp" ? library(call.args) : chat(says[turn++] ?? { answer: "" });
      const { text } = tell({ ...call, exchange, refusal: null, time: 1, left: { feeWei: "0", seconds: 1 } });
      return Promise.resolve({ text, isHostFailure: false });
    },
  );
  expect(end.outcome).toBe("returned");
  return { value: JSON.parse(end.result ?? "null"), asked };
}

const argsOf = (calls: readonly Call[], op: string): readonly string[] =>
  calls.filter((call) => call.op === op).map(({ args }) => args);

test("a model searches and reads until it can answer", async () => {
  const { value, asked } = await research([{ tool: "search" }, { tool: "read" }, { answer: "At night." }]);
  expect(value).toEqual({ answer: "At night.", sources: ["Owls"] });
  const methods = argsOf(asked, "mcp").map((args) => (JSON.parse(args) as McpArgs).message.method);
  expect(methods).toEqual([
    "initialize",
    "notifications/initialized",
    "tools/list",
    "tools/call",
    "tools/call",
  ]);
  // What the tool said is in the next question.
  expect(argsOf(asked, "model").at(-1)).toContain("Owls hunt at night.");
});

test("a tool that the program does not hand on is neither shown to the model nor called", async () => {
  const { asked } = await research([{ tool: "burn" }, { answer: "At night." }]);
  expect(argsOf(asked, "model")[0]).not.toContain("burns pages");
  expect(argsOf(asked, "mcp").some((args) => args.includes('"burn"'))).toBe(false);
});
