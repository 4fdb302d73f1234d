/** The network of `adyton up` whose model is a provider that wants a key, which the operator has given it. */

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wallClock } from "../../../cli/clock.ts";
import { readEnvironment } from "../../../devnet/config.ts";
import { startNetwork, type LocalNetwork } from "../../../devnet/start.ts";
import { startFixedProvider, type FixedProvider } from "../../enclave/support/fixed-provider.ts";

export interface KeyedNetwork {
  /** Where its processes keep their files. */
  readonly folder: string;
  readonly network: LocalNetwork;
  readonly provider: FixedProvider;
  /** Every file below `folder`: configuration, logs, and the store's own. */
  readonly filesOnDisk: () => readonly string[];
  readonly stop: () => Promise<void>;
}

export async function startKeyedNetwork(
  modelKey: string,
  content: string,
  usage?: object,
): Promise<KeyedNetwork> {
  const parent = mkdtempSync(join(tmpdir(), "adyton-keyed-"));
  const folder = join(parent, "network");
  const provider = await startFixedProvider(content, usage);
  const modelCaFile = join(parent, "model-ca.pem");
  writeFileSync(modelCaFile, provider.certificateAuthority);
  const network = await startNetwork({
    environment: {
      ...readEnvironment(),
      keys: { OPENAI_API_KEY: modelKey },
      modelUrl: provider.url,
      modelName: "m",
      modelCaFile,
    },
    folder,
    now: wallClock,
    signal: new AbortController().signal,
    onStep: () => undefined,
  });
  return {
    folder,
    network,
    provider,
    filesOnDisk: () =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .map((name) => join(folder, name))
        .filter((path) => statSync(path).isFile()),
    stop: async () => {
      await network.stop();
      await provider.stop();
      rmSync(parent, { recursive: true, force: true });
    },
  };
}
