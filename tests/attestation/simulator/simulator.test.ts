import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { recogniseEvidence } from "../../../attestation/evidence/recognise-evidence.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { verifyTdxQuote } from "../../../attestation/intel/verify-tdx.ts";
import { parseIntelEndorsements } from "../../../attestation/intel/intel-endorsements.ts";
import { SIMULATOR_COLLATERAL, SIMULATOR_ROOT_SPKI } from "../../../attestation/simulator/collateral.ts";
import { verifySimulatorEvidence } from "../../../attestation/simulator/verify-simulator.ts";
import { p256 } from "@noble/curves/nist.js";
import { createSimulatorAttester } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import {
  mintSimulatorCollateral,
  SIMULATOR_ROOT_SPKI as MINTED_SPKI,
} from "../../../enclave/attesters/simulator/simulator-pki.ts";
import { concatBytes, fromHex, toHex } from "../../../protocol/bytes.ts";
import { renderSimulatorQuoteVector } from "../../../tools/write-simulator-collateral.ts";
import { NOW } from "../../support/fake-intel.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const vectorUrl = new URL("../../vectors/protocol/simulator-quote.json", import.meta.url);
const vectorText = readFileSync(vectorUrl, "utf8");
const vector = JSON.parse(vectorText) as Record<
  "quote" | "reportData" | "attestationKeyX" | "attestationKeyY" | "platformId",
  `0x${string}`
>;

describe("the simulator", () => {
  test("has the same endorsements and the same quote every time they are minted", async () => {
    expect(await mintSimulatorCollateral()).toEqual(SIMULATOR_COLLATERAL);
    expect(toHex(MINTED_SPKI)).toBe(SIMULATOR_ROOT_SPKI);
    expect(JSON.parse(await renderSimulatorQuoteVector())).toEqual(JSON.parse(vectorText));
  });

  test("makes evidence of its own kind, which verifies and carries the report data", async () => {
    const quote = fromHex(vector.quote);
    expect(recogniseEvidence(quote)).toBe("simulator");
    const verified = await verifyEvidence(quote, {}, { now: NOW });
    expect(verified).toMatchObject({
      kind: "simulator",
      reportData: vector.reportData,
      platformId: vector.platformId,
      tcbStatus: "UpToDate",
      debug: false,
    });
  });

  test("signs with the fixed key that contracts know, with low s", () => {
    const quote = fromHex(vector.quote);
    const signature = quote.slice(48 + 584 + 4, 48 + 584 + 4 + 64);
    const key = concatBytes(
      Uint8Array.of(4),
      fromHex(vector.attestationKeyX),
      fromHex(vector.attestationKeyY),
    );
    const isValid = p256.verify(signature, quote.slice(0, 48 + 584), key, {
      prehash: true,
      lowS: true,
      format: "compact",
    });
    expect(isValid).toBe(true);
  });

  test("is no TDX: its evidence is refused under Intel's root", async () => {
    const endorsements = parseIntelEndorsements(SIMULATOR_COLLATERAL);
    expect(await rejectionOf(() => verifyTdxQuote(fromHex(vector.quote), endorsements, { now: NOW }))).toBe(
      "EVIDENCE_UNSUPPORTED",
    );
    const asIntel = fromHex(vector.quote);
    asIntel.set(fromHex("0x939a7233f79c4ca9940a0db3957f0607"), 12);
    expect(recogniseEvidence(asIntel)).toBe("tdx");
    expect(await rejectionOf(() => verifyTdxQuote(asIntel, endorsements, { now: NOW }))).toBe(
      "EVIDENCE_SIGNATURE_INVALID",
    );
  });

  test("has platforms, measurements, debug and an old TCB to choose", async () => {
    const reportData = new Uint8Array(64);
    const one = await createSimulatorAttester({ platform: "one" });
    const two = await createSimulatorAttester({
      platform: "two",
      debug: "on",
      tcb: "out-of-date",
      measurements: { rtMr3: `0x${"33".repeat(48)}` },
    });
    const verified = await verifySimulatorEvidence(await two.getEvidence(reportData), { now: NOW });
    expect(one.platformId).not.toBe(two.platformId);
    expect(verified).toMatchObject({
      platformId: two.platformId,
      debug: true,
      tcbStatus: "OutOfDate",
      claims: { rtMr3: two.measurements.rtMr3 },
    });
    expect(verified.advisories).toEqual(["ADYTON-SIMULATED-ADVISORY"]);
  });

  test("binds 64 bytes of report data, and no other number", async () => {
    const attester = await createSimulatorAttester();
    expect(await rejectionOf(() => attester.getEvidence(new Uint8Array(32)))).toBe("INPUT_INVALID");
  });
});
