import { join } from "node:path";
import type { JsonRpcProvider } from "ethers";
import { EnclaveRegistry__factory } from "../contracts/bindings/factories/index.ts";
import { ConfigError } from "../protocol/errors.ts";
import type { Deployment } from "./deployment.ts";

/** Milliseconds that the oracle has to admit the enclave on chain. */
const ADMISSION_MS = 60_000;
/** Milliseconds between looks at the chain. */
const LOOK_MS = 100;

/**
 * Waits until the registry has admitted a keyset by its evidence.
 *
 * @returns what there is to see
 * @throws {ConfigError} CONFIG_INVALID when it did not
 */
export async function awaitAdmission(
  provider: JsonRpcProvider,
  { enclaveRegistry, policyId }: Deployment,
  folder: string,
): Promise<string> {
  const registry = EnclaveRegistry__factory.connect(enclaveRegistry, provider);
  const giveUpAt = performance.now() + ADMISSION_MS;
  while (performance.now() < giveUpAt) {
    const [admitted] = await registry.queryFilter(registry.filters.EnclaveAdmitted(policyId));
    if (admitted !== undefined)
      return `keyset ${admitted.args.keysetId.slice(0, 10)}… admitted on chain by its evidence`;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const message = `the enclave was not admitted on chain within ${ADMISSION_MS / 1000} s; see ${join(folder, "oracle.log")}`;
  throw new ConfigError({ code: "CONFIG_INVALID", message });
}
