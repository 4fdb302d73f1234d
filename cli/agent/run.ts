/** `adyton agent run`: builds the program, runs it, and says what it did. */

import { join } from "node:path";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { answerStatusName } from "../../protocol/answer.ts";
import { toHex } from "../../protocol/bytes.ts";
import type { OutputValue } from "../../protocol/output-abi.ts";
import { toJson } from "../ask/describe.ts";
import { ExitCode } from "../exit-codes.ts";
import { readInput as readInputFile } from "../input-file.ts";
import { commandLine } from "../invocation.ts";
import { paint, printableBelow, printableLine, showWaiting } from "../terminal.ts";
import { readAccess, type AccessOptions } from "./access.ts";
import { buildProgram, type BuiltProgram } from "./build-program.ts";
import { encodeInput, readOutput } from "./program-values.ts";
import { readInput, readProject, type Project } from "./project.ts";
import { runOnNetwork } from "./run-on-network.ts";
import { recordedInput, runRecorded } from "./run-recorded.ts";
import { describeTrace, traceOf, type Trace } from "./trace.ts";

export interface RunOptions extends AccessOptions {
  readonly input?: string;
  readonly recorded?: string;
  readonly fee?: string;
  readonly json?: true;
}

interface Ran extends Trace {
  readonly program: string;
  readonly status: string;
  /** Why there is no output; null where there is one, and where nobody says. */
  readonly reason: string | null;
  readonly output: OutputValue;
  readonly requestId: string | null;
  readonly receiptFile: string | null;
}

export async function runAgent(folder: string, options: RunOptions): Promise<ExitCode> {
  const project = readProject(folder);
  const built = await buildProgram(project);
  const ran =
    options.recorded === undefined
      ? await runOnline(project, built, options)
      : await runOffline(project, built, { ...options, recorded: options.recorded });
  process.stdout.write(options.json === true ? `${toJson(ran)}\n` : describe(ran));
  return ran.status === "ok" ? ExitCode.ok : ExitCode.notGenuine;
}

async function runOnline(project: Project, built: BuiltProgram, options: RunOptions): Promise<Ran> {
  const { manifest } = project;
  const access = await readAccess(options, manifest.models);
  const waiting = showWaiting("running");
  const run = await runOnNetwork(access, {
    built,
    input: encodeInput(manifest, readInput(project, options.input)),
    folder: join(project.folder, ".adyton"),
    fee: options.fee,
    onCall: (op) => {
      waiting.on(`waiting for ${op}`);
    },
  }).finally(waiting.end);
  const { status, requestId, receiptFile, receipt, times } = run;
  return {
    program: built.program.hash,
    status,
    reason: reasonOf(receipt),
    output: readOutput(run.output, manifest.output),
    requestId,
    receiptFile,
    ...traceOf(receipt, times),
  };
}

async function runOffline(
  project: Project,
  built: BuiltProgram,
  { recorded, input }: RunOptions & { readonly recorded: string },
): Promise<Ran> {
  const { receipt } = await verifyReceipt(readInputFile(recorded));
  const given =
    input === undefined ? recordedInput(receipt) : encodeInput(project.manifest, readInput(project, input));
  const { answer, end, calls } = await runRecorded(receipt, built, given);
  return {
    program: built.program.hash,
    status: answerStatusName(answer.status) ?? String(answer.status),
    reason: answer.reason,
    output: readOutput(toHex(answer.output), project.manifest.output),
    requestId: null,
    receiptFile: null,
    calls,
    logs: end.logs,
    outcome: end.outcome,
    gas: end.gas.toString(),
    cost: "0",
  };
}

function reasonOf(receipt: Parameters<typeof traceOf>[0]): string | null {
  for (const leaf of receipt.transcript) {
    if ("event" in leaf && leaf.event.type === "output.returned") {
      const { reason } = leaf.event as { readonly reason?: string | null };
      return reason ?? null;
    }
  }
  return null;
}

function describe(ran: Ran): string {
  const { status, output, reason, requestId, receiptFile } = ran;
  const shown = typeof output === "string" ? output : toJson(output as object);
  const lines = [
    describeTrace(ran).trimEnd(),
    `status   ${status === "ok" ? paint.good(status) : paint.bad(status)}`,
    ...(reason === null ? [] : [printableLine(`because  ${reason}`)]),
    `output   ${paint.strong(printableBelow(shown, 9))}`,
    ...(requestId === null ? [] : [`run      ${requestId}`]),
    ...(receiptFile === null
      ? []
      : [`receipt  ${receiptFile}`, "Run it again, offline:", `  ${commandLine("replay", receiptFile)}`]),
  ];
  return `${lines.join("\n")}\n`;
}
