/** `adyton enclave init`: the two files of an enclave's configuration, from the catalogue of providers. */

import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import * as z from "zod";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { Behaviour, type BehaviourFile } from "../../enclave/configuration/behaviour.ts";
import { Operator, type OperatorFile } from "../../enclave/configuration/operator.ts";
import { PROVIDER_TEMPLATES, toProvider } from "../../enclave/models/catalog/catalog.ts";
import type { ProviderTemplate } from "../../enclave/models/catalog/template.ts";
import { EXTRACTOR } from "../../enclave/sources/extractor.ts";
import { InputError } from "../../protocol/errors.ts";

export interface InitOptions {
  readonly provider: readonly string[];
  readonly model?: readonly string[];
  readonly baseUrl?: string;
  readonly weightsSha256?: string;
  readonly payee: string;
  /** `chainId:address` */
  readonly coordinator: readonly string[];
  readonly weiPerInputToken: string;
  readonly weiPerOutputToken: string;
  readonly attester: string;
  readonly folder: string;
  readonly sources?: true;
  /** `chainId=url` */
  readonly reads?: readonly string[];
}

const OWNER_ONLY = 0o600;
const CREDENTIAL_BYTES = 24;

/** Unrelated operators, each of whom answers HEAD with its `Date`. */
const TIME_HOSTS = [
  "https://www.cloudflare.com/",
  "https://www.google.com/",
  "https://www.microsoft.com/",
  "https://www.apple.com/",
  "https://www.wikipedia.org/",
];

/**
 * Writes `behaviour.json`, `operator.json` and the caller's credential beside them; nothing is overwritten.
 *
 * @returns what was written, and what is left to do, for a person
 * @throws {InputError} INPUT_INVALID for what the enclave would refuse, or a file that is there already
 */
export function initEnclave(options: InitOptions): string {
  const templates = options.provider.map(findTemplate);
  const behaviour = check(Behaviour, createBehaviour(options, templates));
  const credential = randomBytes(CREDENTIAL_BYTES).toString("base64url");
  const operator = check(Operator, createOperator(options, credential));
  createFolder(options.folder);
  const files = {
    "behaviour.json": `${JSON.stringify(behaviour, null, 2)}\n`,
    "operator.json": `${JSON.stringify(operator, null, 2)}\n`,
    "oracle.credential": credential,
  };
  for (const [name, text] of Object.entries(files)) write(join(options.folder, name), text);
  return describe(options, templates, Object.keys(files));
}

function describe(
  { folder, coordinator, reads }: InitOptions,
  templates: readonly ProviderTemplate[],
  files: readonly string[],
): string {
  const keys = templates
    .filter(({ keyVariable }) => keyVariable !== null)
    .map(({ title, name }) => `${title}'s key as the secret ${name}-key`);
  const lines = [
    ...files.map((name) => `wrote ${join(folder, name)}`),
    ...templates.map(
      ({ title, readOn, sources }) => `${title}: figures of ${readOn}, from ${sources.join(" ")}`,
    ),
    "",
    "Read behaviour.json before you publish its digest: everything in it is part of the enclave's identity.",
    ...(reads === undefined ? [describeReads(coordinator)] : []),
    ...(keys.length === 0 ? [] : [`Your oracle node brings ${keys.join(", ")}.`]),
  ];
  return `${lines.join("\n")}\n`;
}

function createBehaviour(options: InitOptions, templates: readonly ProviderTemplate[]): BehaviourFile {
  const [template, ...others] = templates;
  if (others.length > 0 && (options.model !== undefined || options.baseUrl !== undefined))
    throw invalid("--model and --base-url are of one provider: name one, and add the others to the file");
  const providers = templates.map((each) => {
    const baseUrl = options.baseUrl ?? each.baseUrl;
    const models = options.model ?? [];
    if (baseUrl === null) throw invalid(`${each.title} has no URL of its own: --base-url names yours`);
    if (models.length === 0 && each.models.length === 0)
      throw invalid(`the catalogue knows no models of ${each.title}: --model names yours`);
    const price = {
      perRequest: "0",
      perInputToken: options.weiPerInputToken,
      perOutputToken: options.weiPerOutputToken,
    };
    const secret = each.keyVariable === null ? null : `${each.name}-key`;
    const weightsSha256 = options.weightsSha256 ?? null;
    return [each.name, toProvider(each, { baseUrl, models, price, secret, weightsSha256 })] as const;
  });
  const isLocal = template !== undefined && providers.every(([, { baseUrl }]) => baseUrl.startsWith("http:"));
  return {
    version: 1,
    // The time is asked over TLS too.
    certificateAuthorities: [...rootCertificates],
    transparencyLogs: [],
    time: { source: "hosts", urls: TIME_HOSTS, quorum: 3 },
    limits: {
      connectMs: 5_000,
      // A model that thinks says nothing before it has.
      firstByteMs: isLocal ? 600_000 : 300_000,
      stallMs: 30_000,
      wholeExchangeMs: 900_000,
      responseBytes: 1_048_576,
      retries: 2,
    },
    providers: Object.fromEntries(providers),
    ...createSources(options),
  };
}

function createSources({ sources, reads }: InitOptions): Pick<BehaviourFile, "sources"> {
  if (sources !== true && reads === undefined) return {};
  const named = sources === true ? SOURCES : NO_SOURCES;
  return { sources: reads === undefined ? named : { ...named, reads: { servers: toServers(reads) } } };
}

function toServers(reads: readonly string[]): Readonly<Record<string, string>> {
  const servers: Record<string, string> = {};
  for (const text of reads) {
    const at = text.indexOf("=");
    const [chainId, url] = [text.slice(0, at), text.slice(at + 1)];
    if (at < 1 || url === "")
      throw invalid(`--reads takes CHAINID=URL, such as 1=https://rpc.example, not ${text}`);
    if (servers[chainId] !== undefined)
      throw invalid(`--reads names chain ${chainId} twice: an enclave asks one server of it`);
    servers[chainId] = url;
  }
  return servers;
}

/** What the enclave refuses without them, and what would be written. */
function describeReads(coordinators: readonly string[]): string {
  const chains = [...new Set(coordinators.map((text) => text.split(":")[0] ?? ""))];
  return `Questions that read contracts (Inference.withReads) are refused: ${chains.map((chain) => `--reads ${chain}=https://…`).join(" ")}, a server that has eth_getProof, adds sources.reads.`;
}

/** What prompts name by URL: anywhere on the public Internet, within the limits that are set unless others are. */
const SOURCES: NonNullable<BehaviourFile["sources"]> = {
  hosts: "public",
  addresses: "public",
  headers: { "user-agent": "adyton-enclave" },
  pages: { extractor: EXTRACTOR },
};

/** Prompts name nothing by URL. */
const NO_SOURCES: NonNullable<BehaviourFile["sources"]> = {
  hosts: [],
  addresses: "public",
  headers: { "user-agent": "adyton-enclave" },
};

function createOperator(options: InitOptions, credential: string): unknown {
  const coordinators = options.coordinator.map((text) => {
    const [chainId = "", coordinator = ""] = text.split(":");
    return { chainId, coordinator: coordinator.toLowerCase() };
  });
  return {
    version: 1,
    public: { name: "", payee: options.payee.toLowerCase(), coordinators },
    attester: { kind: options.attester },
    listen: { host: "0.0.0.0", port: 8443 },
    callers: {
      anonymous: "refuse",
      named: [
        {
          name: "oracle",
          credentialSha256: `0x${createHash("sha256").update(credential).digest("hex")}`,
          quota: { requestsPerMinute: 600, concurrent: 64 },
          provisions: true,
        },
      ],
    },
  } satisfies Omit<OperatorFile, "attester" | "public"> & Record<"attester" | "public", unknown>;
}

/** As it was written, since its digest is of what is in the file. */
function check<File>(schema: z.ZodType, file: File): File {
  const result = schema.safeParse(file);
  if (result.success) return file;
  throw invalid(`the enclave would refuse this: ${z.prettifyError(result.error)}`);
}

function findTemplate(name: string): ProviderTemplate {
  const template = PROVIDER_TEMPLATES.find((each) => each.name === name);
  if (template !== undefined) return template;
  throw invalid(
    `--provider takes ${PROVIDER_TEMPLATES.map((each) => each.name).join(", ")}, not ${name}; custom is any server that speaks Chat Completions`,
  );
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: OWNER_ONLY, flag: "wx" });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw invalid(
      code === "EEXIST" ? `${file} is there already: move it away, or choose another --folder` : message,
    );
  }
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
