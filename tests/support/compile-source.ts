/** Contracts that no build has: compiled as a stranger would compile them. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { InterfaceAbi } from "ethers";

const SOLC = join(import.meta.dirname, "../../tools/solc");

export interface Compiled {
  readonly abi: InterfaceAbi;
  readonly bytecode: string;
}

/** A contract of one file without imports, by the compiler that the contracts are compiled with; a warning is an error. */
export function compileSource(source: string, contract: string): Compiled {
  const input = {
    language: "Solidity",
    sources: { "Source.sol": { content: source } },
    settings: {
      optimizer: { enabled: true, runs: 10_000 },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const { stdout } = spawnSync(process.execPath, [SOLC, "--standard-json"], {
    input: JSON.stringify(input),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const { contracts, errors = [] } = JSON.parse(stdout) as {
    contracts?: Record<string, Record<string, { abi: InterfaceAbi; evm: { bytecode: { object: string } } }>>;
    errors?: { severity: string; formattedMessage: string }[];
  };
  const failed = errors.filter(({ severity }) => severity === "error" || severity === "warning");
  const made = contracts?.["Source.sol"]?.[contract];
  if (failed.length > 0 || made === undefined)
    throw new Error(failed.map(({ formattedMessage }) => formattedMessage).join("\n"));
  return { abi: made.abi, bytecode: `0x${made.evm.bytecode.object}` };
}
