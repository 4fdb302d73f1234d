import { readFile } from "node:fs/promises";
import { ConfigError } from "../../protocol/errors.ts";
import { sealSecret } from "../../protocol/sealed-secret.ts";
import type { Logger } from "../log.ts";
import type { EnclaveSession, SecretFile } from "./enclave-session.ts";

/**
 * Brings an enclave the operator's secrets. An enclave forgets them with its process, so this follows every verified
 * connection. Each is sealed to the keyset that the evidence vouches for: TLS ends in the enclave too, and the seal holds
 * even where somebody terminates it before.
 *
 * The files are read each time: a key that was replaced is the one that the next start gets.
 *
 * @throws {ConfigError} CONFIG_INVALID for a file that has no key; {UpstreamError} ENCLAVE_UNAVAILABLE when the enclave does
 *   not take one. The session is closed then: answers that the provider refuses would be signed as failures.
 */
export async function provisionSecrets(
  session: EnclaveSession,
  secrets: readonly SecretFile[],
  log: Logger,
): Promise<void> {
  const { keysetId, client, attestation } = session;
  const target = { keysetId, sealingKey: attestation.keyset.sealingKey };
  try {
    for (const secret of secrets) {
      const sealed = await sealSecret(target, secret.name, await readSecret(secret), secret.upgrades);
      await client.putSecret(secret.name, sealed);
      log.info("enclave.provisioned", { keysetId, name: secret.name });
    }
  } catch (error) {
    client.close();
    throw error;
  }
}

/** @throws {ConfigError} CONFIG_INVALID naming the file */
export async function readSecret({ name, file }: SecretFile): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, "utf8")).trim();
  } catch (cause) {
    throw invalid(`secret ${name}: its file cannot be read`, file, cause);
  }
  if (!/^[\x21-\x7e]+$/.test(text))
    throw invalid(`secret ${name}: its file holds no key; one line of printable ASCII is expected`, file);
  return text;
}

function invalid(message: string, file: string, cause?: unknown): ConfigError {
  return new ConfigError({ code: "CONFIG_INVALID", message, details: { file }, cause });
}
