/**
 * Runs the dependency rules (.dependency-cruiser.cjs) over the tree, and then over tests/support/boundary-fixture,
 * whose planted violations must be found: a checker that sees nothing would otherwise report success.
 * `--include-planted` counts the planted ones as violations of the tree.
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";

const FOLDERS = [
  "protocol",
  "attestation",
  "endorsements",
  "client",
  "runtime",
  "enclave",
  "oracle",
  "coprocessor",
  "devnet",
  "cli",
  "web",
];
const FIXTURE = "tests/support/boundary-fixture";
/** Each rule that the fixture breaks, and where. */
const PLANTED = [
  "protocol-imports-only-nothing: protocol/imports-oracle.ts",
  "pure-folders-open-nothing: attestation/opens-a-file.ts",
  "runtime-imports-only-protocol: runtime/imports-simulator.ts",
  "pure-folders-open-nothing: runtime/imports-simulator.ts",
  "oracle-imports-only-protocol-attestation-endorsements-client-contracts-runtime-coprocessor/ledger-coprocessor/snapshots-coprocessor/epochs: oracle/imports-simulator.ts",
  "simulators-only-from-composition-roots: oracle/imports-simulator.ts",
  "light-commands-reach-no-node: cli/verify/loads-the-oracle.ts",
];

interface Report {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

function cruise(root: string): Report["summary"] {
  const folders = FOLDERS.filter((folder) => existsSync(resolve(root, folder)));
  const config = resolve(".dependency-cruiser.cjs");
  const result = spawnSync("depcruise", ["--config", config, "--output-type", "json", ...folders], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (result.error !== undefined) throw result.error;
  return (JSON.parse(result.stdout) as Report).summary;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const tree = cruise(".");
const planted = cruise(FIXTURE);

const counted = process.argv.includes("--include-planted")
  ? [...tree.violations, ...planted.violations]
  : tree.violations;
for (const { rule, from, to } of counted) say(`${rule.name}: ${from} -> ${to}`);

const found = new Set(planted.violations.map(({ rule, from }) => `${rule.name}: ${from}`));
const missed = PLANTED.filter((violation) => !found.has(violation));
for (const violation of missed) say(`not found, though it was planted: ${violation}`);
if (tree.totalCruised === 0)
  say("no module was read: is TypeScript a version that dependency-cruiser takes?");

say(
  `boundaries: ${tree.totalCruised} modules, ${counted.length} violations; ${PLANTED.length - missed.length} of ${PLANTED.length} planted ones found`,
);
if (counted.length > 0 || missed.length > 0 || tree.totalCruised === 0) process.exitCode = 1;
