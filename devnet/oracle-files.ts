/** The configuration of a local network's oracle. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import type { OracleConfig } from "../oracle/config.ts";
import type { SecretFile } from "../oracle/enclaves/enclave-session.ts";
import type { Hex } from "../protocol/bytes.ts";
import type { Deployment } from "./deployment.ts";

export interface OracleTerms {
  readonly rpcUrl: string;
  readonly chainId: bigint;
  readonly deployment: Deployment;
  readonly enclaveUrl: string;
  readonly credential: string;
  readonly secrets: readonly SecretFile[];
  readonly policyFile: string;
  readonly transmitterKey: Hex;
}

/** Writes the file that `oracle/main --config` takes. */
export function writeOracleConfig(folder: string, terms: OracleTerms): string {
  const { deployment } = terms;
  const keyFile = join(folder, "transmitter.key");
  writeFileSync(keyFile, terms.transmitterKey, { mode: 0o600 });
  const config: z.input<typeof OracleConfig> = {
    chains: [
      {
        chainId: Number(terms.chainId),
        rpcUrls: [terms.rpcUrl],
        coordinator: deployment.coordinator,
        registry: deployment.enclaveRegistry,
        confirmations: 0,
        pollMs: 100,
        admissions: [{ policyId: deployment.policyId, verifier: deployment.verifier }],
      },
    ],
    enclaves: [{ url: terms.enclaveUrl, callerToken: terms.credential, secrets: [...terms.secrets] }],
    appraisalPolicy: terms.policyFile,
    transmitterKeys: [{ kind: "raw", file: keyFile }],
    store: { kind: "pglite", path: join(folder, "store") },
    http: { host: "127.0.0.1", port: 0 },
  };
  const file = join(folder, "oracle.json");
  writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
  return file;
}
