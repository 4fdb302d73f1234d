/** Which model a local network asks: a real API when the environment names one, else the stand-in. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { ConfigError } from "../protocol/errors.ts";
import type { DevnetEnvironment } from "./config.ts";
import { startProgram, type RunningProgram } from "./child-process.ts";
import { programArguments } from "./node-program.ts";

const OPENAI_URL = "https://api.openai.com/v1";
const DEFAULT_MODEL = "gpt-4.1-mini";
export const STAND_IN_PROVIDER = "stand-in";

export interface ModelChoice {
  /** Base URL of an OpenAI-compatible API. */
  readonly endpoint: string;
  readonly standIn: boolean;
  /** For a model on the loopback, which the behaviour file wants named by its weights; nobody has measured these. */
  readonly weightsSha256: string | null;
  /** Name of the provider in the behaviour file. */
  readonly provider: string;
  /** What the server calls its models; the first is asked when none is named. */
  readonly models: readonly string[];
  /** PEM certificates that the enclave is to trust, and no others. */
  readonly certificateAuthorities: readonly string[];
  readonly key: string | null;
  /** The stand-in's process. */
  readonly program: RunningProgram | null;
}

/** No weights have this digest: a policy for a real model on the loopback can never be met by this network. */
const NO_WEIGHTS = "0".repeat(64);

/**
 * `localhost` as the address that it means: the behaviour file takes no name that a resolver decides about.
 *
 * @throws {ConfigError} CONFIG_INVALID when it is no URL of a server that the enclave would ask
 */
function readModelUrl(text: string): string {
  const url = URL.parse(text);
  const isLocal = url !== null && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url === null || !(url.protocol === "https:" || (url.protocol === "http:" && isLocal))) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `ADYTON_MODEL_URL takes an https URL, or an http one on this machine such as http://127.0.0.1:11434/v1, not ${text}`,
    });
  }
  if (url.protocol === "http:" && url.hostname === "localhost") url.hostname = "127.0.0.1";
  return url.href.replace(/\/+$/, "");
}

/** @param models further models of the stand-in that a test wants, such as `http-500` */
export async function chooseModel(
  environment: DevnetEnvironment,
  folder: string,
  models: readonly string[] = [],
): Promise<ModelChoice> {
  const { modelKey, modelUrl, modelName, modelCaFile } = environment;
  if (modelKey === null && modelUrl === null) return await startStandIn(folder, models);
  const endpoint = modelUrl === null ? OPENAI_URL : readModelUrl(modelUrl);
  const isPlain = endpoint.startsWith("http:");
  const authorities = modelCaFile === null ? [...rootCertificates] : [readPem(modelCaFile)];
  return {
    endpoint,
    standIn: false,
    weightsSha256: isPlain ? NO_WEIGHTS : null,
    provider: modelUrl === null ? "openai" : "custom",
    models: [modelName ?? DEFAULT_MODEL],
    certificateAuthorities: isPlain ? [] : authorities,
    key: modelKey,
    program: null,
  };
}

async function startStandIn(folder: string, models: readonly string[]): Promise<ModelChoice> {
  const caFile = join(folder, "stand-in-ca.pem");
  const program = await startProgram({
    name: "model stand-in",
    command: process.execPath,
    args: [...programArguments("devnet/stand-in-model"), "--ca", caFile],
    environment: {},
    logFile: join(folder, "model.log"),
    readReady: readListening,
  });
  return {
    endpoint: program.ready,
    standIn: true,
    weightsSha256: null,
    provider: STAND_IN_PROVIDER,
    models: ["stand-in-1", ...models],
    certificateAuthorities: [readPem(caFile)],
    key: null,
    program,
  };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ConfigError({ code: "CONFIG_INVALID", message: `cannot read ${file}`, cause });
  }
}

/** Our own processes say on stdout, in one JSON line, where they listen. */
export function readListening(line: string): string | undefined {
  try {
    const { event, url } = JSON.parse(line) as { readonly event?: unknown; readonly url?: unknown };
    return (event === "listening" || event === "ready") && typeof url === "string" ? url : undefined;
  } catch {
    return undefined;
  }
}
