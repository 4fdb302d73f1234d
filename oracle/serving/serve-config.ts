/** The part of a node's configuration that `adyton oracle serve` looks at: one file does for both. */

import { dirname, resolve } from "node:path";
import * as z from "zod";
import { ConfigError } from "../../protocol/errors.ts";
import { distinct } from "../configuration/fields.ts";
import { RetentionSection } from "../configuration/retention-section.ts";
import { ServeSection } from "../configuration/serve-section.ts";
import { OracleConfig, readConfigFile, StoreSection, withAbsoluteArchive } from "../config.ts";

/** A name that a node does not know either is a slip of the hand. */
const OF_NODES = Object.fromEntries(
  Object.keys(OracleConfig.shape).map((name) => [name, z.unknown().optional()]),
) as Record<keyof typeof OracleConfig.shape, z.ZodOptional<z.ZodUnknown>>;

const Configured = z.strictObject({
  ...OF_NODES,
  chains: z
    .array(z.looseObject({ chainId: z.int().min(1) }))
    .min(1)
    .superRefine(distinct("chainId", ({ chainId }) => String(chainId))),
  store: StoreSection,
  retention: RetentionSection.optional(),
  serve: ServeSection.prefault({}),
  logLevel: OracleConfig.shape.logLevel,
});

export interface ServeConfig extends Pick<OracleConfig, "retention" | "logLevel"> {
  readonly chainIds: readonly number[];
  readonly storeUrl: string;
  readonly http: { readonly host: string; readonly port: number };
}

/**
 * Reads it from a file, and no other file that this one names.
 *
 * @throws {ConfigError} CONFIG_INVALID, also for the embedded store, which belongs to the one process that runs the node
 */
export async function loadServeConfig(file: string): Promise<ServeConfig> {
  const { chains, store, retention, serve, logLevel } = await readConfigFile(file, Configured);
  if (store.kind === "pglite") {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message:
        "the store is PGlite, which one process alone can open: the node itself serves its index, at http.host and http.port; " +
        'adyton oracle serve wants "store": { "kind": "postgres" } (docs/how-to/serve-the-index.md)',
      details: { file, store: store.kind },
    });
  }
  return {
    chainIds: chains.map(({ chainId }) => chainId),
    storeUrl: serve.storeUrl ?? store.url,
    http: serve,
    ...withAbsoluteArchive({ retention }, dirname(resolve(file))),
    logLevel,
  };
}
