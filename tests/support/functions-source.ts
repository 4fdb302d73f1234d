/** A source of Chainlink Functions as an agent's program, in the sandbox, with a world that answers each request by its URL. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildProgram } from "../../cli/agent/build-program.ts";
import { readProject } from "../../cli/agent/project.ts";
import { loadSandbox } from "../../cli/replay/load-sandbox.ts";
import type { ManifestFile } from "../../protocol/agent-program.ts";
import { toUtf8, type Hex } from "../../protocol/bytes.ts";
import type { HttpArgs } from "../../runtime/agents/call-args.ts";
import { tell, type Refusal } from "../../runtime/agents/call-result.ts";
import { runProgram } from "../../runtime/agents/run-loop.ts";
import { toRunTerms } from "../../runtime/agents/run-terms.ts";

const SEED: Hex = `0x${"ab".repeat(32)}`;

export interface Answered {
  readonly status?: number;
  readonly body: string;
}

interface SourceRun {
  readonly source: string;
  readonly input?: object | null;
  readonly manifest?: ManifestFile;
  /** null: nobody answers there. A refusal is the enclave's. */
  readonly answer?: (request: HttpArgs) => Answered | Refusal | null;
}

interface SourceEnd {
  /** The bytes in hex; what was thrown, in words. */
  readonly response: string;
  readonly asked: readonly HttpArgs[];
  readonly logs: readonly string[];
}

export async function runSource(run: SourceRun): Promise<SourceEnd> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-functions-source-"));
  try {
    writeFileSync(join(folder, "source.js"), run.source);
    const manifest = { output: "(bytes response)", ...run.manifest };
    writeFileSync(
      join(folder, "agent.json"),
      JSON.stringify({ kind: "functions", entry: "source.js", manifest }),
    );
    const { program } = await buildProgram(readProject(folder));
    return await runBuilt(program, run);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function runBuilt(
  program: Parameters<typeof toRunTerms>[0]["program"],
  { input = null, answer = () => null }: Omit<SourceRun, "source">,
): Promise<SourceEnd> {
  const asked: HttpArgs[] = [];
  const started = { seed: SEED, now: 1, trigger: "http", feeWei: "0" } as const;
  const terms = toRunTerms({
    requestId: SEED,
    program,
    input: toUtf8(JSON.stringify(input)),
    stateBlock: null,
    started,
  });
  const end = await runProgram(loadSandbox().image, terms, (call) => {
    const request = JSON.parse(call.args) as HttpArgs;
    asked.push(request);
    const answered = answer(request);
    const refusal = answered !== null && "reason" in answered ? answered : null;
    const exchange =
      answered === null || "reason" in answered
        ? ({ kind: "failed", code: "MODEL_UNREACHABLE" } as const)
        : ({
            kind: "complete",
            status: answered.status ?? 200,
            headers: { "content-type": "application/json" },
            body: toUtf8(answered.body),
            transport: { kind: "plain-loopback", address: "127.0.0.1" },
            format: null,
          } as const);
    const record = { ...call, exchange: refusal === null ? exchange : null, refusal, time: 1 };
    const { text } = tell({ ...record, left: { feeWei: "0", seconds: 1 } });
    return Promise.resolve({ text, isHostFailure: false });
  });
  const result = end.result ?? end.outcome;
  const response =
    end.outcome === "returned" ? (JSON.parse(result) as { readonly response: string }).response : result;
  return { response, asked, logs: end.logs };
}
