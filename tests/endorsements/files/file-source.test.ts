import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { verifySnpReportUnder } from "../../../attestation/amd/verify-snp-report.ts";
import type { IntelEndorsements } from "../../../attestation/intel/intel-endorsements.ts";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import { createFileSource, createSourceOfFiles } from "../../../endorsements/files/file-source.ts";
import { toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { AMD_NOW, mintAmdWorld } from "../../support/fake-amd.ts";
import { DAY, FAKE_TRUST, mintFakeIntel, NOW, type FakeIntel } from "../../support/fake-intel.ts";
import { toPem } from "../../support/fake-x509.ts";
import { bundleFile, pcsFiles } from "../../support/intel-documents.ts";
import { codeOf } from "../../support/code-of.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

async function statusWith(
  intel: FakeIntel,
  endorsements: IntelEndorsements | undefined,
  now = NOW,
): Promise<string> {
  const context = { endorsements: endorsements!, now, trust: FAKE_TRUST };
  return String((await verifyTdQuote("tdx", intel.quote, context)).tcbStatus);
}

const file = (name: string, text: string): { name: string; bytes: Uint8Array<ArrayBuffer> } => ({
  name,
  bytes: toUtf8(text),
});

describe("Intel's collateral", () => {
  test("as one bundle", async () => {
    const intel = await mintFakeIntel();
    const found = await createSourceOfFiles([bundleFile(intel)]).find(intel.quote, NOW);
    expect(await statusWith(intel, found.intel)).toBe("UpToDate");
    expect(found.amd).toBeUndefined();
  });

  test("as a list of bundles, inside of another document", async () => {
    const intel = await mintFakeIntel();
    const document = JSON.stringify({ about: "collateral", all: [{ nested: intel.collateral }] });
    const found = await createSourceOfFiles([file("list.json", document)]).find(intel.quote, NOW);
    expect(await statusWith(intel, found.intel)).toBe("UpToDate");
  });

  test("that names a list of revoked certificates twice is refused: the last would hide the first", async () => {
    const text = JSON.stringify((await mintFakeIntel()).collateral);
    const twice = text.replace('"pck_crl":', '"pck_crl":"","pck_crl":');
    expect(codeOf(() => createSourceOfFiles([file("twice.json", twice)]))).toBe("ENDORSEMENT_MALFORMED");
  });

  test("as PCS's single documents, DER and PEM, put together once", async () => {
    const intel = await mintFakeIntel();
    const source = createSourceOfFiles(pcsFiles(intel));
    const found = await source.find(intel.quote, NOW);
    expect(await statusWith(intel, found.intel)).toBe("UpToDate");
    expect((await source.find(intel.quote, NOW + 1)).intel).toBe(found.intel);
  });

  test("as a PCCS keeps it, with revocation lists as DER in hex", async () => {
    const intel = await mintFakeIntel();
    const files = pcsFiles(intel).map(({ name, bytes }) => ({
      name,
      bytes: bytes[0] === 0x30 ? toUtf8(`${toHex(bytes).slice(2)}\n`) : bytes,
    }));
    const found = await createSourceOfFiles(files).find(intel.quote, NOW);
    expect(await statusWith(intel, found.intel)).toBe("UpToDate");
  });

  test("of two bundles for the platform, the newer that is in date", async () => {
    const older = await mintFakeIntel();
    const newer = await mintFakeIntel({
      tcbInfo: { issueDate: "2025-10-09T00:00:00Z", tcbEvaluationDataNumber: 18 },
    });
    const future = await mintFakeIntel({
      tcbInfo: { issueDate: "2025-12-01T00:00:00Z", nextUpdate: "2026-01-01T00:00:00Z" },
    });
    const source = createSourceOfFiles([older, newer, future].map((intel) => bundleFile(intel)));
    const { intel } = await source.find(older.quote, NOW);
    expect(intel?.tcbInfo.tcbEvaluationDataNumber).toBe(18);
  });

  test("that is out of date is handed on, for the verifier to name what is", async () => {
    const intel = await mintFakeIntel();
    const source = createSourceOfFiles(pcsFiles(intel));
    const later = NOW + 60 * DAY;
    const found = await source.find(intel.quote, later);
    expect(await rejectionOf(async () => await statusWith(intel, found.intel, later))).toBe(
      "ENDORSEMENT_EXPIRED",
    );
  });

  test("of another platform, when it is the only one, is handed on too", async () => {
    const intel = await mintFakeIntel();
    const other = await mintFakeIntel({ tcbInfo: { fmspc: "ffffffffffff" } });
    const found = await createSourceOfFiles([bundleFile(other)]).find(intel.quote, NOW);
    expect(await rejectionOf(async () => await statusWith(intel, found.intel))).toBe("ENDORSEMENT_MISMATCH");
  });

  test.for([
    ["of other platforms only", { tcbInfo: { fmspc: "ffffffffffff" } }],
    ["of the other TEE only", { tee: "sgx" }],
  ] as const)("%s is none", async ([, change]) => {
    const intel = await mintFakeIntel();
    const other = await mintFakeIntel(change);
    const source = createSourceOfFiles([bundleFile(other), bundleFile(other)]);
    expect(await rejectionOf(async () => await source.find(intel.quote, NOW))).toBe(
      "ENDORSEMENT_UNAVAILABLE",
    );
  });

  test.for([0, 1, 2, 3, 4])("with piece %i missing is never put together", async (missing) => {
    const intel = await mintFakeIntel();
    const files = pcsFiles(intel).filter((_, index) => index !== missing);
    const outcome = await rejectionOf(async () => {
      const { intel: found } = await createSourceOfFiles(files).find(intel.quote, NOW);
      await statusWith(intel, found);
    });
    // Without the chain there is no signer; without anything else there is nothing to judge with.
    expect(outcome).toMatch(missing === 0 ? /^ENDORSEMENT_/ : /^ENDORSEMENT_UNAVAILABLE$/);
  });
});

describe("AMD's certificates", () => {
  test.for([
    ["PEM in one file", "pem"],
    ["DER in three", "der"],
    ["a cloud's own JSON", "json"],
    ["DER in a document's hex, base64 and numbers", "encoded"],
  ] as const)("as %s", async ([, form]) => {
    const world = await mintAmdWorld({ crl: {} });
    const { leaf, ask, ark, crls } = world;
    const forms = {
      pem: [
        file(
          "all.pem",
          [leaf, ask, ark].map((each) => toPem(each)).join("# and\n") + toPem(crls[0]!, "X509 CRL"),
        ),
      ],
      der: [leaf, ask, ark, crls[0]!].map((bytes, index) => ({ name: `${index}.der`, bytes })),
      json: [
        file(
          "thim.json",
          JSON.stringify({ vcekCert: toPem(leaf), certificateChain: toPem(ask) + toPem(ark), tcbm: "00" }),
        ),
        { name: "crl", bytes: crls[0]! },
      ],
      encoded: [
        file(
          "evidence.json",
          JSON.stringify({
            certs: { vcek: toHex(leaf).slice(2), ask: Buffer.from(ask).toString("base64url"), ark: [...ark] },
            crl: toHex(crls[0]!),
            // DER of something else, and numbers that only begin as DER does.
            other: ["30".repeat(200), `3082${"00".repeat(200)}`, [0x30, 0x82, 1, 2]],
          }),
        ),
      ],
    };
    const report = await world.signReport();
    const { amd } = await createSourceOfFiles(forms[form]).find(report, AMD_NOW);
    const verified = await verifySnpReportUnder(world.roots, report, { endorsements: amd!, now: AMD_NOW });
    expect(verified.claims.revocation).toBe("checked");
  });
});

describe("a file that cannot be read is an error that names it, never passed over:", () => {
  test.for([
    ["text", "hello"],
    ["JSON that ends too early", '{"a":'],
    ["a PEM block that does not end", "-----BEGIN CERTIFICATE-----\nAAAA"],
    ["a revocation list that is none", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----"],
    ["DER of something else", "0\u0003\u0002\u0001\u0005"],
    ["nothing", ""],
    ["a response whose document is damaged", '{"tcbInfo":{"a":1},"signature":""}'],
  ] as const)("%s", async ([, text]) => {
    const intel = await mintFakeIntel();
    const outcome = await rejectionOf(
      async () => await createSourceOfFiles([file("bad", text)]).find(intel.quote, NOW),
    );
    expect(outcome).toBe("ENDORSEMENT_MALFORMED");
  });

  test("with its name in the details", () => {
    expect(() => createSourceOfFiles([file("bad.pem", "hello")])).toThrow(
      expect.objectContaining({ details: { file: "bad.pem" } }),
    );
  });

  test("but JSON that holds no endorsements is no error", () => {
    expect(codeOf(() => createSourceOfFiles([file("eval.json", '{"tcbEvaluationDataNumbers":[1]}')]))).toBe(
      "nothing thrown",
    );
  });
});

describe("a path", () => {
  async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), "adyton-endorsements-"));
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test("of a folder is read with what is below it, and without what is no endorsement", async () => {
    const intel = await mintFakeIntel();
    await inFolder(async (folder) => {
      await mkdir(join(folder, "crl"));
      await writeFile(join(folder, "README.md"), "not an endorsement");
      for (const { name, bytes } of pcsFiles(intel))
        await writeFile(join(folder, name.endsWith("crl") ? "crl" : ".", name), bytes);
      const found = await (await createFileSource(folder)).find(intel.quote, NOW);
      expect(await statusWith(intel, found.intel)).toBe("UpToDate");
    });
  });

  test("of one file is read whatever its name", async () => {
    const intel = await mintFakeIntel();
    await inFolder(async (folder) => {
      await writeFile(join(folder, "bundle"), bundleFile(intel).bytes);
      const found = await (await createFileSource(join(folder, "bundle"))).find(intel.quote, NOW);
      expect(await statusWith(intel, found.intel)).toBe("UpToDate");
    });
  });

  test("of an empty folder holds nothing to judge with", async () => {
    await inFolder(async (folder) => {
      expect(await rejectionOf(async () => await createFileSource(folder))).toBe("ENDORSEMENT_UNAVAILABLE");
    });
  });

  test("that leads nowhere is the caller's mistake", async () => {
    expect(await rejectionOf(async () => await createFileSource("/no/such/folder"))).toBe("INPUT_NOT_FOUND");
  });

  test("of a file that is too long is not read into memory", async () => {
    await inFolder(async (folder) => {
      await writeFile(join(folder, "long.der"), new Uint8Array(8 * 1024 * 1024 + 1));
      expect(await rejectionOf(async () => await createFileSource(folder))).toBe("INPUT_TOO_LARGE");
    });
  });

  test("of a folder whose files are too long together is not read into memory", async () => {
    await inFolder(async (folder) => {
      const bytes = new Uint8Array(8 * 1024 * 1024);
      for (let index = 0; index < 9; index++) await writeFile(join(folder, `${index}.der`), bytes);
      expect(await rejectionOf(async () => await createFileSource(folder))).toBe("INPUT_TOO_LARGE");
    });
  });

  test("of a folder is read without what its links lead to", async () => {
    await inFolder(async (folder) => {
      await symlink("/dev/zero", join(folder, "endless.der"));
      await symlink("/", join(folder, "everything"));
      expect(await rejectionOf(async () => await createFileSource(folder))).toBe("ENDORSEMENT_UNAVAILABLE");
    });
  });

  test("that never ends is counted while it is read", async () => {
    expect(await rejectionOf(async () => await createFileSource("/dev/zero"))).toBe("INPUT_TOO_LARGE");
  });
});
