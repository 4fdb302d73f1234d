/**
 * The whole road: a chain, an enclave, `adyton front` before it, Chainlink's forwarder, and the capabilities that a workflow has of
 * CRE. Between workflow and front, and between workflow and chain, a network can lie as a test says.
 */

import { getBytes, hexlify, id, type ContractTransactionResponse, type Signer } from "ethers";
import { startFront } from "../../../cli/front/start-front.ts";
import {
  CreBenchConsumer__factory,
  PlainCreReceiver__factory,
} from "../../../contracts/bindings/factories/index.ts";
import type { CreBenchConsumer, PlainCreReceiver } from "../../../contracts/bindings/index.ts";
import { LocalAccount } from "../../../devnet/local-chain.ts";
import { localSigner } from "../../../devnet/local-accounts.ts";
import type { LocalNetwork } from "../../../devnet/start.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import { OutputKind, PROVIDER_DEFAULT_SAMPLING } from "../../../protocol/prompt.ts";
import { startTestNetwork } from "../../support/local-network.ts";
import {
  deployForwarder,
  signReport,
  type Forwarder,
  type Reported,
  type SignedReport,
} from "./forwarder.ts";
import { confidentialHttp, decode, evm, pack, sdk } from "./packages.ts";
import type { CapabilityCall, CapabilityReply } from "./quickjs.ts";
import { compileTemplate, execute, templateConfig, type Executed, type Workflow } from "./workflow.ts";

/** Before a question's deadline, in which alone answers are taken that a host can cause. */
const FALLBACK_WINDOW_SECONDS = 60;
const GAS_LIMIT = 500_000n;
/** For the forwarder's own work: it hands on what the workflow asked for beyond that. */
const FORWARDER_GAS = 150_000n;
const TRANSACTION_SUCCESS = 2;
const TRANSACTION_REVERTED = 1;
const RECEIVER = { delivered: 0, refused: 1, reverted: 1 } as const;

export interface HttpReply {
  readonly status: number;
  readonly body: string;
}

/** What a network does; what it leaves out, it does truly. */
export interface Lies {
  /** Changes what the front replied, before the workflow sees it. */
  readonly reply?: (reply: HttpReply, call: number) => HttpReply;
  /** Changes what the workflow wrote, before the nodes sign it. */
  readonly payload?: (payload: Uint8Array) => Uint8Array;
  readonly receiver?: string;
  readonly gasLimit?: bigint;
  /** Of an execution of before: its reports were brought. */
  readonly executionId?: string;
}

/** Of one execution of the workflow. */
export interface Carried extends Executed {
  /** As the nodes saw them: without what is filled in inside Chainlink's enclave. */
  readonly httpCalls: readonly { readonly request: string; readonly reply: HttpReply }[];
  readonly report: SignedReport | null;
  readonly reported: Reported | null;
  readonly executionId: string;
}

export interface Question {
  readonly requestId: string;
  /** The event, as a log trigger hands it on. */
  readonly log: object;
}

export interface Stage {
  readonly network: LocalNetwork;
  readonly workflow: Workflow;
  readonly forwarder: Forwarder;
  readonly consumer: CreBenchConsumer;
  /** Another contract of the same kind. */
  readonly other: CreBenchConsumer;
  readonly plain: PlainCreReceiver;
  readonly signer: Signer;
  readonly frontUrl: string;
  readonly ask: (text: string, maxOutputBytes?: number, consumer?: CreBenchConsumer) => Promise<Question>;
  /** What CRE does with the question's event. */
  readonly carry: (question: Question, lies?: Lies) => Promise<Carried>;
  readonly subscribe: () => Promise<Executed>;
  readonly stop: () => Promise<void>;
}

export async function startStage(): Promise<Stage> {
  const [workflow, started] = await Promise.all([compileTemplate(), startTestNetwork()]);
  const { network } = started;
  // A block for each transaction, at once: nobody else sends any.
  await network.provider.send("evm_setIntervalMining", [0]);
  await network.provider.send("evm_setAutomine", [true]);
  const front = await startFront({
    enclaveUrl: network.file.enclaveUrl,
    rpcUrl: network.file.rpcUrl,
    policyFile: network.file.policyFile,
    host: "127.0.0.1",
    port: 0,
    now: () => new Date().getTime(),
    onError: () => undefined,
  });
  const frontUrl = `http://127.0.0.1:${front.port}`;
  const signer = localSigner(network.provider, LocalAccount.asker);
  const forwarder = await deployForwarder(signer);
  const { enclaveRegistry } = network.file.contracts;
  const deploy = async (): Promise<CreBenchConsumer> =>
    await new CreBenchConsumer__factory(signer).deploy(
      enclaveRegistry,
      network.file.policyId,
      FALLBACK_WINDOW_SECONDS,
    );
  const [consumer, other] = [await deploy(), await deploy()];
  const plain = await new PlainCreReceiver__factory(signer).deploy(forwarder.address);
  for (const contract of [consumer, other, plain]) await contract.waitForDeployment();
  const config = templateConfig({ consumer: await consumer.getAddress(), frontUrl });
  let executions = 0;
  const nowMs = 1_764_000_000_000;

  return {
    network,
    workflow,
    forwarder,
    consumer,
    other,
    plain,
    signer,
    frontUrl,
    ask: async (text, maxOutputBytes = 1_024, of = consumer) =>
      await readQuestion(of, await of.ask(questionPayload(network.file.model, text), maxOutputBytes)),
    subscribe: async () =>
      await execute(workflow, {
        config,
        request: { case: "subscribe", value: {} },
        nowMs,
        callCapability: () => Promise.reject(new Error("nothing is called to subscribe")),
      }),
    carry: async (question, lies = {}) => {
      executions += 1;
      const executionId = lies.executionId ?? id(`execution ${executions}`);
      const road = new Road({ network, forwarder, executionId, lies });
      const executed = await execute(workflow, {
        config,
        request: { case: "trigger", value: { id: 0n, payload: pack(evm.LogSchema, question.log) } },
        nowMs,
        callCapability: (call) => road.call(call),
      });
      const { httpCalls, report, reported } = road;
      return { ...executed, httpCalls, report, reported, executionId };
    },
    stop: async () => {
      await front.close();
      await started.stop();
    },
  };
}

interface RoadOptions {
  readonly network: LocalNetwork;
  readonly forwarder: Forwarder;
  readonly executionId: string;
  readonly lies: Lies;
}

interface HttpRequest {
  readonly request: {
    readonly url: string;
    readonly method: string;
    readonly body: { readonly value: string };
    readonly multiHeaders: Readonly<Record<string, { readonly values: readonly string[] }>>;
  };
  readonly vaultDonSecrets: readonly { readonly key: string }[];
}

interface WriteReport {
  readonly receiver: Uint8Array;
  readonly report: {
    readonly rawReport: Uint8Array;
    readonly reportContext: Uint8Array;
    readonly sigs: readonly { readonly signature: Uint8Array }[];
  };
  readonly gasConfig: { readonly gasLimit: bigint };
}

/** The capabilities of one execution. */
class Road {
  readonly httpCalls: { request: string; reply: HttpReply }[] = [];
  report: SignedReport | null = null;
  reported: Reported | null = null;
  readonly #options: RoadOptions;

  constructor(options: RoadOptions) {
    this.#options = options;
  }

  async call({ id: capability, method, payload }: CapabilityCall): Promise<CapabilityReply> {
    if (capability.startsWith("confidential-http@")) return await this.#sendHttp(payload.value);
    if (capability.startsWith("consensus@") && method === "Report") return this.#sign(payload.value);
    if (capability.startsWith("evm:") && method === "WriteReport") return await this.#write(payload.value);
    throw new Error(`the template calls ${capability} ${method}, which this test has not got`);
  }

  /** One call for the whole network, from Chainlink's enclave, which alone has the secrets. */
  async #sendHttp(bytes: Uint8Array): Promise<CapabilityReply> {
    const { request, vaultDonSecrets } = decode<HttpRequest>(
      confidentialHttp.ConfidentialHTTPRequestSchema,
      bytes,
    );
    const secrets: Readonly<Record<string, string>> = {
      ENCLAVE_CREDENTIAL: this.#options.network.file.functionsCredential,
    };
    const named = new Set(vaultDonSecrets.map(({ key }) => key));
    const fill = (value: string): string =>
      value.replaceAll(/\{\{\.(\w+)\}\}/gu, (_, key: string) => (named.has(key) ? (secrets[key] ?? "") : ""));
    const headers = Object.entries(request.multiHeaders).map(([name, { values }]): [string, string] => [
      name,
      fill(values.join(", ")),
    ]);
    const answered = await fetch(request.url, { method: request.method, headers, body: request.body.value });
    const truth = { status: answered.status, body: await answered.text() };
    const reply = this.#options.lies.reply?.(truth, this.httpCalls.length) ?? truth;
    const seen = JSON.stringify(request, (_, value: unknown) =>
      typeof value === "bigint" ? Number(value) : value,
    );
    this.httpCalls.push({ request: seen, reply });
    const fields = { statusCode: reply.status, body: Buffer.from(reply.body) };
    return { case: "payload", value: pack(confidentialHttp.HTTPResponseSchema, fields) };
  }

  #sign(bytes: Uint8Array): CapabilityReply {
    const { encodedPayload } = decode<{ readonly encodedPayload: Uint8Array }>(
      sdk.ReportRequestSchema,
      bytes,
    );
    const { lies, executionId } = this.#options;
    const payload = lies.payload?.(encodedPayload) ?? encodedPayload;
    this.report = signReport({ executionId, timestamp: 1_764_000_000 }, payload);
    const fields = {
      rawReport: getBytes(this.report.rawReport),
      reportContext: getBytes(this.report.reportContext),
      sigs: this.report.signatures.map((signature, signerId) => ({
        signature: getBytes(signature),
        signerId,
      })),
    };
    return { case: "payload", value: pack(sdk.ReportResponseSchema, fields) };
  }

  async #write(bytes: Uint8Array): Promise<CapabilityReply> {
    const { receiver, report, gasConfig } = decode<WriteReport>(evm.WriteReportRequestSchema, bytes);
    const { lies, forwarder } = this.#options;
    const signed = {
      rawReport: hexlify(report.rawReport),
      reportContext: hexlify(report.reportContext),
      signatures: report.sigs.map(({ signature }) => hexlify(signature)),
    };
    if (gasConfig.gasLimit !== GAS_LIMIT) throw new Error(`the template asks for ${gasConfig.gasLimit} gas`);
    const reported = await forwarder.report(
      lies.receiver ?? hexlify(receiver),
      signed,
      lies.gasLimit ?? gasConfig.gasLimit + FORWARDER_GAS,
    );
    this.reported = reported;
    const fields = {
      txStatus: reported.outcome === "reverted" ? TRANSACTION_REVERTED : TRANSACTION_SUCCESS,
      receiverContractExecutionStatus: RECEIVER[reported.outcome],
      txHash: getBytes(reported.hash),
    };
    return { case: "payload", value: pack(evm.WriteReportReplySchema, fields) };
  }
}

async function readQuestion(
  consumer: CreBenchConsumer,
  transaction: ContractTransactionResponse,
): Promise<Question> {
  const receipt = await transaction.wait();
  const { topicHash } = consumer.interface.getEvent("QuestionAsked");
  const log = receipt?.logs.find(({ topics }) => topics[0] === topicHash);
  if (log === undefined) throw new Error("the transaction asked no question");
  return {
    requestId: log.topics[1] ?? "",
    log: {
      address: getBytes(log.address),
      topics: log.topics.map((topic) => getBytes(topic)),
      data: getBytes(log.data),
    },
  };
}

export function questionPayload(model: string, content: string): Uint8Array {
  return encodePayload({
    type: PayloadType.inference,
    prompt: {
      models: [model],
      panelRule: 0,
      panelQuorum: 0,
      messages: [{ role: 2, content }],
      maxOutputTokens: 2_048,
      sampling: PROVIDER_DEFAULT_SAMPLING,
      format: { kind: OutputKind.text, schema: "", choices: [] },
      parts: [],
    },
  });
}
