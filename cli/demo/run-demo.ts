/** `adyton demo`: a network, two questions, one receipt verified. Ends by itself and leaves no process behind. */

import { copyFileSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describeValue, toJson } from "../ask/describe.ts";
import type { DevnetEnvironment } from "../../devnet/config.ts";
import { ExitCode } from "../exit-codes.ts";
import { commandLine } from "../invocation.ts";
import { startNetwork, type LocalNetwork } from "../../devnet/start.ts";
import { showSteps } from "../network-steps.ts";
import { downloadReceipt } from "../receipt/download.ts";
import { requirePage } from "../page/page-server.ts";
import { showFile } from "../page/show-file.ts";
import { paint, showWaiting, wrap } from "../terminal.ts";
import { readPolicy } from "../verify/evidence-options.ts";
import { verifyReceiptFile } from "../verify/receipt.ts";
import { describeOutcome } from "../verify/describe.ts";
import type { VerifyOutcome } from "../verify/report.ts";
import { STAND_IN_PANEL } from "../../devnet/stand-in-panel.ts";
import { demonstrateAgent, type Stage } from "./agents.ts";
import { askInWords, moderate, type OnAskStep, type QuestionAnswered } from "./questions.ts";
import { demonstrateTreasury } from "./treasury.ts";

export interface DemoOptions {
  readonly environment: DevnetEnvironment;
  readonly folder: string;
  readonly json: boolean;
  /** Whether an agent runs as well. */
  readonly agents: boolean;
  /** Whether the page shows the receipt at the end, until the signal. */
  readonly open: boolean;
  /** Seconds of the wall clock. */
  readonly now: () => number;
  /** Ends the demo early. */
  readonly signal: AbortSignal;
}

type Say = (line: string) => void;

export async function runDemo(options: DemoOptions): Promise<ExitCode> {
  if (options.open) requirePage();
  const { status, receiptFile } = await demonstrate(options);
  if (options.open) {
    const said = (line: string): void => void process.stderr.write(`${line}\n`);
    await showFile(
      { name: basename(receiptFile), bytes: readFileSync(receiptFile) },
      { signal: options.signal, said },
    );
  }
  return status;
}

interface Demonstrated {
  readonly status: ExitCode;
  readonly receiptFile: string;
}

async function demonstrate({
  environment,
  folder,
  json,
  agents,
  now,
  signal,
}: DemoOptions): Promise<Demonstrated> {
  // With --json, stdout holds one object and nothing else; the story goes to stderr.
  const say: Say = (line) => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  const started = performance.now();
  const step = (name: string, detail: string): void => {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(`${paint.dim(`${seconds.padStart(6)} s`)}  ${name.padEnd(10)}  ${detail}`);
  };
  const steps = showSteps(step);
  const network = await startNetwork({
    environment,
    // Apart from the receipts, which stay when the next demo starts.
    folder: join(folder, "network"),
    now,
    onStep: steps.onStep,
    signal,
    ...(agents ? { sources: true, models: STAND_IN_PANEL.slice(1) } : {}),
  }).finally(steps.end);
  try {
    announceModel(network, say);
    const aborted = abortion(signal);
    const asked = await Promise.race([askBoth(network, say, step), aborted]);
    const outcome = await Promise.race([verifyFirst(network, asked, folder), aborted]);
    say(`\nThe first answer's receipt, verified as a stranger would: ${outcome.receiptFile}`);
    say(describeOutcome(outcome));
    say("Verify it again yourself, at any time:");
    say(`  ${commandLine("verify", outcome.receiptFile, "--policy", outcome.policyFile)}`);
    const ran = agents ? await Promise.race([runAgents(network, { folder, say, step }), aborted]) : null;
    if (json) process.stdout.write(`${toJson({ ...summary(network, asked, outcome), ...ran })}\n`);
    const answered = asked.every(({ status, delivered }) => status === "ok" && delivered);
    const areAgentsGood = ran === null || (ran.replay.verdict === "equal" && ran.treasury.isGuarded);
    const isGood = answered && areAgentsGood && outcome.exitCode === ExitCode.ok;
    return { status: isGood ? ExitCode.ok : ExitCode.notGenuine, receiptFile: outcome.receiptFile };
  } finally {
    await network.stop();
    step("end", "every process ended, every port released");
  }
}

async function runAgents(network: LocalNetwork, stage: Stage) {
  const resolved = await demonstrateAgent(network, stage);
  return { ...resolved, ...(await demonstrateTreasury(network, stage)) };
}

function announceModel({ model }: LocalNetwork, say: Say): void {
  if (!model.standIn) return;
  say(
    wrap(
      "The model is a local STAND-IN with its own TLS authority; set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or ADYTON_MODEL_URL for a real one.",
      0,
    ),
  );
}

async function askBoth(
  { file, provider }: LocalNetwork,
  say: Say,
  step: (name: string, detail: string) => void,
): Promise<readonly QuestionAnswered[]> {
  const answered: QuestionAnswered[] = [];
  for (const [title, ask] of [
    ["ContentModerator judges a post (typed answer)", moderate],
    ["Concierge asks in words (free text)", askInWords],
  ] as const) {
    say(`\n${title}`);
    const waiting = showWaiting("waiting for the chain and the model");
    const onStep: OnAskStep = (name, detail) => {
      waiting.end();
      step(name, detail);
      if (name !== "answered") waiting.on("waiting for the chain and the model");
    };
    const result = await ask(file, provider, onStep).finally(waiting.end);
    say(`          question  ${result.question}`);
    say(`          answer    ${paint.strong(describeValue(result.answer))}`);
    say(`          gas       request ${result.requestGas}, fulfilment ${result.fulfillGas}`);
    say(`          time      ${result.msToAnswer} ms from the request's block to the answer's`);
    answered.push(result);
  }
  return answered;
}

interface VerifiedFirst extends VerifyOutcome {
  readonly receiptFile: string;
  readonly policyFile: string;
}

async function verifyFirst(
  { file }: LocalNetwork,
  [first]: readonly QuestionAnswered[],
  folder: string,
): Promise<VerifiedFirst> {
  if (first === undefined) throw new Error("nothing was asked");
  const receipt = await downloadReceipt(file.oracleUrl, first.requestId, folder);
  const policyFile = join(folder, "policy.json");
  copyFileSync(file.policyFile, policyFile);
  const outcome = await verifyReceiptFile(receipt.bytes, {
    policy: await readPolicy(policyFile),
    further: null,
  });
  return { ...outcome, receiptFile: receipt.file, policyFile };
}

function summary(
  { model }: LocalNetwork,
  asked: readonly QuestionAnswered[],
  { exitCode, report, receiptFile, policyFile }: VerifiedFirst,
): object {
  return {
    model: { endpoint: model.endpoint, standIn: model.standIn },
    requests: asked.map((result) => ({
      requestId: result.requestId,
      question: result.question,
      answer: result.answer,
      status: result.status,
      requestTx: result.requestTx,
      fulfillTx: result.fulfillTx,
      requestGas: Number(result.requestGas),
      fulfillGas: Number(result.fulfillGas),
      msToAnswer: result.msToAnswer,
    })),
    verification: {
      verified: exitCode === ExitCode.ok,
      checks: report.checks.map(({ name, ok }) => ({ name, ok })),
    },
    receiptFile,
    policyFile,
  };
}

/** Rejects when the signal fires. */
async function abortion(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
