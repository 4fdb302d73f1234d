/** `adyton upgrade …`: planned upgrades of enclaves, from the owners' signatures to the hand-over of secrets. */

import { InvalidArgumentError, type Command } from "commander";
import type { AnnounceOptions, ProposeOptions } from "./upgrade-files.ts";
import type { HandOverOptions } from "./hand-over.ts";

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

export function registerUpgrade(program: Command): void {
  const upgrade = program.command("upgrade").description("hand secrets over to an enclave's successor");
  upgrade
    .command("authority")
    .description("print what secrets name to go along: whose upgrades a behaviour file accepts")
    .argument("<behaviour>", "a behaviour file")
    .action(async (behaviour: string) => {
      const { authorityOf } = await import("./upgrade-files.ts");
      print(authorityOf(behaviour));
    });
  upgrade
    .command("propose")
    .description("write an upgrade for owners to sign")
    .requiredOption("--from-policy <file>", "accepts the enclave that gives, and no other")
    .requiredOption("--from-behaviour <file>", "its behaviour file")
    .requiredOption("--to-policy <file>", "accepts the successor, and no other")
    .requiredOption("--to-behaviour <file>", "its behaviour file")
    .requiredOption(
      "--sequence <number>",
      "higher than any before; upgrades.sequence of the successor",
      count,
    )
    .requiredOption("--out <file>", "what owners sign")
    .action(async (options: ProposeOptions) => {
      const { propose } = await import("./upgrade-files.ts");
      print(propose(options));
    });
  upgrade
    .command("sign")
    .description("add an owner's signature (EIP-712, so that a wallet can as well)")
    .argument("<upgrade>", "what propose wrote")
    .requiredOption("--key <file>", "an owner's key: 64 hex digits")
    .action(async (file: string, options: { readonly key: string }) => {
      const { sign } = await import("./upgrade-files.ts");
      print(sign(file, options.key));
    });
  upgrade
    .command("announce")
    .description("append a signed upgrade to the log, and sign the log's new head for witnesses to cosign")
    .argument("<upgrade>", "with its signatures")
    .requiredOption("--log <folder>", "upgrades.jsonl and checkpoint")
    .requiredOption("--name <name>", "of the log")
    .requiredOption("--key <file>", "of the log: 64 hex digits, Ed25519; made where it is not there")
    .action(async (file: string, options: AnnounceOptions) => {
      const { announce } = await import("./upgrade-files.ts");
      print(announce(file, options));
    });
  upgrade
    .command("hand-over")
    .description("have the successor take the secrets that named the owners")
    .requiredOption("--from <url>", "the enclave that gives")
    .requiredOption("--to <url>", "its successor")
    .requiredOption("--from-policy <file>", "as proposed")
    .requiredOption("--to-policy <file>", "as proposed")
    .requiredOption("--log <file>", "upgrades.jsonl")
    .requiredOption("--announced <file>", "a head with the upgrade that witnesses cosigned a timelock ago")
    .requiredOption("--head <file>", "the log's head, cosigned today")
    .requiredOption("--credential-file <file>", "of a caller that provisions; both enclaves know it")
    .action(async (options: HandOverOptions) => {
      const { handOver } = await import("./hand-over.ts");
      const { keysetId, taken, left } = await handOver(options);
      print(`taken from ${keysetId}: ${taken.length === 0 ? "nothing" : taken.join(", ")}`);
      if (left.length > 0) print(`already there, or of no use to the successor: ${left.join(", ")}`);
    });
}

function count(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError("expected a whole number above 0");
  return Number(text);
}
