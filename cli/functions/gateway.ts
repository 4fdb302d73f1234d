/** The gateway (oracle/functions/gateway.ts) before an enclave that a policy accepts. */

import { readFileSync } from "node:fs";
import { parseAppraisalPolicy } from "../../attestation/index.ts";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { connectEnclave } from "../../oracle/enclaves/enclave-session.ts";
import { createEvidenceVerifier } from "../../oracle/enclaves/evidence-verifier.ts";
import { readHeader } from "../../oracle/chain/chain-reader.ts";
import { RpcEndpoint } from "../../oracle/chain/rpc-endpoint.ts";
import { createGateway, type GatewayOptions } from "../../oracle/functions/gateway.ts";
import { listen, type Listening } from "../../oracle/http/server.ts";
import { createLogger } from "../../oracle/log.ts";
import { InputError } from "../../protocol/errors.ts";

const ATTESTATION_TIMEOUT_MS = 10_000;
/** Milliseconds: a script waits four seconds for a reply. */
const RPC_TIMEOUT_MS = 2_000;

export interface FunctionsGatewayOptions {
  readonly enclaveUrl: string;
  /** Of the chain that the consumers are on. */
  readonly rpcUrl: string;
  /** Which enclaves are accepted. */
  readonly policyFile: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

/** @throws {InputError} INPUT_INVALID for a policy that cannot be read */
export async function startFunctionsGateway(options: FunctionsGatewayOptions): Promise<Listening> {
  const { enclaveUrl, now, onError, host, port } = options;
  const policy = parseAppraisalPolicy(readJson(options.policyFile));
  const verifier = createEvidenceVerifier({ policy, endorsements: createVendorSource(), now });
  const app = createGateway({
    connect: async () => {
      // Evidence is shown to everybody: the gateway itself needs no credential.
      const address = { url: enclaveUrl, callerToken: "none" };
      const limits = { answerTimeoutMs: ATTESTATION_TIMEOUT_MS, maxSockets: 1 };
      const { client, attestation } = await connectEnclave(address, verifier, limits);
      client.close();
      return { url: enclaveUrl, tlsKeyHash: attestation.keyset.tlsKeyHash };
    },
    readBlock: createBlockReader(options),
    onError,
  });
  return await listen(app, { host, port });
}

/** Blocks as one server tells them. */
function createBlockReader({ rpcUrl, now }: FunctionsGatewayOptions): GatewayOptions["readBlock"] {
  const log = createLogger({ level: "error", write: () => undefined, now });
  const endpoint = new RpcEndpoint({ url: rpcUrl, timeoutMs: RPC_TIMEOUT_MS, log, now });
  return async (number) => {
    const header = await readHeader(endpoint, Number(number));
    return header === undefined ? undefined : { number, hash: header.hash };
  };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: `${file} cannot be read as JSON`, cause });
  }
}
