/**
 * The process's surroundings belong to the host, and Node, OpenSSL and the loader read them before the first line of ours: a
 * certificate authority of the host's, TLS without verification, a log of session keys, code from a cache in place of the
 * bundle's. So the enclave starts with no environment at all, and the image's init, which is measured, starts it so. This check
 * is for deployments that forgot to: whoever replaced the code has removed the check with it.
 */

import { ConfigError } from "../protocol/errors.ts";

/** Flags of Node that leave what the process does alone. All others (inspector, key log, preloads, proxies) refuse. */
const HARMLESS_FLAG =
  /^--(?:max-old-space-size=[0-9]+|max-semi-space-size=[0-9]+|disable-sigusr1|disable-warning=[A-Za-z]+|no-warnings|enable-source-maps|frozen-intrinsics|no-node-snapshot)$/;

export interface ProcessSurroundings {
  readonly env: Record<string, string | undefined>;
  readonly execArgv: readonly string[];
}

/**
 * Refuses any environment: a list of names that are harmless is never complete.
 *
 * @throws {ConfigError} CONFIG_ENVIRONMENT_UNSAFE naming the variable or flag
 */
export function checkSurroundings({ env, execArgv }: ProcessSurroundings): void {
  const variable = Object.keys(env)[0];
  const flag = execArgv.find((argument) => !HARMLESS_FLAG.test(argument));
  if (variable !== undefined || flag !== undefined) {
    throw new ConfigError({
      code: "CONFIG_ENVIRONMENT_UNSAFE",
      message: `the enclave does not start with ${variable ?? String(flag)} set: start it with an empty environment, as in \`env -i node enclave.mjs …\``,
      details: { variable: variable ?? null, flag: flag ?? null },
    });
  }
}

/** The surroundings of this process. */
export function processSurroundings(): ProcessSurroundings {
  return { env: process.env, execArgv: process.execArgv };
}
