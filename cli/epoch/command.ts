/** `adyton epoch`: proves what a ledger has to settle. */

import { InvalidArgumentError, type Command } from "commander";
import type { ProveOptions } from "./prove.ts";

const HELP = `
Anybody can prove: the state comes from the chain's logs, and what enclaves
signed from files or URLs (the reply of a node's
GET /v1/ledgers/{ledger}/transitions). Queued rows come first; what no proof can
be made of is left out and named. What is written holds all that settle takes
except the signature of one admitted enclave over its witnessDigest.
Needs @aztec/bb.js, @noir-lang/noir_js and @noir-lang/noir_wasm.

Example:
  adyton epoch prove --rpc http://127.0.0.1:8545 --ledger 0x… \\
    --transitions http://127.0.0.1:7788/v1/ledgers/0x…/transitions \\
    --srs srs --payee 0x…`;

const parseCount = (text: string): number => {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError("expected a whole number above 0");
  return Number(text);
};

export function registerEpoch(program: Command): void {
  program
    .command("epoch")
    .description("prove epochs of a ledger")
    .command("prove")
    .description("prove what waits: queued rows, signed transitions, and reads that are asked for")
    .requiredOption("--rpc <url>", "a node of the ledger's chain")
    .requiredOption("--ledger <address>", "the ProvenLedger")
    .requiredOption("--srs <folder>", "the reference string: see adyton srs")
    .requiredOption("--payee <address>", "who is paid for queued rows")
    .option("--transitions <file or url...>", "what enclaves signed, of each node that collects it")
    .option("--read <key...>", "keys to say the value of")
    .option("--memory <megabytes>", "the prover's limit", parseCount, 4_000)
    .option("--threads <number>", "threads of the prover", parseCount, 2)
    .option("--cache <folder>", "where compiled circuits are kept", ".adyton/circuits")
    .option(
      "--out <file>",
      "where the proven epoch is written; with --follow, its number is added to the name",
      "epoch.json",
    )
    .option("--follow", "go on: prove each epoch on top of the one before, and again after a reorg")
    .addHelpText("after", HELP)
    .action(async (options: ProveOptions) => {
      const { prove } = await import("./prove.ts");
      await prove(options);
    });
}
