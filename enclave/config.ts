/**
 * The process's surroundings belong to the host. What could already have changed this process before its first line
 * ran is a reason not to start; everything else is wiped, so that no library can read it later.
 */

import { ConfigError } from "../protocol/errors.ts";

/**
 * Read by Node, OpenSSL or the dynamic loader while the process starts: a certificate authority of the host's, TLS
 * without verification, a log of session keys, code loaded ahead of ours.
 */
const TAKES_EFFECT_BEFORE_US =
  /^(?:NODE_OPTIONS|NODE_EXTRA_CA_CERTS|NODE_TLS_REJECT_UNAUTHORIZED|NODE_USE_ENV_PROXY|NODE_USE_SYSTEM_CA|NODE_DEBUG|NODE_DEBUG_NATIVE|NODE_PATH|NODE_V8_COVERAGE|NODE_REDIRECT_WARNINGS|NODE_ICU_DATA|SSL_CERT_FILE|SSL_CERT_DIR|OPENSSL_.*|SSLKEYLOGFILE|LD_.*|DYLD_.*)$/;

/** Flags of Node that leave what the process does alone. All others (inspector, key log, preloads, proxies) refuse. */
const HARMLESS_FLAG =
  /^--(?:max-old-space-size=[0-9]+|max-semi-space-size=[0-9]+|disable-sigusr1|disable-warning=[A-Za-z]+|no-warnings|enable-source-maps|frozen-intrinsics|no-node-snapshot)$/;

export interface ProcessSurroundings {
  readonly env: Record<string, string | undefined>;
  readonly execArgv: readonly string[];
}

/**
 * On return the environment is empty, and nothing that the host could set before the start has had an effect.
 *
 * @throws {ConfigError} CONFIG_ENVIRONMENT_UNSAFE naming the variable or flag
 */
export function sealSurroundings({ env, execArgv }: ProcessSurroundings): void {
  const variable = Object.keys(env).find((name) => TAKES_EFFECT_BEFORE_US.test(name));
  const flag = execArgv.find((argument) => !HARMLESS_FLAG.test(argument));
  if (variable !== undefined || flag !== undefined) {
    throw new ConfigError({
      code: "CONFIG_ENVIRONMENT_UNSAFE",
      message: `the enclave does not start with ${variable ?? String(flag)} set: it takes effect before any of its code`,
      details: { variable: variable ?? null, flag: flag ?? null },
    });
  }
  for (const name of Object.keys(env)) Reflect.deleteProperty(env, name);
}

/** The surroundings of this process. */
export function processSurroundings(): ProcessSurroundings {
  return { env: process.env, execArgv: process.execArgv };
}
