/** Which models a local network asks: those whose keys or server the environment names, else the stand-in. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import type { BehaviourFile } from "../enclave/configuration/behaviour.ts";
import { PROVIDER_TEMPLATES, toProvider } from "../enclave/models/catalog/catalog.ts";
import type { ProviderTemplate } from "../enclave/models/catalog/template.ts";
import { ConfigError } from "../protocol/errors.ts";
import { MEDIA_TYPES } from "../runtime/models/media.ts";
import type { DevnetEnvironment } from "./config.ts";
import { startProgram, type RunningProgram } from "./child-process.ts";
import { programArguments } from "./node-program.ts";

type ProviderFile = BehaviourFile["providers"][string];

const STAND_IN_PROVIDER = "stand-in";
/** Template of a server that `ADYTON_MODEL_URL` names, when `ADYTON_PROVIDER` names none. */
const ANY_SERVER = "custom";

/** Wei for a call and for a token: small, and not zero, so that a fee can be too small. */
const PRICE = { perRequest: "1000000000000", perInputToken: "1000000", perOutputToken: "4000000" };

/** No weights have this digest: a policy for a real model on the loopback can never be met by this network. */
const NO_WEIGHTS = "0".repeat(64);

/** OpenAI's models that think, whoever serves them: they refuse `max_tokens`, which older servers know alone. */
const REFUSES_MAX_TOKENS = /(?:^|\/)(?:gpt-[5-9]|o[1-9])/;

export interface ModelChoice {
  /** Base URLs, for a person to read. */
  readonly endpoint: string;
  readonly standIn: boolean;
  /** As the behaviour file has them. */
  readonly providers: Readonly<Record<string, ProviderFile>>;
  /** `provider/model`; the first is asked when none is named. */
  readonly models: readonly string[];
  /** PEM certificates that the enclave is to trust, and no others. */
  readonly certificateAuthorities: readonly string[];
  /** Keys by the name of their secret, for the oracle to bring. */
  readonly keys: Readonly<Record<string, string>>;
  /** The stand-in's process. */
  readonly program: RunningProgram | null;
}

/**
 * @param models further models of the stand-in that a test wants, such as `http-500`
 * @throws {ConfigError} CONFIG_INVALID when the environment names a provider or a URL that cannot be asked
 */
export async function chooseModel(
  environment: DevnetEnvironment,
  folder: string,
  models: readonly string[] = [],
): Promise<ModelChoice> {
  const { modelUrl, modelCaFile } = environment;
  const chosen = modelUrl === null ? chooseByKeys(environment) : [chooseServer(environment, modelUrl)];
  if (chosen.length === 0) return await startStandIn(folder, models);
  const providers = Object.fromEntries(chosen.map(({ name, provider }) => [name, provider]));
  const isPlain = chosen.every(({ provider }) => provider.baseUrl.startsWith("http:"));
  const authorities = modelCaFile === null ? [...rootCertificates] : [readPem(modelCaFile)];
  return {
    endpoint: chosen.map(({ provider }) => provider.baseUrl).join(", "),
    standIn: false,
    providers,
    models: namesOf(providers),
    certificateAuthorities: isPlain ? [] : authorities,
    keys: Object.fromEntries(chosen.flatMap(({ secret, key }) => (key === null ? [] : [[secret, key]]))),
    program: null,
  };
}

interface Chosen {
  readonly name: string;
  readonly provider: ProviderFile;
  readonly secret: string;
  readonly key: string | null;
}

/** Every vendor whose key is there: with several, their models can sit in one panel. */
function chooseByKeys({ keys, modelName }: DevnetEnvironment): readonly Chosen[] {
  const known = PROVIDER_TEMPLATES.flatMap((template) => {
    const key = template.keyVariable === null ? undefined : keys[template.keyVariable];
    return key === undefined || template.baseUrl === null || template.models.length === 0
      ? []
      : [{ template, baseUrl: template.baseUrl, key }];
  });
  // A name without its vendor is meant for the first.
  const [vendor, ...rest] = modelName === null ? [null] : modelName.split("/");
  const named = known.find(({ template }) => template.name === vendor && rest.length > 0) ?? known[0];
  const upstreamName = named?.template.name === vendor && rest.length > 0 ? rest.join("/") : modelName;
  const inOrder = named === undefined ? [] : [named, ...known.filter((each) => each !== named)];
  return inOrder.map(({ template, baseUrl, key }, index) => {
    const first = index === 0 && upstreamName !== null ? [upstreamName] : [];
    const others = template.models.map((model) => model.upstreamName).filter((name) => !first.includes(name));
    const secret = secretOf(template);
    const choice = { baseUrl, models: [...first, ...others], price: PRICE, secret, weightsSha256: null };
    return { name: template.name, provider: toProvider(template, choice), secret, key };
  });
}

function chooseServer(environment: DevnetEnvironment, modelUrl: string): Chosen {
  const template = findTemplate(environment.provider ?? ANY_SERVER);
  const baseUrl = readModelUrl(modelUrl);
  const isPlain = baseUrl.startsWith("http:");
  const upstreamName = environment.modelName ?? defaultModel(template);
  const key = environment.keys[template.keyVariable ?? "OPENAI_API_KEY"] ?? null;
  const secret = secretOf(template);
  const provider = toProvider(asServed(template, upstreamName), {
    baseUrl,
    models: [upstreamName],
    price: PRICE,
    secret: key === null ? null : secret,
    weightsSha256: isPlain ? NO_WEIGHTS : null,
  });
  return { name: template.name, provider, secret, key };
}

/** Settings for a known model behind a server of unknown make: those of its vendor. */
function asServed(template: ProviderTemplate, upstreamName: string): ProviderTemplate {
  if (template.name !== ANY_SERVER) return template;
  const known = PROVIDER_TEMPLATES.flatMap(({ models }) => models).find(
    (model) => model.upstreamName === upstreamName.split("/").at(-1),
  );
  const dialect = { ...template.dialect, sendsStore: false };
  return {
    ...template,
    dialect: {
      ...dialect,
      tokenLimit: REFUSES_MAX_TOKENS.test(upstreamName) ? "max_completion_tokens" : "max_tokens",
    },
    unknownModel: known?.thinking?.mode === "default" ? known : template.unknownModel,
  };
}

function defaultModel({ models }: ProviderTemplate): string {
  const [first] = models.length === 0 ? findTemplate("openai").models : models;
  if (first === undefined) throw new Error("the catalogue has no default model");
  return first.upstreamName;
}

function findTemplate(name: string): ProviderTemplate {
  const template = PROVIDER_TEMPLATES.find((each) => each.name === name);
  if (template !== undefined) return template;
  const names = PROVIDER_TEMPLATES.map((each) => each.name).join(", ");
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `ADYTON_PROVIDER takes one of ${names}, not ${name}`,
  });
}

function secretOf({ name }: ProviderTemplate): string {
  return `${name}-key`;
}

function namesOf(providers: Readonly<Record<string, ProviderFile>>): readonly string[] {
  return Object.entries(providers).flatMap(([name, { models }]) =>
    Object.keys(models).map((model) => `${name}/${model}`),
  );
}

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
  const providers = { [STAND_IN_PROVIDER]: standInProvider(program.ready, ["stand-in-1", ...models]) };
  return {
    endpoint: program.ready,
    standIn: true,
    providers,
    models: namesOf(providers),
    certificateAuthorities: [readPem(caFile)],
    keys: {},
    program,
  };
}

function standInProvider(baseUrl: string, models: readonly string[]): ProviderFile {
  return {
    format: "openai-chat",
    baseUrl,
    secret: null,
    connection: "fresh",
    minimumTls: "TLSv1.2",
    minimumScts: 0,
    models: Object.fromEntries(
      models.map((upstreamName) => [
        upstreamName,
        {
          upstreamName,
          contextTokens: 128_000,
          maxOutputTokens: 4_096,
          price: PRICE,
          structuredOutput: "schema",
          sampling: { temperature: true, topP: true, seed: true, efforts: [] },
          media: { types: [...MEDIA_TYPES], imageTokens: 1_000, documentTokens: 10_000 },
        },
      ]),
    ),
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
export function readListening(line: string, name: "url" | "console" = "url"): string | undefined {
  try {
    const told = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const url = told[name];
    return (told["event"] === "listening" || told["event"] === "ready") && typeof url === "string"
      ? url
      : undefined;
  } catch {
    return undefined;
  }
}
