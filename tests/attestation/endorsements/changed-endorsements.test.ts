/** What was changed in an endorsement says nothing of the evidence: it is accepted as before, or cannot be judged. */

import { describe, expect, test } from "vitest";
import { parseAmdEndorsements } from "../../../attestation/amd/amd-endorsements.ts";
import { verifySnpReportUnder } from "../../../attestation/amd/verify-snp-report.ts";
import { createSourceOfFiles } from "../../../attestation/endorsements/files/source-of-files.ts";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import { parseNvidiaEndorsements } from "../../../attestation/nvidia/nvidia-endorsements.ts";
import { verifyNvidiaEvidenceUnder } from "../../../attestation/nvidia/verify-nvidia-evidence.ts";
import { mutate, createRandom } from "../../fuzz/mutation.ts";
import { mutateShape } from "../../fuzz/shape-mutation.ts";
import { AMD_NOW, mintAmdWorld } from "../../support/fake-amd.ts";
import { FAKE_TRUST, mintFakeIntel, NOW } from "../../support/fake-intel.ts";
import { mintNvidiaWorld, NVIDIA_NOW } from "../../support/fake-nvidia.ts";
import { mintOcsp } from "../../support/fake-ocsp.ts";
import { bundleFile, pcsFiles } from "../../support/intel-documents.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const NOT_FALSE = /^(?:ENDORSEMENT_[A-Z_]+|nothing thrown)$/;
const RUNS = 150;

describe("Intel's", () => {
  const judged = async (files: Parameters<typeof createSourceOfFiles>[0], quote: Uint8Array<ArrayBuffer>) =>
    await rejectionOf(async () => {
      const { intel } = await createSourceOfFiles(files).find(quote, NOW);
      await verifyTdQuote("tdx", quote, { endorsements: intel!, now: NOW, trust: FAKE_TRUST });
    });

  test("bundle, by its shape", async () => {
    const intel = await mintFakeIntel();
    const { bytes } = bundleFile(intel);
    const random = createRandom(1);
    for (let run = 0; run < RUNS; run++) {
      const changed = mutateShape(bytes, random);
      expect(await judged([{ name: "it.json", bytes: changed }], intel.quote)).toMatch(NOT_FALSE);
    }
  });

  test("documents, by their bytes", async () => {
    const intel = await mintFakeIntel();
    const files = pcsFiles(intel);
    const random = createRandom(2);
    for (let run = 0; run < RUNS; run++) {
      const at = random(files.length);
      const changed = files.map((file, index) =>
        index === at ? { ...file, bytes: mutate(file.bytes, random) } : file,
      );
      expect(await judged(changed, intel.quote)).toMatch(NOT_FALSE);
    }
  });
});

describe("AMD's", () => {
  const world = mintAmdWorld();

  /** The last bytes of its subjectPublicKey, of its own signature: it did not sign the report, or is not AMD's. */
  async function withBitAt(find: (leaf: Uint8Array) => number): Promise<string> {
    const { roots, leaf, ask, ark, signReport } = await world;
    const changed = new Uint8Array(leaf);
    changed[find(changed)]! ^= 1;
    const endorsements = parseAmdEndorsements({ certificates: [changed, ask, ark], crls: [] });
    const report = await signReport();
    return await rejectionOf(
      async () => await verifySnpReportUnder(roots, report, { endorsements, now: AMD_NOW }),
    );
  }

  /** BIT STRING of an uncompressed point of P-384. */
  const keyAt = (leaf: Uint8Array): number =>
    leaf.findIndex((byte, at) => byte === 0x03 && leaf[at + 1] === 0x62 && leaf[at + 3] === 0x04);

  test.for([5, 30, 60, 98])("signing key, at byte %i of its point", async (at) => {
    expect(await withBitAt((leaf) => keyAt(leaf) + at)).toMatch(/^ENDORSEMENT_/);
  });

  test("certificate that AMD did not make, and that signed, makes the report a stranger's", async () => {
    expect(await withBitAt((leaf) => leaf.length - 1)).toBe("EVIDENCE_CHAIN_INVALID");
  });
});

describe("NVIDIA's", () => {
  const world = mintNvidiaWorld();
  /** id-kp-OCSPSigning, as an object identifier. */
  const OCSP_SIGNING = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09];

  const judged = async (answer: Uint8Array): Promise<string> => {
    const { roots, device } = await world;
    return await rejectionOf(async () => {
      const endorsements = parseNvidiaEndorsements({ ocsp: [answer], crls: [] });
      await verifyNvidiaEvidenceUnder(roots, [device], { now: NVIDIA_NOW, endorsements });
    });
  };

  test("answer whose responder's certificate cannot be read", async () => {
    const answer = new Uint8Array(await mintOcsp(await world));
    const at = answer.findIndex((_, start) =>
      OCSP_SIGNING.every((byte, index) => answer[start + index] === byte),
    );
    expect(at).toBeGreaterThan(0);
    for (const byte of [0x80, 0xff]) {
      const changed = answer.with(at + OCSP_SIGNING.length - 1, byte);
      expect(await judged(changed)).toBe("ENDORSEMENT_SIGNATURE_INVALID");
    }
    expect(await judged(answer.with(at, 0x16))).toBe("ENDORSEMENT_SIGNATURE_INVALID");
  });

  test("answer, by its bytes", async () => {
    const answer = new Uint8Array(await mintOcsp(await world));
    const random = createRandom(3);
    for (let run = 0; run < RUNS; run++) expect(await judged(mutate(answer, random))).toMatch(NOT_FALSE);
  });
});
