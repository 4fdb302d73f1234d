import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { policyFromRim } from "../../../cli/policy/from-rim.ts";
import { mintManifest } from "../../support/fake-manifest.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { VECTORS_FOLDER } from "../../support/vectors/config.ts";

const folder = mkdtempSync(join(tmpdir(), "adyton-rim-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("names the file of a manifest that is not NVIDIA's", async () => {
  const file = join(folder, "driver.xml");
  writeFileSync(file, (await mintManifest()).xml);
  await expect(policyFromRim([file], { time: "2026-01-01" })).rejects.toMatchObject({
    code: "ENDORSEMENT_CHAIN_INVALID",
    message: expect.stringContaining(file) as string,
  });
});

test("says what is wrong with a file that is none, and with a time", async () => {
  const file = join(folder, "none.json");
  writeFileSync(file, "{}");
  expect(await rejectionOf(() => policyFromRim([file], { time: "2026-01-01" }))).toBe(
    "ENDORSEMENT_MALFORMED",
  );
  expect(await rejectionOf(() => policyFromRim([file], { time: "noon" }))).toBe("INPUT_INVALID");
  expect(await rejectionOf(() => policyFromRim([join(folder, "absent")], {}))).toBe("INPUT_NOT_FOUND");
});

test("names the file of a revocation list that is none, and of a URL where a file is wanted", async () => {
  const manifest = join(folder, "driver.xml");
  const lists = join(folder, "lists.crl");
  writeFileSync(manifest, (await mintManifest()).xml);
  writeFileSync(lists, "no list");
  await expect(policyFromRim([manifest], { time: "2026-01-01", crls: lists })).rejects.toMatchObject({
    code: "ENDORSEMENT_MALFORMED",
    message: expect.stringContaining(`${lists}: `) as string,
  });
  await expect(policyFromRim(["https://rim.example/x.xml"], {})).rejects.toMatchObject({
    code: "INPUT_NOT_FOUND",
    message: "cannot read https://rim.example/x.xml: it is a URL, and a file is wanted: fetch it first",
  });
});

describe.skipIf(!existsSync(join(VECTORS_FOLDER, "nvidia/rim")))("of NVIDIA's own", () => {
  const files = ["NV_GPU_DRIVER_GH100_550.144.03.xml", "1010_0200_882_96005E0001_PROD.swidtag"];
  const paths = files.map((file) => join(VECTORS_FOLDER, "nvidia/rim", file));

  test("makes a policy, and says what went into it", async () => {
    const { policy, summary } = await policyFromRim(paths, { time: "2025-03-01" });
    expect(summary).toEqual([
      expect.stringMatching(/^GH100 driver 550\.144\.03: 21 measurements, .*revocation not checked$/),
      expect.stringMatching(/^GH100 vbios 96\.00\.5E\.00\.01: 12 measurements/),
    ]);
    expect(policy.nvidia).toMatchObject({
      measurements: { manifests: [{ component: "driver" }, { component: "vbios" }] },
    });
  });
});
