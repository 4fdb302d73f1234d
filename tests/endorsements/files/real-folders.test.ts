/**
 * Folders as people have them: all of Intel's collateral of several years, as bundles and as single documents. For each
 * real quote at its own time, what is picked from them gives a verdict that no single bundle contradicts.
 */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { verifyEvidence } from "../../../attestation/index.ts";
import { createFileSource } from "../../../endorsements/files/file-source.ts";
import { VECTORS_FOLDER } from "../../support/vectors/config.ts";
import { HAS_VECTORS, MANIFEST, readVector } from "../../support/vectors/manifest.ts";

if (!HAS_VECTORS) process.stderr.write("SKIPPED: folders of real collateral, as theirs is absent\n");

const checks = MANIFEST.vectors
  .filter(({ kind }) => /^(?:sgx|tdx)-v\d$/.test(kind))
  .flatMap((entry) => (entry.checks ?? []).map((check) => ({ entry, check })));

describe.skipIf(!HAS_VECTORS).for(["collateral/bundles", "collateral/intel"])("from %s", (folder) => {
  test("every real quote is judged, with collateral in date", async () => {
    const source = await createFileSource(join(VECTORS_FOLDER, folder));
    for (const { entry, check } of checks) {
      const now = Math.floor(Date.parse(check.time) / 1000);
      const quote = readVector(entry);
      const { tcbStatus, window } = await verifyEvidence(quote, await source.find(quote, now), { now });
      // Intel publishes two sets at a time, early and standard; the one named may be either.
      const listed = checks.filter((other) => other.entry === entry).map((other) => other.check.tcbStatus);
      expect(listed).toContain(tcbStatus);
      expect(window.until).toBeGreaterThanOrEqual(now);
    }
  });
});
