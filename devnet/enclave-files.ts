/** The configuration of a local network's enclave: what its behaviour is, and whom it serves. */

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { readSandboxFiles } from "../enclave/agents/sandbox-files.ts";
import type { BehaviourFile } from "../enclave/configuration/behaviour.ts";
import type { OperatorFile } from "../enclave/configuration/operator.ts";
import { EXTRACTOR } from "../enclave/sources/extractor.ts";
import type { SecretFile } from "../oracle/enclaves/enclave-session.ts";
import type { Hex } from "../protocol/bytes.ts";
import type { Json } from "../protocol/canonical-json.ts";
import { configurationDigest } from "../protocol/keyset.ts";
import type { ModelChoice } from "./model-choice.ts";

export interface EnclaveFiles {
  readonly behaviourFile: string;
  readonly operatorFile: string;
  /** The providers' keys, for the oracle to bring. */
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
  /** The oracle's credential. */
  readonly credential: string;
  /** The credential of the nodes of Chainlink Functions. */
  readonly functionsCredential: string;
  /** What whoever writes agents authenticates with. */
  readonly agentCredential: string;
  /** Where it listens on the loopback; 0: any free port. */
  readonly port: number;
  /** RPC server of the chain whose time the enclave takes for true; `null` for this machine's clock. */
  readonly clockChainUrl: string | null;
  /** Of a server of the chain behind TLS, for questions that read contracts; `null`: none is read. */
  readonly chainServer: string | null;
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
    secrets: Object.entries(terms.model.keys).map(([name, key]) => writeSecret(folder, name, key)),
    behaviourDigest: configurationDigest(behaviour as unknown as Json),
  };
}

function writeSecret(folder: string, name: string, key: string): SecretFile {
  const file = join(folder, `${name}.secret`);
  writeFileSync(file, key, { mode: 0o600 });
  return { name, file };
}

function createBehaviour({
  model,
  firstByteMs,
  clockChainUrl,
  chainId,
  chainServer,
}: EnclaveTerms): BehaviourFile {
  return {
    version: 1,
    // Programs reach the public web, whichever model is asked.
    certificateAuthorities: [...new Set([...model.certificateAuthorities, ...rootCertificates])],
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
      wholeExchangeMs: Math.max(120_000, firstByteMs),
      responseBytes: 1_048_576,
      retries: 1,
    },
    providers: model.providers,
    // Whoever tries it has files on a server of their own.
    sources: {
      hosts: "public",
      addresses: "any-for-testing",
      headers: { "user-agent": "adyton-enclave" },
      pages: { extractor: EXTRACTOR },
      ...(chainServer === null ? {} : { reads: { servers: { [chainId.toString()]: chainServer } } }),
    },
    agents: {
      sandbox: sandboxDigests(),
      hosts: "public",
      // Whoever writes an agent has servers of their own on this machine.
      addresses: "any-for-testing",
    },
  };
}

/** As `node tools/build-sandbox.ts` made them. */
function sandboxDigests(): NonNullable<BehaviourFile["agents"]>["sandbox"] {
  const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  const { engine, prelude } = readSandboxFiles();
  return { engine: sha256(engine), prelude: sha256(prelude) };
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
        createCaller("agent", terms.agentCredential),
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
