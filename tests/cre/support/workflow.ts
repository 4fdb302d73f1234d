/** templates/cre, compiled by Chainlink's own scripts and run in Chainlink's own QuickJS. */

import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CRE_MODULES, decode, encode, sdk } from "./packages.ts";
import { compileBundle, invoke, Pending, type CapabilityCall, type CapabilityReply } from "./quickjs.ts";

const TEMPLATE = join(import.meta.dirname, "../../../templates/cre");
const BUN = join(CRE_MODULES, `@oven/bun-linux-${process.arch === "arm64" ? "aarch64" : "x64"}/bin/bun`);
const SCRIPTS = join(CRE_MODULES, "@chainlink/cre-sdk/scripts/run.ts");
/** Bytes of a result that CRE takes. */
const MAX_RESPONSE_SIZE = 5_000_000n;

const run = promisify(execFile);

export interface WorkflowResult {
  readonly case: "value" | "error" | "triggerSubscriptions";
  readonly value: unknown;
}

export interface Executed {
  readonly result: WorkflowResult;
  readonly logs: readonly string[];
}

export interface Workflow {
  readonly bytecode: Uint8Array;
  /** What the scripts said of it. */
  readonly said: string;
}

/**
 * As `cre-compile` does up to the last step: types, calls that QuickJS has not got, warnings of what is not deterministic, bundle.
 * The last step, the bytecode inside of one .wasm, needs a binary that `cre-compile` fetches from elsewhere: here the plugin compiles.
 */
export async function compileTemplate(): Promise<Workflow> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-cre-"));
  try {
    for (const file of ["main.ts", "tsconfig.json"]) copyFileSync(join(TEMPLATE, file), join(folder, file));
    symlinkSync(CRE_MODULES, join(folder, "node_modules"));
    const { stdout, stderr } = await run(BUN, [SCRIPTS, "compile-to-js", "main.ts", "main.js"], {
      cwd: folder,
      encoding: "utf8",
    });
    const bytecode = compileBundle(readFileSync(join(folder, "main.js"), "utf8"));
    return { bytecode, said: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The template's configuration, filled in. */
export function templateConfig(change: object): Uint8Array {
  const config = JSON.parse(readFileSync(join(TEMPLATE, "config.json"), "utf8")) as object;
  return Buffer.from(JSON.stringify({ ...config, ...change }));
}

export interface Execution {
  readonly config: Uint8Array;
  readonly request:
    | { readonly case: "subscribe"; readonly value: object }
    | { readonly case: "trigger"; readonly value: object };
  readonly nowMs: number;
  readonly callCapability: (call: CapabilityCall) => Promise<CapabilityReply>;
}

/** Runs again for each call of a capability, with the replies so far: the same as waiting, of a workflow that is deterministic. */
export async function execute(workflow: Workflow, execution: Execution): Promise<Executed> {
  const { config, request, nowMs } = execution;
  const message = encode(sdk.ExecuteRequestSchema, { config, request, maxResponseSize: MAX_RESPONSE_SIZE });
  const argv = ["workflow", Buffer.from(message).toString("base64")];
  const replies = new Map<number, CapabilityReply>();
  for (;;) {
    try {
      const { response, logs } = invoke(workflow.bytecode, { argv, nowMs, replies });
      const { result } = decode<{ readonly result: WorkflowResult }>(sdk.ExecutionResultSchema, response);
      return { result, logs };
    } catch (error) {
      if (!(error instanceof Pending)) throw error;
      replies.set(error.call.callbackId, await execution.callCapability(error.call));
    }
  }
}
