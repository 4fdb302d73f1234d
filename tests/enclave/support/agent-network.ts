/** An enclave that runs agents, a stand-in model, and a server on loopback that programs may reach. */

import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readSandboxFiles } from "../../../enclave/agents/sandbox-files.ts";
import type { BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../../../enclave/configuration/operator.ts";
import { startStandInModel } from "../../../devnet/stand-in-model.ts";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { encodeProgram, programHash, type ManifestFile } from "../../../protocol/agent-program.ts";
import { toHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { encodePayload, PayloadType } from "../../../protocol/payload.ts";
import { behaviourFile, CREDENTIAL, operatorFile } from "./configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "./enclave-process.ts";
import { startHostileServer, type HostileOptions, type HostileServer } from "./hostile-server.ts";

export interface AgentNetwork {
  readonly enclave: EnclaveProcess;
  /** Where programs may send requests. */
  readonly origin: string;
  readonly server: HostileServer;
  readonly stop: () => Promise<void>;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export function agentSettings(
  change: Partial<NonNullable<BehaviourFile["agents"]>> = {},
): NonNullable<BehaviourFile["agents"]> {
  const { engine, prelude } = readSandboxFiles();
  return {
    sandbox: { engine: sha256(engine), prelude: sha256(prelude) },
    hosts: "public",
    addresses: "any-for-testing",
    ...change,
  };
}

export interface AgentNetworkOptions {
  readonly respond?: HostileOptions["respond"];
  readonly agents?: Partial<NonNullable<BehaviourFile["agents"]>>;
  /** What the caller may have in flight; as few as an oracle's else. */
  readonly concurrent?: number;
}

function respondWithPath(response: ServerResponse, request: IncomingMessage): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ path: request.url, value: (request.url ?? "").length }));
}

function withQuota(concurrent: number): OperatorFile {
  const operator = operatorFile();
  const named = operator.callers.named.map((caller) => ({
    ...caller,
    quota: { requestsPerMinute: 60_000, concurrent },
  }));
  return { ...operator, callers: { ...operator.callers, named } };
}

export async function startAgentNetwork(options: AgentNetworkOptions = {}): Promise<AgentNetwork> {
  const model = await startStandInModel(new Date());
  const authority = await createThrowawayAuthority(new Date(), "Authority of what programs reach");
  const credentials = await authority.issue(["127.0.0.1", "localhost"]);
  const server = await startHostileServer({ credentials, respond: options.respond ?? respondWithPath });
  const behaviour = behaviourFile(model, { agents: agentSettings(options.agents) });
  const enclave = await startEnclaveProcess({
    behaviour: {
      ...behaviour,
      // Milliseconds: no test of these waits for one of them, and machines stand still.
      limits: {
        ...behaviour.limits,
        connectMs: 20_000,
        firstByteMs: 20_000,
        stallMs: 20_000,
        wholeExchangeMs: 60_000,
      },
      certificateAuthorities: [model.certificateAuthority, authority.certificate],
    },
    operator: withQuota(options.concurrent ?? 64),
  });
  return {
    enclave,
    origin: `https://127.0.0.1:${server.port}`,
    server,
    stop: async () => {
      await enclave.stop();
      await server.stop();
      await model.stop();
    },
  };
}

export function agentPayload(
  source: string,
  { manifest = {}, input = null }: { readonly manifest?: ManifestFile; readonly input?: unknown } = {},
): Uint8Array<ArrayBuffer> {
  const program = encodeProgram(source, manifest);
  const call = {
    programHash: programHash(program),
    program,
    input: toUtf8(JSON.stringify(input)),
    maxOutputBytes: 4_096,
  };
  return encodePayload({ type: PayloadType.agent, call });
}

export interface RunReply {
  readonly requestId: Hex;
  readonly status: string;
  readonly output: Hex;
  readonly receipt: string;
}

/** Runs a program over HTTP, and fetches its receipt. */
export async function runAgent(
  { enclave }: AgentNetwork,
  payload: Uint8Array,
  change: object = {},
): Promise<{ readonly reply: RunReply; readonly receipt: Uint8Array; readonly value: unknown }> {
  const { status, json, text } = await enclave.call(
    "POST",
    "/v1/agents/runs",
    JSON.stringify({ payload: toHex(payload), ...change }),
    `Bearer ${CREDENTIAL}`,
  );
  if (status !== 200) throw new Error(`${status}: ${text}`);
  const reply = json as RunReply;
  const receipt = await enclave.bytes(reply.receipt);
  const output = Buffer.from(reply.output.slice(2), "hex").toString();
  return { reply, receipt, value: output === "" ? null : (JSON.parse(output) as unknown) };
}
