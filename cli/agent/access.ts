/** Which enclave runs a program: a local network's, or one that is named with its policy and a credential. */

import { InputError } from "../../protocol/errors.ts";
import { readInputText } from "../input-file.ts";
import { findNetwork } from "../network-file.ts";
import type { EnclaveAccess } from "./run-on-network.ts";

export interface AccessOptions {
  readonly network: string;
  readonly enclave?: string;
  readonly policy?: string;
  readonly credential?: string;
}

/**
 * @param models that the program may ask
 * @throws {InputError} INPUT_INVALID for a model that the network does not serve, naming those that it does; {ChainError} where no
 *   network is up
 */
export async function readAccess(
  { network: file, enclave, policy, credential }: AccessOptions,
  models: readonly string[],
): Promise<EnclaveAccess> {
  if (enclave !== undefined) {
    if (policy === undefined || credential === undefined) {
      throw new InputError({
        code: "INPUT_INVALID",
        message: "--enclave wants --policy FILE, which its evidence must meet, and --credential FILE",
      });
    }
    // From a file: on a command line everyone on the machine would read it.
    return { url: enclave, policyFile: policy, credential: readInputText(credential).trim() };
  }
  const network = await findNetwork(file);
  const unknown = models.filter((model) => !network.models.includes(model));
  if (unknown.length > 0) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `agent.json: this network serves no ${unknown.join(", ")}, but ${network.models.join(", ")}`,
    });
  }
  return { url: network.enclaveUrl, policyFile: network.policyFile, credential: network.agentCredential };
}
