import { connectEnclave } from "../enclaves/enclave-session.ts";
import { EnclaveSet } from "../enclaves/enclave-set.ts";
import { provisionSecrets } from "../enclaves/provisioning.ts";
import type { Chains } from "./chains.ts";
import type { NodeContext } from "./node-context.ts";

/** Begins to connect to the node's enclaves: each is verified, and given its secrets, before it is used. */
export function createEnclaves({ config, verifier, events, log }: NodeContext, chains: Chains): EnclaveSet {
  return new EnclaveSet({
    addresses: config.enclaves,
    connect: async (address) => {
      const limits = { answerTimeoutMs: config.answerTimeoutMs, maxSockets: config.concurrency };
      const session = await connectEnclave(address, verifier, limits);
      await provisionSecrets(session, address.secrets, log);
      return session;
    },
    isAdmitted: (session, chainId, policyId) => chains.isAdmitted(session, chainId, policyId),
    onConnected: () => events.emit("enclave"),
    log,
  });
}
