/** Leaves a consumer's secrets with the nodes, encrypted to the network's key, and writes the reference into the consumer. */

import type { Signer } from "ethers";
import { FunctionsConcierge__factory } from "../../contracts/bindings/factories/index.ts";
import type { FunctionsClient, SecretsReference } from "../../oracle/functions/client.ts";
import type { FunctionsFile } from "./functions-file.ts";

export interface LeaveSecretsOptions {
  readonly file: FunctionsFile;
  readonly client: FunctionsClient;
  readonly signer: Signer;
  /** Of the network of nodes, not of the enclave. */
  readonly gatewayUrls: readonly string[];
  readonly slotId: number;
  readonly minutesUntilExpiration: number;
}

export async function leaveSecrets({
  file,
  client,
  signer,
  ...where
}: LeaveSecretsOptions): Promise<SecretsReference> {
  const { enclaveUrl, enclaveCredential } = file;
  const secrets = await client.uploadSecrets({ ...where, secrets: { enclaveUrl, enclaveCredential } });
  const consumer = FunctionsConcierge__factory.connect(file.consumer, signer);
  const transaction = await consumer.setSecrets(secrets.location, secrets.reference);
  await transaction.wait();
  return secrets;
}
