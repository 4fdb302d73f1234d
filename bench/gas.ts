/**
 * `npm run -s bench:gas -- [--json | --write | --compare]`: gas of what users and nodes send, from measured transactions,
 * beside goals and peers. `--write` keeps the figures in bench/gas-snapshot.json, `--compare` fails when one grew.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { measureGas, type GasFigures } from "./gas/measure.ts";

/** Gas: what a figure must not exceed. */
const GOALS: Readonly<Record<string, number>> = {
  request: 95_000,
  requestContext: 73_000,
  fulfill: 87_000,
  batch50PerAnswer: 39_000,
  batch50OneConsumerPerAnswer: 36_000,
  admitTdx: 258_000,
  quorum3: 156_000,
  "accountGas.oneCall": 95_000,
};

/** Measured on a local chain with the official toolkit; or as its authors publish. */
const PEERS = [
  "Chainlink Functions: request 225,798, fulfilment 173,686 (measured, transmit() with 3 of 4 signatures)",
  "Automata DCAP: 4 to 5 million on chain, 493,000 with a SNARK (published)",
];

const SNAPSHOT = new URL("gas-snapshot.json", import.meta.url);
/** Zero bytes in hashes and signatures are cheaper than others, so that a figure varies by some hundred gas. */
const TOLERANCE = 0.01;

/** Shares of what was charged come back: less is a loss, more a gain from others' escrow. */
const REPAID = { least: 1, most: 1.03 } as const;

/** Figures in figures by both names. */
function flat(figures: GasFigures): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(figures).flatMap(([name, figure]) =>
      typeof figure === "number"
        ? [[name, figure]]
        : Object.entries(figure).map(([inner, value]) => [`${name}.${inner}`, value]),
    ),
  );
}

function compare(figures: GasFigures): void {
  const snapshot = flat(JSON.parse(readFileSync(SNAPSHOT, "utf8")) as GasFigures);
  for (const [name, gas] of Object.entries(flat(figures))) {
    if (name.startsWith("repaid.") || name.endsWith(".repaid")) {
      if (gas >= REPAID.least && gas <= REPAID.most) continue;
      process.stderr.write(`${name} is ${gas}: between ${REPAID.least} and ${REPAID.most} is right\n`);
      process.exitCode = 1;
      continue;
    }
    const before = snapshot[name] ?? 0;
    if (gas <= before * (1 + TOLERANCE)) continue;
    process.stderr.write(
      `${name} grew from ${before} to ${gas}: npm run -s bench:gas -- --write, and say why\n`,
    );
    process.exitCode = 1;
  }
}

const figures = await measureGas();
if (process.argv.includes("--json")) {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} else if (process.argv.includes("--write")) {
  writeFileSync(SNAPSHOT, `${JSON.stringify(figures, null, 2)}\n`);
} else if (process.argv.includes("--compare")) {
  compare(figures);
} else {
  for (const [name, gas] of Object.entries(flat(figures))) {
    const goal = GOALS[name];
    const beside =
      goal === undefined ? "" : `  goal ${goal.toLocaleString("en")}${gas > goal ? "  MISSED" : ""}`;
    process.stdout.write(`${name.padEnd(30)}${gas.toLocaleString("en").padStart(10)}${beside}\n`);
  }
  process.stdout.write(`\n${PEERS.join("\n")}\n`);
}
