/** Chainlink's KeystoneForwarder 1.0.0 (MIT), compiled from its npm package when a test runs, and a network of nodes that it knows. */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import {
  concat,
  Contract,
  ContractFactory,
  getBytes,
  id,
  keccak256,
  SigningKey,
  toBeHex,
  type InterfaceAbi,
  type Signer,
} from "ethers";
import { CRE_MODULES } from "./packages.ts";

const SOLC = join(import.meta.dirname, "../../../tools/solc");
const ENTRY = "v0.8/keystone/KeystoneForwarder.sol";
const IMPORT = /import\s[^;]*?["']([^"']+)["'];/gu;

const DON_ID = 1;
const CONFIG_VERSION = 1;
/** Nodes that may lie before the forwarder believes a lie: ten nodes, four signatures. */
export const FAULTY = 3;
const NODES = 3 * FAULTY + 1;

interface Compiled {
  readonly abi: InterfaceAbi;
  readonly evm: { readonly bytecode: { readonly object: string } };
}

/** Where the file of an import lies: of OpenZeppelin by the version in its name, of Chainlink's beside the importing one. */
function fileOf(name: string): string {
  const [, version, path] = /^@openzeppelin\/contracts@([\d.]+)\/(.+)$/u.exec(name) ?? [];
  return version !== undefined && path !== undefined
    ? join(CRE_MODULES, `@openzeppelin/contracts-${version}`, path)
    : join(CRE_MODULES, "@chainlink/contracts/src", name);
}

function readSources(name: string, sources: Record<string, { content: string }>): void {
  if (sources[name] !== undefined) return;
  const file = fileOf(name);
  if (!existsSync(file)) throw new Error(`${name}: not in Chainlink's package`);
  const content = readFileSync(file, "utf8");
  sources[name] = { content };
  for (const [, imported = ""] of content.matchAll(IMPORT))
    readSources(imported.startsWith(".") ? normalize(join(dirname(name), imported)) : imported, sources);
}

function compileForwarder(): Compiled {
  const sources: Record<string, { content: string }> = {};
  readSources(ENTRY, sources);
  const input = {
    language: "Solidity",
    sources,
    settings: {
      evmVersion: "osaka",
      optimizer: { enabled: true, runs: 1_000 },
      outputSelection: { [ENTRY]: { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const { stdout } = spawnSync(process.execPath, [SOLC, "--standard-json"], {
    input: JSON.stringify(input),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const { contracts, errors = [] } = JSON.parse(stdout) as {
    contracts?: Record<string, Record<string, Compiled>>;
    errors?: { severity: string; formattedMessage: string }[];
  };
  const failed = errors.filter(({ severity }) => severity === "error");
  const made = contracts?.[ENTRY]?.["KeystoneForwarder"];
  if (failed.length > 0 || made === undefined)
    throw new Error(failed.map(({ formattedMessage }) => formattedMessage).join("\n"));
  return made;
}

/** As the forwarder reads it. */
export interface SignedReport {
  readonly rawReport: string;
  readonly reportContext: string;
  readonly signatures: readonly string[];
}

/** What a report says beside its payload. */
export interface ReportHead {
  /** Names one execution: the forwarder brings each report of one once to a receiver. */
  readonly executionId: string;
  readonly timestamp: number;
}

/** Keys of nodes that only this test knows, and that anybody can have by its source: they may hold nothing. */
const nodeKeys = Array.from({ length: NODES }, (_, index) => new SigningKey(id(`node ${index} of a test`)));

/**
 * A report as enough nodes sign it, whatever its payload: they sign neither who gets it nor who asked, and can sign a lie.
 *
 * KeystoneForwarder, `_getMetadata`: version 1 byte, execution 32, timestamp 4, DON 4, configuration 4, workflow 32, its name 10,
 * its owner 20, report 2.
 */
export function signReport({ executionId, timestamp }: ReportHead, payload: Uint8Array): SignedReport {
  const rawReport = concat([
    "0x01",
    executionId,
    toBeHex(timestamp, 4),
    toBeHex(DON_ID, 4),
    toBeHex(CONFIG_VERSION, 4),
    id("the workflow"),
    "0x" + "61".repeat(10),
    "0x" + "0d".repeat(20),
    "0x0001",
    payload,
  ]);
  const reportContext = concat([id("configuration"), toBeHex(1, 32), toBeHex(0, 32)]);
  const digest = keccak256(concat([keccak256(rawReport), reportContext]));
  const signatures = nodeKeys.slice(0, FAULTY + 1).map((key) => {
    const { r, s, yParity } = key.sign(digest);
    return concat([r, s, toBeHex(yParity, 1)]);
  });
  return { rawReport, reportContext, signatures };
}

export interface Forwarder {
  readonly address: string;
  /** Sends a report to `receiver`, in a transaction with this much gas. */
  readonly report: (receiver: string, signed: SignedReport, gasLimit: bigint) => Promise<Reported>;
}

export interface Reported {
  readonly hash: string;
  /** Of the whole transaction. */
  readonly gasUsed: bigint;
  /** `reverted`: the forwarder's transaction failed; `refused`: the receiver's call did. */
  readonly outcome: "delivered" | "refused" | "reverted";
}

export async function deployForwarder(signer: Signer): Promise<Forwarder> {
  const { abi, evm } = compileForwarder();
  const deployed = await new ContractFactory(abi, evm.bytecode.object, signer).deploy();
  await deployed.waitForDeployment();
  const address = await deployed.getAddress();
  const forwarder = new Contract(address, abi, signer);
  const addresses = nodeKeys.map((key) => `0x${keccak256(getBytes(key.publicKey).slice(1)).slice(-40)}`);
  const configured = await forwarder.getFunction("setConfig").send(DON_ID, CONFIG_VERSION, FAULTY, addresses);
  await configured.wait();
  return {
    address,
    report: async (receiver, { rawReport, reportContext, signatures }, gasLimit) => {
      const sent = await forwarder
        .getFunction("report")
        .send(receiver, rawReport, reportContext, signatures, { gasLimit });
      const receipt = await signer.provider?.waitForTransaction(sent.hash);
      if (receipt == null) throw new Error("the report was not mined");
      const processed = receipt.logs
        .map((log) => forwarder.interface.parseLog(log))
        .find((log) => log?.name === "ReportProcessed");
      return {
        hash: receipt.hash,
        gasUsed: receipt.gasUsed,
        outcome: processed == null ? "reverted" : processed.args["result"] === true ? "delivered" : "refused",
      };
    },
  };
}
