/** The configuration of a local network's oracle. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type * as z from "zod";
import type { OracleConfig } from "../oracle/config.ts";
import type { Hex } from "../protocol/bytes.ts";
import type { CoreDeployment } from "./deployment.ts";
import { createFolder } from "../endorsements/files/create-folder.ts";

/** As an operator writes it. */
export type OracleFile = z.input<typeof OracleConfig>;
type ChainSection = OracleFile["chains"][number];

/** A local chain's section, with blocks that come often and do not go away. */
export function localChainSection(
  chainId: bigint,
  rpcUrls: readonly string[],
  deployment: Pick<CoreDeployment, "coordinator" | "enclaveRegistry" | "policyId" | "verifier">,
): ChainSection {
  return {
    chainId: Number(chainId),
    rpcUrls: [...rpcUrls],
    coordinator: deployment.coordinator,
    registry: deployment.enclaveRegistry,
    confirmations: 0,
    pollMs: 100,
    admissions: [{ policyId: deployment.policyId, verifier: deployment.verifier }],
  };
}

export interface OracleTerms extends Pick<OracleFile, "chains" | "enclaves" | "appraisalPolicy"> {
  readonly transmitterKeys: readonly Hex[];
  /** Settings that differ from those of other local networks. */
  readonly change?: Partial<OracleFile>;
}

/** Writes the file that `oracle/main --config` takes, and the keys that it names. */
export function writeOracleConfig(folder: string, terms: OracleTerms): string {
  createFolder(folder);
  const write = (name: string, content: string): string => {
    const file = join(folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  const config: OracleFile = {
    chains: terms.chains,
    enclaves: terms.enclaves,
    appraisalPolicy: terms.appraisalPolicy,
    transmitterKeys: terms.transmitterKeys.map((key, index) => ({
      kind: "raw",
      file: write(`transmitter-${index}.key`, key),
    })),
    store: { kind: "pglite", path: join(folder, "store") },
    http: { host: "127.0.0.1", port: 0 },
    ...terms.change,
  };
  return write("oracle.json", JSON.stringify(config, null, 2));
}
