/** The demonstration of agents: a contract has a question resolved by a program, whose run is replayed from its receipt. */

import { join } from "node:path";
import { Resolver__factory } from "../../contracts/bindings/factories/index.ts";
import { localSigner } from "../../devnet/local-accounts.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { SOURCE_PATHS, SOURCES_QUESTION } from "../../devnet/stand-in-pages.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { parseReceipt } from "../../protocol/receipt.ts";
import { buildProgram } from "../agent/build-program.ts";
import { readProject, type Project } from "../agent/project.ts";
import { bringProgram, openEnclave } from "../agent/run-on-network.ts";
import { describeTrace, traceOf } from "../agent/trace.ts";
import { askContract, type Answered } from "../ask/ask-contract.ts";
import { commandLine } from "../invocation.ts";
import { packageRoot } from "../package-root.ts";
import { downloadReceipt } from "../receipt/download.ts";
import { replayFile, type ReplayVerdict } from "../replay/replay-file.ts";
import { paint, showWaiting } from "../terminal.ts";

const TIMEOUT_MS = 120_000;
/** Of a panel. */
const MOST_MODELS = 3;
/** `Resolver.Outcome`. */
const OUTCOMES = ["undecided", "yes", "no"] as const;

export interface DemonstratedAgent {
  readonly agent: {
    readonly requestId: string;
    readonly program: string;
    readonly question: string;
    readonly answer: { readonly outcome: string; readonly confidenceBps: number; readonly reason: string };
    readonly status: Answered["status"];
    readonly requestTx: string;
    readonly fulfillTx: string | null;
    readonly requestGas: number;
    readonly fulfillGas: number;
    readonly msToAnswer: number;
  };
  readonly agentReceiptFile: string;
  readonly replay: ReplayVerdict;
}

/** Where a demonstration leaves files, and tells its story. */
export interface Stage {
  readonly folder: string;
  readonly say: (line: string) => void;
  readonly step: (name: string, detail: string) => void;
}

/** @param network one with sources */
export async function demonstrateAgent(
  network: LocalNetwork,
  { folder, say, step }: Stage,
): Promise<DemonstratedAgent> {
  say("\nResolver has a program read three sources and ask a panel of models (agent)");
  const models = network.model.models.slice(0, MOST_MODELS);
  const sources = SOURCE_PATHS.map((path) => `${network.sourcesOrigin ?? ""}${path}`);
  const built = await buildProgram(projectFor(network, models));
  const { enclaveUrl, policyFile, agentCredential } = network.file;
  const access = { url: enclaveUrl, policyFile, credential: agentCredential };
  {
    using client = await openEnclave(access);
    await bringProgram(client, access, built);
  }
  step("program", built.program.hash);
  const signer = localSigner(network.provider, LocalAccount.asker);
  const { coordinator, policyId } = network.deployment;
  const resolver = await new Resolver__factory(signer).deploy(
    coordinator,
    policyId,
    built.program.hash,
    sources,
    [...models],
  );
  await resolver.waitForDeployment();
  step("contract", `Resolver ${await resolver.getAddress()}`);
  const waiting = showWaiting("waiting for the chain and the program");
  const answered = await askContract({
    provider: network.provider,
    signer,
    coordinator,
    oracleUrl: network.file.oracleUrl,
    send: (sender, fee, value) => resolver.connect(sender).resolve(SOURCES_QUESTION, fee, { value }),
    monotonicMs: () => performance.now(),
    timeoutMs: TIMEOUT_MS,
    onStep: (name, detail) => {
      waiting.end();
      step(name, detail);
      if (name !== "answered") waiting.on("waiting for the chain and the program");
    },
  }).finally(waiting.end);
  const settled = await resolver.questions(answered.requestId);
  const answer = {
    outcome: OUTCOMES[Number(settled.outcome)] ?? "undecided",
    confidenceBps: Number(settled.confidenceBps),
    reason: settled.reason,
  };
  say(`          question  ${SOURCES_QUESTION}`);
  say(
    `          answer    ${paint.strong(`${answer.outcome}, ${answer.confidenceBps / 100} % of the models agree`)}`,
  );
  say(`          gas       request ${answered.requestGas}, fulfilment ${answered.fulfillGas}`);
  const { file, bytes } = await downloadReceipt(network.file.oracleUrl, answered.requestId, folder);
  const receipt = parseReceipt(bytes);
  say(describeTrace(traceOf(receipt)));
  const replay = await replayFile(receipt, null);
  say(
    `replay   ${replay.verdict === "equal" ? paint.good("equal") : paint.bad(replay.verdict)}: run again here, from its receipt alone. Yourself:`,
  );
  say(`  ${commandLine("replay", file)}`);
  return { agent: toJson(answered, built.program.hash, answer), agentReceiptFile: file, replay };
}

/** The example, for the models and the sources that this network has. */
function projectFor({ sourcesOrigin }: LocalNetwork, models: readonly string[]): Project {
  const project = readProject(join(packageRoot(), "examples", "resolver"));
  const http = [
    { origin: sourcesOrigin ?? "", methods: ["GET" as const], pathPrefix: "/sources/", secrets: {} },
  ];
  return { ...project, manifest: { ...project.manifest, models: [...models], http } };
}

function toJson(
  answered: Answered,
  program: string,
  answer: DemonstratedAgent["agent"]["answer"],
): DemonstratedAgent["agent"] {
  const { requestId, status, requestTx, fulfillTx, requestGas, fulfillGas, msToAnswer } = answered;
  return {
    requestId,
    program,
    question: SOURCES_QUESTION,
    answer,
    status,
    requestTx,
    fulfillTx,
    requestGas: Number(requestGas),
    fulfillGas: Number(fulfillGas),
    msToAnswer,
  };
}
