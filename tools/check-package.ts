/**
 * `npm run test:package`: packs the package, installs it into an empty project, and uses it as its users would: the
 * command verifies a receipt, `adyton/attestation` loads no store, chain or server library, a Foundry project compiles a
 * consumer, and the road through Chainlink Functions says which package it wants.
 */

import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { writeSampleReceipt } from "../tests/support/sample-receipt.ts";

const FORBIDDEN = ["@electric-sql/pglite", "ethers", "express", "pg-boss", "kysely"];

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

const FOUNDRY = `[profile.default]
src = "src"
libs = ["node_modules"]
auto_detect_remappings = false
remappings = ["adyton/=node_modules/adyton/", "@openzeppelin/=node_modules/@openzeppelin/"]
solc = "${resolve("tools/solc")}"
offline = true
evm_version = "osaka"
`;

const folder = mkdtempSync(join(tmpdir(), "adyton-package-"));
try {
  const archive = pack(folder);
  writeFileSync(join(folder, "package.json"), '{ "name": "empty", "private": true, "type": "module" }\n');
  run("npm", ["install", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error", archive], folder);
  await checkCommand(folder);
  checkImports(folder);
  checkSolidity(folder);
  checkFunctions(folder);
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

function pack(destination: string): string {
  // .npmrc keeps dependencies from running scripts; our own prepack, which builds dist/, must run here.
  run(
    "npm",
    ["pack", "--ignore-scripts=false", "--pack-destination", destination, "--loglevel=error"],
    process.cwd(),
  );
  const archive = readdirSync(destination).find((name) => name.endsWith(".tgz"));
  if (archive === undefined) throw new Error("npm pack left no archive");
  say(`packed ${archive}`);
  return join(destination, archive);
}

async function checkCommand(cwd: string): Promise<void> {
  const { receiptFile, policyFile } = await writeSampleReceipt(cwd);
  const command = join(cwd, "node_modules", ".bin", "adyton");
  run(command, ["verify", receiptFile, "--policy", policyFile], cwd, 0);
  run(command, ["verify", receiptFile], cwd, 4);
  run(command, ["verify", join(cwd, "package.json")], cwd, 3);
  say("adyton verify: 0 with the policy, 4 without, 3 for what is no evidence");
}

function checkImports(cwd: string): void {
  const script = join(cwd, "list-loaded.js");
  writeFileSync(script, LIST_LOADED);
  const loaded = JSON.parse(run(process.execPath, [script], cwd)) as readonly string[];
  const unwanted = loaded.filter((name) => FORBIDDEN.includes(name));
  if (unwanted.length > 0) throw new Error(`adyton/attestation loads ${unwanted.join(", ")}`);
  say(`adyton/attestation loads ${loaded.join(", ")}`);
}

function checkSolidity(cwd: string): void {
  mkdirSync(join(cwd, "src"));
  writeFileSync(join(cwd, "src", "Consumer.sol"), CONSUMER);
  writeFileSync(join(cwd, "foundry.toml"), FOUNDRY);
  for (const example of ["ContentModerator.sol", "FunctionsConcierge.sol"]) {
    copyFileSync(join("examples", example), join(cwd, "src", example));
  }
  run("forge", ["build"], cwd);
  say("a Foundry project compiles a consumer and the examples, with no package of Chainlink's");
}

function checkFunctions(cwd: string): void {
  if (existsSync(join(cwd, "node_modules", "@chainlink"))) {
    throw new Error("installing adyton brings packages of Chainlink's");
  }
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
