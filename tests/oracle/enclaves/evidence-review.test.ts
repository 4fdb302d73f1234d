import { afterEach, beforeEach, expect, test } from "vitest";
import type { AppraisedEvidence } from "../../../attestation/index.ts";
import type { AttestedKeyset } from "../../../client/evidence-verifier.ts";
import type { EnclaveSession } from "../../../oracle/enclaves/enclave-session.ts";
import { EvidenceReview } from "../../../oracle/enclaves/evidence-review.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { AppraisalError, EndorsementError, EvidenceError, UpstreamError } from "../../../protocol/errors.ts";
import { word } from "../support/requests.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
const PERIOD_MS = 3_600_000;
const DAY_MS = 86_400_000;
const KEYSET = word(1);

const attested = (keysetId: Hex): AttestedKeyset => ({ keysetId, evidence: {} as AppraisedEvidence });

let now: number;
let nonces: Hex[];
/** What the verifier finds; the keyset, when nothing is wrong. */
let finding: AttestedKeyset | Error;
let reachable: boolean;
let dropped: unknown[];
let sessions: EnclaveSession[];
let review: EvidenceReview;

beforeEach(() => {
  now = 0;
  nonces = [];
  finding = attested(KEYSET);
  reachable = true;
  dropped = [];
  const session = {
    url: "https://enclave",
    keysetId: KEYSET,
    client: {
      attestation: (nonce: Hex) => {
        nonces.push(nonce);
        return reachable
          ? Promise.resolve({})
          : Promise.reject(new UpstreamError({ code: "ENCLAVE_UNAVAILABLE", message: "gone" }));
      },
    },
  } as unknown as EnclaveSession;
  sessions = [session];
  review = new EvidenceReview({
    enclaves: {
      get sessions() {
        return sessions;
      },
      drop: (gone, error) => {
        dropped.push(error);
        sessions = sessions.filter((kept) => kept !== gone);
      },
    },
    verifier: {
      verifyAttestation: () =>
        finding instanceof Error ? Promise.reject(finding) : Promise.resolve(finding),
    },
    log,
    now: () => now,
    periodMs: PERIOD_MS,
  });
});

afterEach(async () => {
  await review.stop();
});

async function at(time: number): Promise<void> {
  now = time;
  await review.reviewDue();
}

test("asks each enclave for fresh evidence once in a period, with another nonce each time", async () => {
  await at(0);
  await at(PERIOD_MS - 1);
  expect(nonces).toHaveLength(0);
  await at(PERIOD_MS);
  await at(PERIOD_MS + 1);
  await at(2 * PERIOD_MS);
  expect(new Set(nonces).size).toBe(2);
  expect(dropped).toEqual([]);
});

test.for([
  ["was revoked", new EvidenceError({ code: "EVIDENCE_REVOKED", message: "" })],
  [
    "has a TCB that the policy no longer accepts",
    new AppraisalError({ code: "APPRAISAL_TCB_UNACCEPTABLE", message: "" }),
  ],
  [
    "is judged by endorsements that ran out",
    new EndorsementError({ code: "ENDORSEMENT_EXPIRED", message: "" }),
  ],
  [
    "is judged by endorsements that are forged",
    new EndorsementError({ code: "ENDORSEMENT_SIGNATURE_INVALID", message: "" }),
  ],
  ["names another keyset", attested(word(2))],
] as const)("drops an enclave whose evidence %s", async ([, found]) => {
  await at(0);
  finding = found;
  await at(PERIOD_MS);
  expect(dropped).toHaveLength(1);
});

test("drops an enclave that cannot be reached: it is connected to and verified anew", async () => {
  await at(0);
  reachable = false;
  await at(PERIOD_MS);
  expect(dropped).toMatchObject([{ code: "ENCLAVE_UNAVAILABLE" }]);
});

test("keeps an enclave while its vendor cannot be asked, tries sooner, and drops it after a day", async () => {
  await at(0);
  finding = new EndorsementError({ code: "ENDORSEMENT_UNAVAILABLE", message: "" });
  await at(PERIOD_MS);
  await at(PERIOD_MS + 60_000);
  expect(nonces).toHaveLength(2);
  expect(dropped).toEqual([]);
  await at(DAY_MS);
  expect(dropped).toEqual([]);
  await at(DAY_MS + 60_000);
  expect(dropped).toHaveLength(1);
});

test("forgets the outage when the vendor answers again", async () => {
  await at(0);
  finding = new EndorsementError({ code: "ENDORSEMENT_UNAVAILABLE", message: "" });
  await at(PERIOD_MS);
  finding = attested(KEYSET);
  await at(DAY_MS - 1);
  finding = new EndorsementError({ code: "ENDORSEMENT_UNAVAILABLE", message: "" });
  await at(DAY_MS + PERIOD_MS);
  expect(dropped).toEqual([]);
});
