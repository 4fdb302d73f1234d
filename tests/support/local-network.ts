/** The network of `adyton up` for tests: real processes, in a folder of their own. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wallClock } from "../../cli/clock.ts";
import { readEnvironment } from "../../devnet/config.ts";
import { startNetwork, type LocalNetwork, type NetworkOptions } from "../../devnet/start.ts";

export type TestNetworkOptions = Partial<
  Pick<NetworkOptions, "model" | "models" | "firstByteMs" | "sources">
>;

/** A network with the stand-in model, whatever the environment says, and how to end it. */
export async function startTestNetwork(
  options: TestNetworkOptions = {},
): Promise<{ readonly network: LocalNetwork; readonly folder: string; readonly stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-network-"));
  const network = await startNetwork({
    environment: { ...readEnvironment(), keys: {}, modelUrl: null },
    folder,
    now: wallClock,
    signal: new AbortController().signal,
    onStep: () => undefined,
    ...options,
  });
  const stop = async (): Promise<void> => {
    await network.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { network, folder, stop };
}
