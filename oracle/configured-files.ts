/** What the configuration keeps in files of its own. Read at the start, so that a file that is wrong is said then. */

import { readFileSync } from "node:fs";
import { parseAppraisalPolicy } from "../attestation/index.ts";
import type { AppraisalPolicy } from "../attestation/index.ts";
import { AdytonError, ConfigError } from "../protocol/errors.ts";
import type { OracleConfig } from "./config.ts";

/** A token that is guessed in a lifetime of requests is none. */
const MIN_TOKEN_CHARS = 16;

/** @throws {ConfigError} CONFIG_INVALID when the file cannot be read or is no policy */
export function readAppraisalPolicy({ appraisalPolicy: file }: OracleConfig): AppraisalPolicy {
  try {
    return parseAppraisalPolicy(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    const why =
      cause instanceof AdytonError
        ? cause.message
        : "the file cannot be read as JSON: adyton verify URL --init-policy FILE writes one";
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
export function readAdminToken({ http: { adminTokenFile: file } }: OracleConfig): string | undefined {
  if (file === undefined) {
    return undefined;
  }
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "http.adminTokenFile: the file cannot be read",
      details: { file },
      cause,
    });
  }
  if (token.length < MIN_TOKEN_CHARS) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `http.adminTokenFile: the token has fewer than ${MIN_TOKEN_CHARS} characters`,
      details: { file },
    });
  }
  return token;
}
