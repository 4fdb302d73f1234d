/** The configuration of a local network's enclave: what its behaviour is, and whom it serves. */

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BehaviourFile } from "../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../enclave/configuration/operator.ts";
import type { SecretFile } from "../oracle/enclaves/enclave-session.ts";
import type { Hex } from "../protocol/bytes.ts";
import type { Json } from "../protocol/canonical-json.ts";
import { configurationDigest } from "../protocol/keyset.ts";
import type { ModelChoice } from "./model-choice.ts";

/** Name of the provider's key among the enclave's secrets. */
const SECRET = "model-key";

/** Wei for a call and for a token: small, and not zero, so that a fee can be too small. */
const PRICE = { perRequest: "1000000000000", perInputToken: "1000000", perOutputToken: "4000000" };

export interface EnclaveFiles {
  readonly behaviourFile: string;
  readonly operatorFile: string;
  /** The provider's key, for the oracle to bring; none where the model asks for none. */
  readonly secrets: readonly SecretFile[];
  readonly behaviourDigest: Hex;
}

export interface EnclaveTerms {
  readonly model: ModelChoice;
  /** Name of the simulated machine. */
  readonly platform: string;
  readonly chainId: bigint;
  readonly coordinator: Hex;
  readonly payee: Hex;
  /** What the oracle authenticates with. */
  readonly credential: string;
  /** What the nodes of Chainlink Functions authenticate with. */
  readonly functionsCredential: string;
  /** Where it listens on the loopback; 0: any free port. */
  readonly port: number;
  /** RPC server of the chain whose time the enclave takes for true; `null` for this machine's clock. */
  readonly clockChainUrl: string | null;
  /** Milliseconds until the first byte of a model's response. */
  readonly firstByteMs: number;
}

export function writeEnclaveFiles(folder: string, terms: EnclaveTerms): EnclaveFiles {
  const write = (name: string, value: unknown): string => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify(value, null, 2), { mode: 0o600 });
    return file;
  };
  const behaviour = createBehaviour(terms);
  return {
    behaviourFile: write("behaviour.json", behaviour),
    operatorFile: write("operator.json", createOperator(terms)),
    secrets: terms.model.key === null ? [] : [writeSecret(folder, terms.model.key)],
    behaviourDigest: configurationDigest(behaviour as unknown as Json),
  };
}

function writeSecret(folder: string, key: string): SecretFile {
  const file = join(folder, `${SECRET}.secret`);
  writeFileSync(file, key, { mode: 0o600 });
  return { name: SECRET, file };
}

function createBehaviour({ model, firstByteMs, clockChainUrl }: EnclaveTerms): BehaviourFile {
  return {
    version: 1,
    certificateAuthorities: [...model.certificateAuthorities],
    transparencyLogs: [],
    // The stand-in is one host; three unrelated ones, as production wants, do not exist on one machine.
    time:
      clockChainUrl === null
        ? { source: "host-clock-for-testing" }
        : { source: "chain-for-testing", url: clockChainUrl },
    limits: {
      connectMs: 5_000,
      firstByteMs,
      stallMs: 10_000,
      wholeExchangeMs: 120_000,
      responseBytes: 1_048_576,
      retries: 1,
    },
    providers: {
      [model.provider]: {
        format: "openai-chat",
        baseUrl: model.endpoint,
        secret: model.key === null ? null : SECRET,
        connection: "fresh",
        minimumTls: "TLSv1.2",
        minimumScts: 0,
        models: Object.fromEntries(model.models.map((name) => [name, modelTerms(name, model.weightsSha256)])),
      },
    },
  };
}

function modelTerms(
  upstreamName: string,
  weightsSha256: string | null,
): BehaviourFile["providers"][string]["models"][string] {
  return {
    upstreamName,
    contextTokens: 128_000,
    maxOutputTokens: 4_096,
    price: PRICE,
    ...(weightsSha256 === null ? {} : { weightsSha256 }),
    structuredOutput: "schema",
    sampling: { temperature: true, topP: true, seed: true, effort: false },
  };
}

function createOperator(terms: EnclaveTerms): OperatorFile {
  const { platform, chainId, coordinator, payee } = terms;
  return {
    version: 1,
    public: {
      name: "local network (SIMULATED enclave)",
      payee,
      coordinators: [{ chainId: chainId.toString(), coordinator }],
    },
    attester: { kind: "simulator", platform },
    listen: { host: "127.0.0.1", port: terms.port },
    callers: {
      anonymous: "refuse",
      named: [
        // The oracle brings the provider's key after each start of the enclave.
        { ...createCaller("oracle", terms.credential), provisions: true },
        createCaller("functions", terms.functionsCredential),
      ],
    },
  };
}

function createCaller(name: string, credential: string): OperatorFile["callers"]["named"][number] {
  return {
    name,
    credentialSha256: `0x${createHash("sha256").update(credential).digest("hex")}`,
    quota: { requestsPerMinute: 6_000, concurrent: 64 },
  };
}
