/** `npm run fuzz:agents`: runs in random orders, changed receipts and proofs, and proofs beside another library's; exit status 1 for a finding. */

import { parseArgs } from "node:util";
import { mutateReplays, randomOrders } from "../tests/support/agent-campaign.ts";
import { mutateProofs } from "../tests/support/proof-campaign.ts";
import { compareTries } from "../tests/support/trie-campaign.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    mutations: { type: "string", default: "10000" },
    proofs: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
  },
});

const seed = Number(values.seed);
const wrong = await randomOrders(Number(values.runs), seed);
console.log(`${values.runs} runs in random orders: ${wrong} sets of answers gave more than one run`);
const { mutations, unnamed } = await mutateReplays(Number(values.mutations), seed);
for (const [what, count] of Object.entries(mutations)) console.log(`  ${what}: ${count} changed`);
console.log(`${values.mutations} changed receipts: ${unnamed.length} not named at their place`);
const proofs = await mutateProofs(Number(values.proofs), seed);
for (const [what, count] of Object.entries(proofs.changes)) console.log(`  ${what}: ${count} changed`);
console.log(
  `${values.proofs} changed proofs: ${proofs.findings.length} taken, or refused by an error that is none`,
);
const tries = await compareTries(1_000, seed);
console.log(`${tries.checks} proofs beside @ethereumjs/mpt: ${tries.differences.length} differences`);
const findings = [...unnamed, ...proofs.findings, ...tries.differences];
for (const finding of findings.slice(0, 20)) console.log(`  FINDING ${finding}`);
process.exitCode = wrong === 0 && findings.length === 0 ? 0 : 1;
