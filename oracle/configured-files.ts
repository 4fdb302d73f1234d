/** Settings that the configuration keeps in files of their own. Read at the start, so that a wrong file is told then. */

import { readFileSync } from "node:fs";
import { type AppraisalPolicy, parsePolicyFile } from "../attestation/index.ts";
import { AdytonError, ConfigError } from "../protocol/errors.ts";
import { readPeerKey, type PeerKey } from "./peers/message-signature.ts";
import type { OracleConfig } from "./config.ts";

/**
 * The key that this node signs with what it tells other operators' nodes; `undefined` when none are configured.
 *
 * @throws {ConfigError} CONFIG_INVALID when the file cannot be read or holds no such key
 */
export function readOperatorKey({ operators }: OracleConfig): PeerKey | undefined {
  if (operators === undefined) return undefined;
  const { keyFile: file, peers } = operators;
  try {
    const key = readPeerKey(readFileSync(file, "utf8"));
    if (!peers.some((peer) => peer.key === key.name)) return key;
  } catch (cause) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "operators.keyFile: no Ed25519 key can be read there: adyton oracle peer-key FILE writes one",
      details: { file },
      cause,
    });
  }
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: "operators.peers: one of them is this node itself, by its key",
    details: { file },
  });
}

/** A token that is guessed in a lifetime of requests is none. */
const MIN_TOKEN_CHARS = 16;

/** @throws {ConfigError} CONFIG_INVALID when the file cannot be read or is no policy */
export function readAppraisalPolicy({ appraisalPolicy: file }: OracleConfig): AppraisalPolicy {
  try {
    return parsePolicyFile(readFileSync(file), file);
  } catch (cause) {
    const why =
      cause instanceof AdytonError
        ? cause.message
        : "the file cannot be read: adyton verify URL --init-policy FILE writes one";
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `appraisalPolicy: ${why}`,
      details: { file },
      cause,
    });
  }
}

/**
 * The token for /v1/admin; `undefined` when none is configured.
 *
 * @throws {ConfigError} CONFIG_INVALID when the file cannot be read or the token is too short
 */
export function readAdminToken({
  http: { adminTokenFile: file },
}: Pick<OracleConfig, "http">): string | undefined {
  return file === undefined ? undefined : readToken("http.adminTokenFile", file);
}

/**
 * The token of the console; `undefined` when there is none.
 *
 * @throws {ConfigError} CONFIG_INVALID when the file cannot be read, or the token is too short or the admin's
 */
export function readConsoleToken(config: Pick<OracleConfig, "http" | "console">): string | undefined {
  if (config.console === undefined) return undefined;
  const { tokenFile: file } = config.console;
  const token = readToken("console.tokenFile", file);
  if (token !== readAdminToken(config)) return token;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message:
      "console.tokenFile: the token is the admin's, which stops the node: give the console one of its own",
    details: { file },
  });
}

function readToken(field: string, file: string): string {
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `${field}: the file cannot be read`,
      details: { file },
      cause,
    });
  }
  if (token.length >= MIN_TOKEN_CHARS) return token;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `${field}: the token has fewer than ${MIN_TOKEN_CHARS} characters`,
    details: { file },
  });
}
