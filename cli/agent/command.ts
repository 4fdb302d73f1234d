/** `adyton agent`: from a new project to a program that runs in an enclave. */

import { writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { DEFAULT_NETWORK_FILE } from "../../devnet/network-file.ts";
import { ExitCode } from "../exit-codes.ts";
import { report } from "../failure.ts";
import { untilInterrupted } from "../interruption.ts";
import { commandLine } from "../invocation.ts";
import type { AccessOptions } from "./access.ts";
import type { AgentActOptions } from "./act.ts";
import type { AgentAskOptions } from "./ask.ts";
import type { AgentKeepOptions } from "./keep.ts";
import type { RunOptions } from "./run.ts";

export function registerAgent(program: Command): void {
  const agent = program.command("agent").description("write programs that run in an enclave, and run them");
  agent
    .command("init")
    .description("start a TypeScript project of an agent")
    .argument("<folder>", "a new folder, or an empty one")
    .action(async (folder: string) => {
      const { createAgentProject } = await import("./create-project.ts");
      const files = createAgentProject(resolve(folder));
      const here = relative(process.cwd(), resolve(folder)) || ".";
      process.stdout.write(
        `${files.map((file) => `  ${file}`).join("\n")}\n\nNext, with a network up (\`${commandLine("up")}\`):\n  ${commandLine("agent", "run", here)}\n`,
      );
    });
  agent
    .command("build")
    .description("bundle the project into one program file, and print the hash that names it")
    .argument("[folder]", "the project", ".")
    .option("--out <file>", "where the program goes (default: build/program.json in the project)")
    .option("--json", "print one JSON object")
    .action(async (folder: string, options: BuildOptions) => {
      await build(resolve(folder), options);
    });
  withAccess(
    agent
      .command("run")
      .description("run the project in an enclave, or against what a receipt recorded, and show every call")
      .argument("[folder]", "the project", "."),
  )
    .option("--input <json>", "what the program is given, or a file of it (default: input.json)")
    .option("--recorded <receipt>", "take the results of calls from this receipt, without any network")
    .option("--fee <wei>", "what its models may cost at most")
    .option("--watch", "run again whenever a file of the project changes, until Ctrl-C")
    .option("--json", "print one JSON object")
    .action(async (folder: string, options: RunOptions & { readonly watch?: true }) => {
      const { runAgent } = await import("./run.ts");
      const run = (): Promise<ExitCode> => runAgent(resolve(folder), options);
      process.exitCode = options.watch === true ? await watch(resolve(folder), run) : await run();
    });
  agent
    .command("ask")
    .description("have a contract of the network run the project's program, and wait for its answer on chain")
    .argument("[folder]", "the project", ".")
    .option("--network <file>", "network of `adyton up`", DEFAULT_NETWORK_FILE)
    .option("--input <json>", "what the program is given, or a file of it (default: input.json)")
    .option("--json", "print one JSON object")
    .action(async (folder: string, options: AgentAskOptions) => {
      const { findNetwork } = await import("../network-file.ts");
      const network = await findNetwork(options.network);
      const { askThroughContract } = await import("./ask.ts");
      process.exitCode = await askThroughContract(resolve(folder), network, options);
    });
  withAccess(
    agent
      .command("act")
      .description("have the program run for an AgentAccount that granted it, and send what it wants done")
      .argument("[folder]", "the project", "."),
  )
    .requiredOption("--account <address>", "the AgentAccount, or the module of a Safe")
    .requiredOption("--grant <id>", "the grant, of this very program")
    .option("--rpc <url>", "a node of the account's chain, instead of the network's")
    .option("--key <file>", "private key of whoever sends the transaction there")
    .option("--json", "print one JSON object")
    .action(async (folder: string, options: AgentActOptions) => {
      const { actForAccount } = await import("./act.ts");
      process.exitCode = await actForAccount(resolve(folder), options);
    });
  withAccess(
    agent
      .command("publish")
      .description("bring the program to an enclave, so that requests name it by its hash alone")
      .argument("[folder]", "the project", "."),
  )
    .option("--json", "print one JSON object")
    .action(async (folder: string, options: AccessOptions & { readonly json?: true }) => {
      await publish(resolve(folder), options);
    });
  withAccess(
    agent
      .command("keep")
      .description("bring the program's secrets to an enclave, and again to each keyset that is there later")
      .argument("[folder]", "the project", "."),
  )
    .requiredOption("--secret <name=file...>", "a secret of the manifest, and the file that holds it")
    .option("--every <seconds>", "look for another keyset so often, until Ctrl-C")
    .option("--upgrades <id>", "whose planned upgrades may take them along (upgradeAuthorityId)")
    .option("--json", "print one JSON object for each keyset")
    .action(async (folder: string, options: AgentKeepOptions) => {
      const { keepSecrets } = await import("./keep.ts");
      process.exitCode = await keepSecrets(resolve(folder), options);
    });
}

function withAccess(command: Command): Command {
  return command
    .option("--network <file>", "network of `adyton up`", DEFAULT_NETWORK_FILE)
    .option("--enclave <url>", "an enclave instead")
    .option("--policy <file>", "appraisal policy that the enclave's evidence must meet")
    .option("--credential <file>", "what the enclave's operator gave you");
}

interface BuildOptions {
  readonly out?: string;
  readonly json?: true;
}

async function build(folder: string, { out, json }: BuildOptions): Promise<void> {
  const { buildProgram } = await import("./build-program.ts");
  const { readProject } = await import("./project.ts");
  const { file, program } = await buildProgram(readProject(folder));
  const to = resolve(out ?? join(folder, "build", "program.json"));
  createFolder(join(to, ".."));
  writeFileSync(to, file);
  const built = { program: program.hash, bytes: file.length, file: to };
  process.stdout.write(
    json === true
      ? `${JSON.stringify(built)}\n`
      : `program  ${built.program}\nbytes    ${built.bytes}\nfile     ${built.file}\n`,
  );
}

async function publish(folder: string, options: AccessOptions & { readonly json?: true }): Promise<void> {
  const { readAccess } = await import("./access.ts");
  const { buildProgram } = await import("./build-program.ts");
  const { readProject } = await import("./project.ts");
  const { bringProgram, openEnclave } = await import("./run-on-network.ts");
  const project = readProject(folder);
  const built = await buildProgram(project);
  const access = await readAccess(options, project.manifest.models);
  using client = await openEnclave(access);
  await bringProgram(client, access, built);
  const published = { program: built.program.hash, enclave: access.url };
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify(published)}\n`
      : `program  ${published.program}\nis at    ${published.enclave}, until that enclave restarts\n`,
  );
}

/** What goes wrong in a run is said, and the next change is waited for. */
async function watch(folder: string, run: () => Promise<ExitCode>): Promise<ExitCode> {
  const { watchProject } = await import("./watch.ts");
  return await untilInterrupted(async (signal) => {
    await watchProject(
      folder,
      async () => {
        try {
          await run();
        } catch (error) {
          report(error);
        }
        process.stdout.write("watching for changes; Ctrl-C ends it\n");
      },
      signal,
    );
    return ExitCode.ok;
  });
}
