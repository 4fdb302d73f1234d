import { describe, expect, test } from "vitest";
import { parseEndorsements, type Endorsements } from "../../../attestation/index.ts";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import { ExitCode } from "../../../cli/exit-codes.ts";
import { verifyReceiptFile } from "../../../cli/verify/receipt.ts";
import type { EndorsementSource } from "../../../attestation/endorsements/endorsement-source.ts";
import { createSourceOfFiles } from "../../../endorsements/files/file-source.ts";
import { createVendorSource } from "../../../endorsements/vendor-source.ts";
import { ReceiptEndorsements } from "../../../oracle/enclaves/receipt-endorsements.ts";
import { createLogger } from "../../../oracle/log.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { encodeClaims } from "../../../protocol/claims.ts";
import { EndorsementError, EvidenceError } from "../../../protocol/errors.ts";
import type { EndorsementsJson } from "../../../protocol/receipt.ts";
import { FAKE_TRUST, mintFakeIntel, NOW } from "../../support/fake-intel.ts";
import { pcsDocuments } from "../../support/intel-documents.ts";
import { startLocalServer } from "../../support/local-server.ts";
import { createSampleReceipt } from "../../support/sample-receipt.ts";
import { HAS_VECTORS, MANIFEST, readVector, readVectorFile } from "../../support/vectors/manifest.ts";

const lines: string[] = [];
const log = createLogger({ level: "warn", write: (line) => lines.push(line), now: () => 0 });

function endorser(source: EndorsementSource, now = () => NOW * 1_000): ReceiptEndorsements {
  return new ReceiptEndorsements({ source, log, now });
}

const ZERO = `0x${"00".repeat(32)}` as const;
const SOME_CLAIMS = toHex(encodeClaims({ nonce: ZERO, keysetId: ZERO, tlsKeyHash: ZERO }));

test("a quote is judged with nothing but what its receipt carries", async () => {
  const intel = await mintFakeIntel();
  await using server = await startLocalServer(pcsDocuments(intel, "tdx"));
  const source = createVendorSource({ intelUrl: server.url });
  const json = await endorser(source).find(toHex(intel.quote));
  const { intel: carried } = parseEndorsements(JSON.parse(JSON.stringify(json)) as EndorsementsJson);
  const verified = await verifyTdQuote("tdx", intel.quote, {
    endorsements: carried!,
    now: NOW,
    trust: FAKE_TRUST,
  });
  expect(verified.tcbStatus).toBe("UpToDate");
});

describe.runIf(HAS_VECTORS)("adyton verify, offline, on a receipt of an enclave on real TDX hardware", () => {
  const entry = MANIFEST.vectors.find(({ kind, checks = [] }) => kind === "tdx-v4" && checks.length > 0)!;
  const { collateral, time } = entry.checks![0]!;
  const answeredAt = Date.parse(time) / 1_000;
  const receiptWith = (endorsements: EndorsementsJson): Promise<Uint8Array> => {
    const evidence = { kind: "tdx", bytes: toHex(readVector(entry)), claims: SOME_CLAIMS };
    return createSampleReceipt({ where: "on chain", foreign: { evidence, endorsements, answeredAt } });
  };

  test("finds the quote genuine with the endorsements that the oracle put in", async () => {
    const source = createSourceOfFiles([{ name: "bundle.json", bytes: readVectorFile(collateral) }]);
    const endorsements = await endorser(source, () => answeredAt * 1_000).find(toHex(readVector(entry)));
    const { report } = await verifyReceiptFile(await receiptWith(endorsements), {
      policy: null,
      further: null,
    });
    expect(report.checks.find(({ name }) => name === "evidence")).toMatchObject({ ok: true });
    // A real machine never vouched for a key of ours: the step after it must refuse.
    expect(report.checks.at(-1)).toMatchObject({ name: "binding", ok: false });
  });

  test("cannot judge it without", async () => {
    const outcome = await verifyReceiptFile(await receiptWith({}), { policy: null, further: null });
    expect(outcome.exitCode).toBe(ExitCode.cannotJudge);
    expect(outcome.report.error?.code).toBe("ENDORSEMENT_UNAVAILABLE");
  });
});

describe("while the vendor cannot be reached", () => {
  const away = new EndorsementError({ code: "ENDORSEMENT_UNAVAILABLE", message: "away" });

  function vendor(first: Endorsements | Error): {
    answer: Endorsements | Error;
    asked: number;
    source: EndorsementSource;
  } {
    const state = {
      answer: first,
      asked: 0,
      source: {
        find: () => {
          state.asked += 1;
          return state.answer instanceof Error ? Promise.reject(state.answer) : Promise.resolve(state.answer);
        },
      },
    };
    return state;
  }

  test("receipts carry what was found last, for ten seconds unasked, and the vendor is asked once a minute", async () => {
    let now = NOW * 1_000;
    const intel = await mintFakeIntel();
    const pcs = vendor({ intel: intel.endorsements() });
    const endorsements = endorser(pcs.source, () => now);
    expect(await endorsements.find("0x01")).toEqual({ intel: intel.collateral });
    pcs.answer = away;
    now += 9_999;
    expect(await endorsements.find("0x01")).toEqual({ intel: intel.collateral });
    expect(pcs.asked).toBe(1);
    now += 1;
    expect(await endorsements.find("0x01")).toEqual({ intel: intel.collateral });
    expect(await endorsements.find("0x01")).toEqual({ intel: intel.collateral });
    expect(pcs.asked).toBe(2);
    expect(lines.at(-1)).toContain("receipt.endorsements-unavailable");
    now += 60_000;
    pcs.answer = {};
    expect(await endorsements.find("0x01")).toEqual({});
    expect(pcs.asked).toBe(3);
  });

  test("an answer is recorded even when nothing was ever found", async () => {
    expect(await endorser(vendor(away).source).find("0x02")).toEqual({});
  });

  test("anything else is a failure", async () => {
    const malformed = new EvidenceError({ code: "EVIDENCE_MALFORMED", message: "no evidence" });
    await expect(endorser(vendor(malformed).source).find("0x03")).rejects.toMatchObject({
      code: "EVIDENCE_MALFORMED",
    });
  });
});
