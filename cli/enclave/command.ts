/** `adyton enclave …`: what the operator of an enclave writes before it is started. */

import { InvalidArgumentError, type Command } from "commander";
import { PROVIDER_TEMPLATES } from "../../enclave/models/catalog/catalog.ts";
import type { InitOptions } from "./init.ts";

const names = PROVIDER_TEMPLATES.map(({ name }) => name).join(", ");

export function registerEnclave(program: Command): void {
  const enclave = program.command("enclave").description("configure an enclave");
  enclave
    .command("init")
    .description("write a behaviour file and an operator file for providers of the catalogue")
    .requiredOption("--provider <name...>", `one or several of ${names}`)
    .option(
      "--model <name...>",
      "what the provider calls its models; with one provider (default: the catalogue's)",
    )
    .option("--base-url <url>", "where the provider's API is, with one provider (default: the vendor's)")
    .option("--weights-sha256 <hex>", "digest of the weights, for a server on the loopback")
    .requiredOption("--payee <address>", "who is paid for answers")
    .requiredOption("--coordinator <chainId:address...>", "coordinators that are served")
    .requiredOption("--wei-per-input-token <wei>", "your price", parseWei)
    .requiredOption("--wei-per-output-token <wei>", "your price, for thinking too", parseWei)
    .option("--attester <kind>", "configfs-tsm, dstack or nitro", "configfs-tsm")
    .option("--sources", "let prompts name pages, images and documents of the public Internet")
    .option(
      "--reads <chainId=url...>",
      "servers of chains that have eth_getProof: let questions read contracts (Inference.withReads)",
    )
    .option("--folder <path>", "where to write", ".")
    .action(async (options: InitOptions) => {
      const { initEnclave } = await import("./init.ts");
      process.stdout.write(initEnclave(options));
    });
}

function parseWei(text: string): string {
  if (!/^(?:0|[1-9][0-9]{0,38})$/.test(text))
    throw new InvalidArgumentError("expected a whole number of wei");
  return text;
}
