/**
 * Compiles the contracts, the examples and the consumers that benchmarks measure, and writes typed bindings for them to `contracts/bindings/` (not committed).
 * Does nothing when no source has changed since the last run. Quiet on stdout, since `npm run -s demo -- --json` runs it first.
 *
 * Deployment order, each taking addresses of the ones before it: EnclaveRegistry(chainAdapter or zero, maxEvidenceAgeBlocks),
 * SimulatedVerifier(enclaves, keyX, keyY), OracleCoordinator(enclaves, chainAdapter or zero, guardian, fallbackWindowSeconds,
 * cancelDelaySeconds).
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { runTypeChain } from "typechain";
import { z } from "zod";

const ROOT = join(import.meta.dirname, "..");
const BINDINGS = join(ROOT, "contracts/bindings");
const STAMP = join(BINDINGS, ".stamp");
const STAGING = join(ROOT, "cache/bindings");
/** Apart from `out/`, where `forge test` keeps its artifacts: two sets of sources in one cache disturb each other. */
const ARTIFACTS = "cache/contracts/out";
const COMPILER_CACHE = "cache/contracts";

const SOURCES = [
  "contracts/src/**/*.sol",
  "examples/**/*.sol",
  "bench/gas/*.sol",
  "bench/functions/*.sol",
  "bench/cre/*.sol",
  "bench/oracle/*.sol",
];
const OTHER_INPUTS = ["foundry.toml", "tools/build-contracts.ts", "tools/solc"];
/** Packages whose version decides what comes out. */
const PACKAGES = ["@openzeppelin/contracts", "@typechain/ethers-v6", "solc", "typechain"];

const Artifact = z.object({
  abi: z.array(z.unknown()),
  metadata: z.object({ settings: z.object({ compilationTarget: z.record(z.string(), z.string()) }) }),
});

const Deployed = z.object({ deployedBytecode: z.object({ object: z.string() }) });

/** Digest of all that the bindings depend on. */
function inputDigest(): string {
  const digest = createHash("sha256");
  const sources = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort();
  const packages = PACKAGES.map((name) => `node_modules/${name}/package.json`);
  for (const file of [...sources, ...OTHER_INPUTS, ...packages]) {
    const path = join(ROOT, file);
    digest.update(`${file}\0`).update(existsSync(path) ? readFileSync(path) : "absent");
  }
  return digest.digest("hex");
}

/** The pinned binary where the platform has one, else `forge` on PATH. */
function forgeBinary(): string {
  try {
    return createRequire(import.meta.url).resolve(
      `@foundry-rs/forge-${process.platform}-${forgeArch()}/bin/forge`,
    );
  } catch {
    return "forge";
  }
}

function forgeArch(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

/** Milliseconds between lines that say that it still compiles, where no terminal shows the seconds. */
const SAY_MS = 10_000;

/** Says at once what takes so long, and how long it has taken. Returns what ends it. */
function showCompiling(): () => void {
  const { stderr } = process;
  const started = performance.now();
  const draw = (): void => {
    const seconds = Math.floor((performance.now() - started) / 1000);
    const line = `compiling the contracts, once for these sources: ${seconds} s`;
    stderr.write(stderr.isTTY ? `\r${line}` : `${line}\n`);
  };
  draw();
  const timer = setInterval(draw, stderr.isTTY ? 1_000 : SAY_MS);
  return () => {
    clearInterval(timer);
    if (stderr.isTTY) stderr.write("\n");
  };
}

async function run(
  command: string,
  args: readonly string[],
): Promise<{ status: number | null; output: string }> {
  const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      resolve({ status, output });
    });
  });
}

async function compile(): Promise<void> {
  const built = await run(forgeBinary(), [
    "build",
    "contracts/src",
    "examples",
    "bench/gas",
    "bench/functions",
    "bench/cre",
    "bench/oracle",
    "--out",
    ARTIFACTS,
    "--cache-path",
    COMPILER_CACHE,
  ]).catch((cause: unknown) => {
    throw new Error(
      "forge is needed to compile the contracts: install Foundry 1.7 or later, or use Linux on x64",
      { cause },
    );
  });
  if (built.status !== 0) {
    process.stderr.write(built.output);
    throw new Error("the contracts do not compile");
  }
}

/** Our own artifacts with an interface of their own; a library has none, and OpenZeppelin's are not ours to bind. */
function boundArtifacts(): string[] {
  const found = new Map<string, string>();
  for (const file of globSync(`${ARTIFACTS}/*.sol/*.json`, { cwd: ROOT })) {
    // What a contract compiled by IR imports is there a second time, as `Name.ir.json`.
    if (file.endsWith(".ir.json")) continue;
    const artifact = Artifact.safeParse(JSON.parse(readFileSync(join(ROOT, file), "utf8")));
    if (!artifact.success || artifact.data.abi.length === 0) continue;
    const target = Object.entries(artifact.data.metadata.settings.compilationTarget)[0];
    if (target === undefined) continue;
    const [source, name] = target;
    if (
      !/^(?:contracts\/src\/|examples\/[^/]+$|bench\/(?:gas|functions|cre|oracle)\/)/.test(source) ||
      !existsSync(join(ROOT, source))
    )
      continue;
    found.set(name, join(ROOT, file));
  }
  return [...found.values()].sort();
}

/** EIP-170: no chain takes a contract with more code. */
const MAX_CODE_BYTES = 24_576;

function checkSizes(files: readonly string[]): void {
  for (const file of files) {
    const { deployedBytecode } = Deployed.parse(JSON.parse(readFileSync(file, "utf8")));
    const size = (deployedBytecode.object.length - 2) / 2;
    if (size > MAX_CODE_BYTES) throw new Error(`${file}: ${size} bytes of code, more than ${MAX_CODE_BYTES}`);
  }
}

/** TypeChain writes imports that a bundler resolves; Node resolves a file by its real name. */
function importByFileName(directory: string): void {
  for (const file of globSync("**/*.ts", { cwd: directory })) {
    const path = join(directory, file);
    const source = readFileSync(path, "utf8");
    writeFileSync(
      path,
      source
        .replaceAll(/(from "\.[^"]*)\.js"/g, '$1.ts"')
        .replaceAll(/(from "\.[^"]*\.sol)"/g, '$1/index.ts"'),
    );
  }
}

async function main(): Promise<void> {
  const digest = inputDigest();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === digest) return;
  // Forge keeps artifacts of sources that are gone, and of contracts that moved to another file.
  rmSync(join(ROOT, ARTIFACTS), { recursive: true, force: true });
  rmSync(join(ROOT, COMPILER_CACHE), { recursive: true, force: true });
  const end = showCompiling();
  await compile().finally(end);
  rmSync(STAGING, { recursive: true, force: true });
  mkdirSync(STAGING, { recursive: true });
  const files = boundArtifacts();
  checkSizes(files);
  await runTypeChain({
    cwd: ROOT,
    filesToProcess: files,
    allFiles: files,
    outDir: STAGING,
    target: "ethers-v6",
    flags: {
      alwaysGenerateOverloads: false,
      discriminateTypes: false,
      node16Modules: true,
      tsNocheck: false,
      environment: undefined,
    },
  });
  importByFileName(STAGING);
  // Moved whole and stamped inside, so that a reader never meets half of it and a killed run leaves no stamp.
  writeFileSync(join(STAGING, ".stamp"), digest);
  rmSync(BINDINGS, { recursive: true, force: true });
  mkdirSync(dirname(BINDINGS), { recursive: true });
  renameSync(STAGING, BINDINGS);
}

await main();
