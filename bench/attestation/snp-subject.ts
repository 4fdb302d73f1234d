import { parseAmdEndorsements } from "../../attestation/amd/amd-endorsements.ts";
import { mergeAmdEndorsements } from "../../attestation/amd/merge-endorsements.ts";
import { verifySnpReportUnder } from "../../attestation/amd/verify-snp-report.ts";
import { AMD_NOW, mintAmdWorld } from "../../tests/support/fake-amd.ts";
import type { Subject } from "./measure.ts";

const REPORTS = 400;

/** Reports of chips of their own. AMD's CAs are RSA with 2048 bits here, and 4096 in the world: cold is a little too fast. */
export async function snpSubject(): Promise<Subject> {
  const { ask, ark, roots } = await mintAmdWorld();
  const reports = await Promise.all(
    Array.from({ length: REPORTS }, async (_, index) => {
      const chipId = new Uint8Array(64).fill(1);
      new DataView(chipId.buffer).setUint32(0, index + 1);
      const world = await mintAmdWorld({ chipId, leaf: { serial: index + 1 } });
      return { report: await world.signReport(), leaf: world.leaf };
    }),
  );
  const at = (index: number): (typeof reports)[number] => {
    const found = reports[index];
    if (found === undefined) throw new RangeError("no such report");
    return found;
  };
  const kept = parseAmdEndorsements({ certificates: [ask, ark], crls: [] });
  return {
    batch: 80,
    quotes: REPORTS,
    cold: async (index) => {
      const { report, leaf } = at(index);
      const endorsements = parseAmdEndorsements({ certificates: [leaf, ask, ark], crls: [] });
      await verifySnpReportUnder(roots, report, { endorsements, now: AMD_NOW });
    },
    warm: async (index) => {
      const { report, leaf } = at(index);
      const endorsements = mergeAmdEndorsements(
        parseAmdEndorsements({ certificates: [leaf], crls: [] }),
        kept,
      );
      await verifySnpReportUnder(roots, report, { endorsements, now: AMD_NOW });
    },
    peer: null,
    fresh: { curve: "P-384", underKnownKey: 0, underNewKey: 1, rsaUnderKnownKey: 1 },
  };
}
