/**
 * Real quotes through `@phala/dcap-qvl` as well: where the two differ, the reason is in the table, and in
 * docs/reference/differential.md with its section of the specification. A difference without a reason fails.
 */

import { verify } from "@phala/dcap-qvl";
import { describe, expect, test } from "vitest";
import { parseIntelEndorsements } from "../../attestation/index.ts";
import { verifySgxQuote } from "../../attestation/intel/verify-sgx.ts";
import { verifyTdxQuote } from "../../attestation/intel/verify-tdx.ts";
import { AdytonError } from "../../protocol/errors.ts";
import {
  HAS_VECTORS,
  MANIFEST,
  readVector,
  readVectorText,
  type VectorCheck,
  type VectorEntry,
} from "../support/vectors/manifest.ts";

const cases = MANIFEST.vectors
  .filter(({ kind }) => /^(?:sgx|tdx)-v\d$/.test(kind))
  .flatMap((entry) =>
    (entry.checks ?? []).map((check) => ({ name: `${entry.id} with ${check.collateral}`, entry, check })),
  );

async function ours(entry: VectorEntry, check: VectorCheck): Promise<string> {
  const now = Math.floor(Date.parse(check.time) / 1000);
  try {
    const endorsements = parseIntelEndorsements(JSON.parse(readVectorText(check.collateral)));
    const verifyQuote = entry.kind.startsWith("sgx") ? verifySgxQuote : verifyTdxQuote;
    return String((await verifyQuote(readVector(entry), endorsements, { now })).tcbStatus);
  } catch (error) {
    if (error instanceof AdytonError) return String(error.code);
    throw error;
  }
}

function theirs(entry: VectorEntry, check: VectorCheck): string {
  const now = Math.floor(Date.parse(check.time) / 1000);
  try {
    return verify(readVector(entry), JSON.parse(readVectorText(check.collateral)) as never, now).status;
  } catch (error) {
    return `refused: ${(error as Error).message}`;
  }
}

interface Reason {
  readonly why: string;
  /** How many of the checks differ for it: the table in docs/reference/differential.md says the same. */
  readonly count: number;
  readonly applies: (mine: string, peer: string, entry: VectorEntry) => boolean;
}

const NO_LEVEL = "refused: No matching TCB level found";

/** Why the peer's verdict is another, by what it says: the rows of docs/reference/differential.md. */
const REASONS: readonly Reason[] = [
  {
    why: "it cannot read TCB info of version 2",
    count: 16,
    applies: (_, peer) => peer === "refused: Failed to decode TcbInfo",
  },
  {
    why: "it refuses debug enclaves, which are genuine; a policy refuses them",
    count: 6,
    applies: (_, peer) => peer === "refused: Debug mode is enabled",
  },
  {
    why: "it throws where Intel's status is that the platform is below every level",
    count: 5,
    applies: (mine, peer) => mine === "NotSupported" && peer === NO_LEVEL,
  },
  {
    why: "it compares SVN 0 and 1 of TDX 1.5 modules, and does not read their identities",
    count: 5,
    applies: (mine, peer, { kind }) =>
      kind.startsWith("tdx") && mine !== "NotSupported" && [NO_LEVEL, "OutOfDate"].includes(peer),
  },
  {
    why: "it insists on SEPT_VE_DISABLE, which is an attribute like others; a policy lists it",
    count: 2,
    applies: (_, peer) => peer === "refused: SEPT_VE_DISABLE is not enabled",
  },
  {
    why: "it insists on an MRSERVICETD of zero, which is a measurement like others; a policy lists it",
    count: 2,
    applies: (_, peer) => peer === "refused: Invalid mr service td",
  },
];

describe.skipIf(!HAS_VECTORS)("beside dcap-qvl", () => {
  const differences: string[] = [];

  test.for(cases)(
    "the verdict is the same, or its difference has a reason: $name",
    async ({ entry, check }) => {
      const [mine, peer] = [await ours(entry, check), theirs(entry, check)];
      expect(mine).toBe(check.tcbStatus);
      if (mine === peer) return;
      const reason = REASONS.find(({ applies }) => applies(mine, peer, entry))?.why;
      expect({ mine, peer, reason }).toMatchObject({ reason: expect.any(String) as string });
      differences.push(reason ?? "");
    },
  );

  test.for(REASONS)("$count checks differ because $why", ({ why, count }) => {
    expect(differences.filter((reason) => reason === why)).toHaveLength(count);
  });
});

if (!HAS_VECTORS)
  process.stderr.write("SKIPPED: the differential test, as the folder of real evidence is absent\n");
