/**
 * What `adyton oracle init --ask` asks, for a node on a chain of one's own. Each answer is tried where it can be: the chain, the contracts and
 * the policy are looked for before the next question.
 */

import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import type * as z from "zod";
import { parsePolicyFile } from "../../attestation/index.ts";
import { readHead } from "../../oracle/chain/chain-reader.ts";
import { checkDeployment, checkPolicy, readRegistry } from "../../oracle/chain/contracts/deployment.ts";
import { quantity } from "../../oracle/chain/rpc/block.ts";
import { RpcEndpoint } from "../../oracle/chain/rpc/rpc-endpoint.ts";
import { callEndpoint, RpcPool } from "../../oracle/chain/rpc/rpc-pool.ts";
import { StoreSection } from "../../oracle/config.ts";
import { address, rpcUrl } from "../../oracle/configuration/fields.ts";
import { explain } from "../../oracle/explain.ts";
import { createLogger } from "../../oracle/log.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { bytes32 } from "../../protocol/fields.ts";
import { SecretName } from "../../protocol/sealed-secret.ts";
import { readInput } from "../input-file.ts";
import type { Interview } from "../interview.ts";
import { commandLine } from "../invocation.ts";
import { OWN_HTTP, OWN_STORE } from "./new-node.ts";

export interface AskedNode {
  readonly settings: object;
  readonly policy: Uint8Array;
}

interface Servers {
  readonly urls: readonly string[];
  readonly chainId: number;
  readonly head: number;
}

const RPC_TIMEOUT_MS = 10_000;

/** @param folder that the configuration is written to: paths in it are relative to it */
export async function askForNode({ ask }: Interview, folder: string, now: () => number): Promise<AskedNode> {
  const log = createLogger({ level: "error", write: () => undefined, now });
  const endpointOf = (url: string): RpcEndpoint =>
    new RpcEndpoint({ url, timeoutMs: RPC_TIMEOUT_MS, log, now });
  const { urls, chainId, head } = await ask({
    name: "the RPC servers",
    text: "RPC servers of the chain, preferred first (URLs, with spaces between them)",
    take: (answer) => tryServers(words(answer), endpointOf),
  });
  const rpc = new RpcPool({ endpoints: urls.map(endpointOf), log, now });
  try {
    const { coordinator, registry } = await ask({
      name: "the coordinator",
      text: `OracleCoordinator on chain ${chainId} (address)`,
      take: async (answer) => {
        const at = readAddress(answer);
        return { coordinator: at, registry: await tried(readRegistry(rpc, at)) };
      },
    });
    const admission = await askAdmission({ ask, rpc, coordinator, registry });
    const fromBlock = await ask({
      name: "the first block",
      text: "First block to read: of the coordinator's deployment, or the newest",
      fallback: String(head),
      take: (answer) => wholeNumber(answer, head),
    });
    const enclave = await askEnclave(ask, folder);
    const policy = await ask({
      name: "the appraisal policy",
      hint: `A policy from what it shows now, for you to read:\n  ${commandLine("verify", enclave.url, "--init-policy", "FILE")}`,
      text: "File of the appraisal policy",
      take: readPolicy,
    });
    const store = await ask({
      name: "the store",
      text: "Store: embedded, or the URL of a PostgreSQL database",
      fallback: "embedded",
      take: readStore,
    });
    const chain = { chainId, rpcUrls: urls, coordinator, registry, fromBlock, admissions: [admission] };
    return { settings: { chains: [chain], enclaves: [enclave], store, http: OWN_HTTP }, policy };
  } finally {
    rpc.close();
  }
}

async function askAdmission({
  ask,
  rpc,
  coordinator,
  registry,
}: {
  readonly ask: Interview["ask"];
  readonly rpc: RpcPool;
  readonly coordinator: Hex;
  readonly registry: Hex;
}): Promise<{ readonly policyId: Hex; readonly verifier: Hex }> {
  const policyId = await ask({
    name: "the policy",
    hint: `Its registry of enclaves is ${registry}.`,
    text: "Policy there that your enclaves are admitted under (its id)",
    take: async (answer) => {
      const id = readField(bytes32, answer.toLowerCase(), "expected a policy's id: 0x and 64 hex digits");
      await tried(checkPolicy(rpc, registry, id));
      return id;
    },
  });
  return await ask({
    name: "the verifier",
    text: "The policy's contract that judges evidence, such as TdxVerifier (address)",
    take: async (answer) => {
      const verifier = readAddress(answer);
      const admission = { policyId, verifier };
      await tried(checkDeployment(rpc, { coordinator, registry, admissions: [admission] }));
      return admission;
    },
  });
}

interface AskedEnclave {
  readonly url: string;
  readonly callerToken: string;
  readonly secrets?: readonly object[];
}

async function askEnclave(ask: Interview["ask"], folder: string): Promise<AskedEnclave> {
  const url = await ask({
    name: "the enclave",
    text: "URL of your enclave (https://…)",
    take: (answer) => {
      const parsed = URL.canParse(answer) ? new URL(answer) : undefined;
      if (parsed?.protocol === "https:") return answer;
      throw refused(`${answer} is no https URL, such as https://10.0.0.2:7789`);
    },
  });
  const callerToken = await ask({
    name: "the caller token",
    text: "Caller token, whose SHA-256 the enclave's operator file lists",
    take: (answer) => {
      if (answer !== "") return answer;
      throw refused("an enclave answers nobody without one");
    },
  });
  const secrets = await ask({
    name: "the providers' keys",
    text: "Providers' keys to bring to it, as NAME=FILE NAME=FILE … (or none)",
    take: (answer) => words(answer).map((word) => readSecretFile(word, folder)),
  });
  return { url, callerToken, ...(secrets.length === 0 ? {} : { secrets }) };
}

const words = (answer: string): readonly string[] => answer.split(/[\s,]+/u).filter((word) => word !== "");

async function tryServers(
  urls: readonly string[],
  endpointOf: (url: string) => RpcEndpoint,
): Promise<Servers> {
  if (urls.length === 0) throw refused("name one at least");
  const found: { readonly chainId: number; readonly head: number }[] = [];
  for (const url of urls) {
    readField(
      rpcUrl,
      url,
      `${url} is no URL of a server, such as https://rpc.example or ws://127.0.0.1:8546`,
    );
    const endpoint = endpointOf(url);
    try {
      const call = { method: "eth_chainId", params: [] };
      const chainId = await tried(callEndpoint(endpoint, call, quantity));
      const other = found.find((one) => one.chainId !== chainId);
      if (other !== undefined)
        throw refused(`${endpoint.name} serves chain ${chainId}, and the one before ${other.chainId}`);
      found.push({ chainId, head: (await tried(readHead(endpoint))).number });
    } finally {
      endpoint.close();
    }
  }
  return {
    urls,
    chainId: found[0]?.chainId ?? 0,
    head: Math.min(...found.map(({ head }) => head)),
  };
}

function wholeNumber(answer: string, most: number): number {
  if (!/^\d{1,15}$/.test(answer))
    throw refused(`${answer} is no number of a block: decimal digits alone, such as 21000000`);
  if (Number(answer) <= most) return Number(answer);
  throw refused(`the chain has no block ${answer} yet: its newest is ${most}`);
}

function readSecretFile(word: string, folder: string): { readonly name: string; readonly file: string } {
  const [, name = "", file = ""] = /^([^=]+)=(.+)$/u.exec(word) ?? [];
  readField(SecretName, name, `${word} is not NAME=FILE, such as openai-key=openai.key`);
  if (!existsSync(file)) throw refused(`there is no file ${file}`);
  // What the configuration names is relative to it; what is typed, to where one is.
  return { name, file: relative(resolve(folder), resolve(file)) };
}

function readPolicy(file: string): Uint8Array {
  if (file === "") throw refused("name a file: nothing is sent to an enclave that no policy accepts");
  const bytes = readInput(file);
  parsePolicyFile(bytes, file);
  return bytes;
}

function readStore(answer: string): object {
  if (answer === "embedded") return OWN_STORE;
  return readField(
    StoreSection,
    { kind: "postgres", url: answer },
    "expected embedded, or postgresql://USER@HOST/DATABASE",
  );
}

function readField<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  expected: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw refused(expected);
}

/** As the configuration takes it: what is no address, and what has a slip in it, have a sentence each. */
function readAddress(answer: string): Hex {
  const parsed = address.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw refused(parsed.error.issues[0]?.message ?? "expected an address");
}

/** With the reason behind what a server or a contract did. */
async function tried<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AdytonError) throw refused(explain(error as AdytonError), error);
    throw error;
  }
}

function refused(message: string, cause?: unknown): InputError {
  return new InputError({ code: "INPUT_INVALID", message, cause });
}
