/** The front (oracle/front/front.ts) before an enclave that a policy accepts. */

import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { connectEnclave } from "../../oracle/enclaves/enclave-session.ts";
import { createEvidenceVerifier } from "../../client/evidence-verifier.ts";
import { readHeader } from "../../oracle/chain/chain-reader.ts";
import { RpcEndpoint } from "../../oracle/chain/rpc/rpc-endpoint.ts";
import { createFront } from "../../oracle/front/front.ts";
import type { ReadBlock } from "../../oracle/front/functions-call.ts";
import { listen, type Listening, type ServerTls } from "../../oracle/http/server.ts";
import { createLogger } from "../../oracle/log.ts";
import { InputError } from "../../protocol/errors.ts";
import { readInputText } from "../input-file.ts";
import { openCharge } from "./charge-file.ts";
import { readPolicy } from "../verify/evidence-options.ts";

const ATTESTATION_TIMEOUT_MS = 10_000;
/** Milliseconds: a script waits four seconds for a reply. */
const RPC_TIMEOUT_MS = 2_000;

export interface FrontOptions {
  readonly enclaveUrl: string;
  /** Of the chain that the consumers are on. */
  readonly rpcUrl: string;
  /** Which enclaves are accepted. */
  readonly policyFile: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Of the front's own domain. Without it, something else ends TLS. */
  readonly tls?: ServerTls;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
  /** What calls cost (`ChargeFile`). */
  readonly chargeFile?: string;
}

/** @throws {InputError} INPUT_INVALID for a policy, or a file of what calls cost, that cannot be read */
export async function startFront(options: FrontOptions): Promise<Listening> {
  const { enclaveUrl, now, onError, host, port, tls, chargeFile } = options;
  const payments =
    chargeFile === undefined ? undefined : openCharge(chargeFile, () => Math.floor(now() / 1_000));
  const policy = await readPolicy(options.policyFile);
  const verifier = createEvidenceVerifier({ policy, endorsements: createVendorSource(), now });
  const app = createFront({
    connect: async () => {
      // Evidence is shown to everybody: the front itself needs no credential.
      const address = { url: enclaveUrl, callerToken: "none" };
      const limits = { answerTimeoutMs: ATTESTATION_TIMEOUT_MS, maxSockets: 1 };
      const { client, attestation } = await connectEnclave(address, verifier, limits);
      client.close();
      return { url: enclaveUrl, tlsKeyHash: attestation.keyset.tlsKeyHash };
    },
    readBlock: createBlockReader(options),
    onError,
    ...(payments === undefined ? {} : { payments }),
  });
  const listening = await listen(app, { host, port, ...(tls === undefined ? {} : { tls }) }).catch(
    (error: unknown) => {
      payments?.journal.close();
      throw error;
    },
  );
  return {
    port: listening.port,
    close: async () => {
      await listening.close();
      payments?.journal.close();
    },
  };
}

/** Blocks as one server tells them. */
function createBlockReader({ rpcUrl, now }: FrontOptions): ReadBlock {
  const log = createLogger({ level: "error", write: () => undefined, now });
  const endpoint = new RpcEndpoint({ url: rpcUrl, timeoutMs: RPC_TIMEOUT_MS, log, now });
  return async (number) => {
    const header = await readHeader(endpoint, Number(number));
    return header === undefined ? undefined : { number, hash: header.hash };
  };
}

/** @throws {InputError} INPUT_INVALID for one file without the other, and for files that cannot be read */
export function readTls(files: { readonly certificate?: string; readonly key?: string }): ServerTls | null {
  const { certificate, key } = files;
  if (certificate === undefined && key === undefined) return null;
  if (certificate === undefined || key === undefined)
    throw new InputError({ code: "INPUT_INVALID", message: "--certificate and --key go together" });
  return { cert: readInputText(certificate), key: readInputText(key) };
}
