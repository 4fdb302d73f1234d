/**
 * The behaviour file: everything that can change an answer. Policies list its digest, so that whoever changes it has
 * another enclave. It holds no secret and names no place on the host.
 */

import * as z from "zod";
import { FORMAT_NAMES } from "../../runtime/models/formats.ts";
import { AgentSettings } from "./agent-settings.ts";
import { SourceSettings } from "./source-settings.ts";
import { UpstreamSettings } from "./upstream-settings.ts";
import { UpgradeSettings } from "./upgrade-settings.ts";
import { Model } from "../../runtime/models/model-terms.ts";

const providerName = z.string().regex(/^[a-z0-9][a-z0-9.-]*$/);

/** IP addresses only: what `localhost` means is up to a resolver. */
const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

function isServable(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    return false;
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));
}

const baseUrl = z.string().refine(isServable, {
  error:
    "expected an https URL without query, or an http one whose host is a loopback address such as 127.0.0.1",
});

const Provider = z
  .strictObject({
    format: z.enum(FORMAT_NAMES),
    /** Up to and without the path that the format names: `https://api.openai.com/v1`. */
    baseUrl,
    /** For `openai-chat`, where a server differs from the default of `openai-chat.ts`. */
    dialect: z
      .strictObject({
        tokenLimit: z.enum(["max_tokens", "max_completion_tokens"]),
        sendsStore: z.boolean(),
        /** `strip`: reasoning in `<think>` tags inside the content is no part of the answer. */
        reasoningTags: z.enum(["keep", "strip"]).optional(),
      })
      .optional(),
    /** Name of the secret that authenticates us; null where the server asks for none. */
    secret: z.string().min(1).max(64).nullable(),
    /** A TLS session for each exchange, or sessions kept and named in each transcript. */
    connection: z.enum(["fresh", "pooled"]),
    minimumTls: z.enum(["TLSv1.2", "TLSv1.3"]),
    /** Certificates without this many timestamps from the pinned logs are refused; 0 asks for none. */
    minimumScts: z.int().min(0).max(8),
    /** Evidence that this provider's servers must give of themselves; nothing is demanded where it is not there. */
    attestation: UpstreamSettings.optional(),
    models: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/), Model),
  })
  .refine(
    ({ format, models }) =>
      !SEEDLESS.has(format) || Object.values(models).every(({ sampling }) => !sampling.seed),
    { error: "this format takes no seed", path: ["models"] },
  )
  .refine(
    // Elsewhere nobody could know the weights; here nobody would know which model it was.
    ({ baseUrl: url, models }) =>
      Object.values(models).every(
        ({ weightsSha256 }) => (weightsSha256 !== undefined) === url.startsWith("http:"),
      ),
    { error: "models on the loopback, and no others, have the digest of their weights", path: ["models"] },
  )
  .refine(
    ({ format, models }) =>
      format === "anthropic-messages" ||
      Object.values(models).every(({ thinking }) => thinking.mode !== "adaptive"),
    { error: "only anthropic-messages asks for adaptive thinking", path: ["models"] },
  )
  .refine(({ baseUrl: url, attestation }) => attestation === undefined || url.startsWith("https:"), {
    error: "a server beside the enclave is in its own measurement",
    path: ["attestation"],
  })
  .refine(({ minimumScts, attestation }) => attestation?.form !== "ra-tls" || minimumScts === 0, {
    error: "a certificate that no authority issued is in no transparency log",
    path: ["minimumScts"],
  })
  .refine(({ format, dialect }) => format === "openai-chat" || dialect === undefined, {
    error: "only openai-chat has dialects",
    path: ["dialect"],
  });

/** Formats without a field for a seed: promising one would answer another question. */
const SEEDLESS = new Set<string>(["openai-responses", "anthropic-messages"]);

const Limits = z.strictObject({
  connectMs: z.int().min(100).max(60_000),
  firstByteMs: z.int().min(100).max(900_000),
  /** Longest silence inside a body. */
  stallMs: z.int().min(100).max(300_000),
  wholeExchangeMs: z.int().min(100).max(1_800_000),
  responseBytes: z.int().min(1_024).max(16_777_216),
  /** Times that an exchange is repeated after a failure that may pass. */
  retries: z.int().min(0).max(5),
});

const Time = z.discriminatedUnion("source", [
  z.strictObject({
    source: z.literal("hosts"),
    /** Asked for their `Date` over TLS. Unrelated ones: a majority of them must lie before we are misled. */
    urls: z
      .array(baseUrl)
      .min(1)
      .max(16)
      .refine((urls) => new Set(urls.map((url) => URL.parse(url)?.host)).size === urls.length, {
        error: "a host is listed twice",
      }),
    /** Answers needed. Production: at least 3. */
    quorum: z.int().min(1).max(16),
  }),
  /** Believes the machine. Visible to every policy, because it is in this file. */
  z.strictObject({ source: z.literal("host-clock-for-testing") }),
  /** Believes a chain on this machine, whose time its owner moves. */
  z.strictObject({
    source: z.literal("chain-for-testing"),
    url: baseUrl.refine((text) => text.startsWith("http:"), { error: "expected a loopback address" }),
  }),
]);

export const Behaviour = z
  .strictObject({
    version: z.literal(1),
    /** PEM certificates: the only authorities that a server's certificate may chain to. */
    certificateAuthorities: z.array(z.string().startsWith("-----BEGIN CERTIFICATE-----")).max(256),
    /** Certificate Transparency logs (RFC 6962): SubjectPublicKeyInfo, DER in base64. */
    transparencyLogs: z.array(z.strictObject({ name: z.string(), key: z.base64() })).max(64),
    time: Time,
    limits: Limits,
    providers: z.record(providerName, Provider),
    agents: AgentSettings.optional(),
    sources: SourceSettings.optional(),
    upgrades: UpgradeSettings.optional(),
  })
  .refine(({ time }) => time.source !== "hosts" || time.quorum <= time.urls.length, {
    error: "the time quorum exceeds the hosts listed",
    path: ["time", "quorum"],
  });

export type Behaviour = z.output<typeof Behaviour>;
export type BehaviourFile = z.input<typeof Behaviour>;
export type Provider = z.output<typeof Provider>;
export type { Model } from "../../runtime/models/model-terms.ts";
export type Limits = z.output<typeof Limits>;
export type TimeSettings = z.output<typeof Time>;
