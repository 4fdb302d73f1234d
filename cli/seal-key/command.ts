/** `adyton seal-key URL`: a provider key for one enclave, sealed once its evidence satisfies a policy. */

import type { Command } from "commander";
import { parseCount } from "../options.ts";

interface SealKeyOptions {
  readonly policy: string;
  readonly keyFile: string;
  readonly model: readonly string[];
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly days: number;
  readonly credentialFile?: string;
}

const DEFAULT_DAYS = 7;

export function registerSealKey(program: Command): void {
  program
    .command("seal-key")
    .description(
      "seal a provider key of your own to an enclave, with a cap, for its OpenAI-compatible routes",
    )
    .argument("<url>", "https URL of the enclave")
    .requiredOption("--policy <file>", "what its evidence must show before the key is sealed to it")
    .requiredOption("--key-file <file>", "holds the provider's key on one line")
    .requiredOption("--model <provider/model...>", "models that the key may be used for, of one provider")
    .requiredOption("--input-tokens <n>", "the most that the enclave may spend of it", parseCount)
    .requiredOption("--output-tokens <n>", "likewise", parseCount)
    .option("--days <n>", "how long the seal can be used, at most 31", parseCount, DEFAULT_DAYS)
    .option("--credential-file <file>", "the bearer credential that you will show (default: a new one)")
    .action(async (url: string, options: SealKeyOptions) => {
      const { sealKey } = await import("./seal-key.ts");
      const sealed = await sealKey({
        url,
        policyFile: options.policy,
        keyFile: options.keyFile,
        credentialFile: options.credentialFile ?? null,
        models: options.model,
        cap: {
          inputTokens: options.inputTokens,
          outputTokens: options.outputTokens,
        },
        days: options.days,
      });
      process.stdout.write(`${JSON.stringify(sealed, null, 2)}\n`);
    });
}
