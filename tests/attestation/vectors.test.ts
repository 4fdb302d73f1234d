/**
 * Walks the manifest of real evidence: every entry of a kind that we judge, at its own time and with its own
 * endorsements, gives the listed verdict. Where ours differs, docs/reference/vectors.md says why.
 */

import { afterAll, describe, expect, test } from "vitest";
import { VECTORS_FOLDER } from "../support/vectors/config.ts";
import { HAS_VECTORS, MANIFEST, type VectorEntry, type VectorRunner } from "../support/vectors/manifest.ts";
import { intelCollateralRunner } from "./vectors/intel-collateral.ts";
import { intelRunner } from "./vectors/intel.ts";
import { intelTestPkiRunner } from "./vectors/intel-test-pki.ts";
import { nitroRunner } from "./vectors/nitro.ts";
import { nvidiaRunner } from "./vectors/nvidia.ts";
import { raTlsRunner } from "./vectors/ra-tls.ts";
import { revocationRunner } from "./vectors/revocation.ts";
import { snpRunner } from "./vectors/snp.ts";
import { azureRunner, eventLogRunner } from "./vectors/wrapped.ts";

const RUNNERS: readonly VectorRunner[] = [
  intelRunner,
  intelCollateralRunner,
  intelTestPkiRunner,
  raTlsRunner,
  revocationRunner,
  snpRunner,
  nitroRunner,
  nvidiaRunner,
  azureRunner,
  eventLogRunner,
];

/** What the collection also holds and nothing here judges, with the reason. */
const NOT_JUDGED: Readonly<Record<string, string>> = {
  cca: "Arm CCA is not a kind that we verify",
  jwt: "results of other verifiers, not evidence",
  "nvidia-rim":
    "reference values are the caller's: a RIM is NVIDIA's file of them, and its XML signature is not evidence",
  "snp-uvm": "Azure's endorsement of a measurement, and inputs of it: reference values, as above",
};

const runnerOf = ({ kind }: VectorEntry): VectorRunner | undefined =>
  RUNNERS.find(({ kinds }) => kinds.includes(kind));
const judged = MANIFEST.vectors.flatMap((entry) => {
  const runner = runnerOf(entry);
  return runner === undefined ? [] : [{ name: `${entry.kind} ${entry.file}`, entry, runner }];
});
let walked = 0;

test.skipIf(!HAS_VECTORS)("gives every kind of the collection a runner, or a reason why not", () => {
  const orphans = MANIFEST.vectors.filter(
    (entry) => runnerOf(entry) === undefined && NOT_JUDGED[entry.kind] === undefined,
  );
  expect([...new Set(orphans.map(({ kind }) => kind))]).toEqual([]);
});

describe.skipIf(!HAS_VECTORS)("gives the listed verdict for", () => {
  test.for(judged)("$name", async ({ entry, runner }) => {
    await runner.run(entry);
    walked += 1;
  });
});

afterAll(() => {
  const total = MANIFEST.vectors.length;
  console.log(
    HAS_VECTORS
      ? `vectors: ${walked} of ${judged.length} judged entries gave their verdict (${total} in the manifest)`
      : `vectors: skipped, ${VECTORS_FOLDER} is absent; \`npm run vectors:fetch\` brings it`,
  );
});
