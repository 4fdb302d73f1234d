import { createHash } from "node:crypto";
import type { BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../../../enclave/configuration/operator.ts";

export const CHAIN_ID = 31_337n;
export const COORDINATOR = "0x00000000000000000000000000000000000000c0";
export const CREDENTIAL = "caller-credential";

type ModelFile = BehaviourFile["providers"][string]["models"][string];

export function modelFile(upstreamName: string, change: Partial<ModelFile> = {}): ModelFile {
  return {
    upstreamName,
    contextTokens: 128_000,
    maxOutputTokens: 4_096,
    price: { perRequest: "0", perInputToken: "1", perOutputToken: "2" },
    structuredOutput: "schema",
    sampling: { temperature: true, topP: true, seed: true, efforts: [] },
    ...change,
  };
}

/** The stand-in's ways to answer and to fail, each a model of its own. */
export const STAND_IN_MODELS = [
  "stand-in-1",
  "http-500",
  "rate-limited",
  "timeout",
  "html",
  "not-a-bool",
  "truncated",
  "stalled",
  "redirect",
  "refusal",
  "too-long",
  "repairable",
] as const;

export function behaviourFile(
  endpoint: { readonly url: string; readonly certificateAuthority: string },
  change: Partial<BehaviourFile> = {},
): BehaviourFile {
  return {
    version: 1,
    certificateAuthorities: [endpoint.certificateAuthority],
    transparencyLogs: [],
    time: { source: "hosts", urls: [new URL("/", endpoint.url).href], quorum: 1 },
    limits: {
      connectMs: 1_000,
      firstByteMs: 400,
      stallMs: 400,
      wholeExchangeMs: 2_000,
      responseBytes: 65_536,
      retries: 0,
    },
    providers: {
      "stand-in": {
        format: "openai-chat",
        baseUrl: endpoint.url,
        secret: null,
        connection: "fresh",
        minimumTls: "TLSv1.3",
        minimumScts: 0,
        models: Object.fromEntries(STAND_IN_MODELS.map((name) => [name, modelFile(name)])),
      },
    },
    ...change,
  };
}

export function operatorFile(change: Partial<OperatorFile> = {}): OperatorFile {
  return {
    version: 1,
    public: {
      name: "test operator",
      payee: "0x00000000000000000000000000000000000000fe",
      coordinators: [{ chainId: CHAIN_ID.toString(), coordinator: COORDINATOR }],
    },
    attester: { kind: "simulator", platform: "test" },
    listen: { host: "127.0.0.1", port: 0 },
    callers: {
      anonymous: "refuse",
      named: [
        {
          name: "oracle",
          credentialSha256: `0x${createHash("sha256").update(CREDENTIAL).digest("hex")}`,
          quota: { requestsPerMinute: 600, concurrent: 64 },
        },
      ],
    },
    ...change,
  };
}
