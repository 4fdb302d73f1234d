import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  verifyNvidiaManifest,
  verifyNvidiaManifestUnder,
} from "../../../attestation/nvidia/reference-manifest.ts";
import { policyFromManifests } from "../../../attestation/policy/from-manifests.ts";
import { MANIFEST_NOW, mintManifest, type ManifestPlan } from "../../support/fake-manifest.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { VECTORS_FOLDER } from "../../support/vectors/config.ts";
import { readVectorFile } from "../../support/vectors/manifest.ts";

async function verify(plan: Partial<ManifestPlan> = {}, now = MANIFEST_NOW) {
  const { roots, xml } = await mintManifest(plan);
  return await verifyNvidiaManifestUnder(roots, xml, { now });
}

const value = `0x${"ab".repeat(48)}`;

describe("a manifest", () => {
  test("gives the values of its version by SPDM index, which counts from 1", async () => {
    expect(await verify()).toMatchObject({
      component: "driver",
      version: "590.12",
      product: "GH100",
      signer: "HCC RIM L4 Signer",
      byIndex: { "1": [value], "3": [value, `0x${"00".repeat(48)}`] },
    });
  });

  test.for<readonly [string, string, string]>([
    ["96.00.5E.00.01", "GPU", "vbios"],
    ["96.10.55.00.01", "SWITCH", "switchBios"],
    ["550.144.03", "GPU", "driver"],
  ])("of %s for a %s is one of its %s", async ([version, edition, component]) => {
    expect((await verify({ version, edition })).component).toBe(component);
  });

  test("makes a policy that needs it, and refuses debug and all other kinds", async () => {
    const policy = policyFromManifests([await verify()]);
    expect(policy.nvidia).toMatchObject({
      debug: "refuse",
      switches: "require",
      measurements: { manifests: [{ component: "driver", version: "590.12" }] },
    });
    expect(policy.tdx).toEqual({ refuse: true });
  });

  test("is the same with white space between its attributes, and an XML declaration", async () => {
    const spaced = await verify({
      edit: (xml) => `<?xml version="1.0" encoding="UTF-8"?>\n${xml.replace("<Meta c", "<Meta\n   c")}\n`,
    });
    expect(spaced.version).toBe("590.12");
  });
});

describe("is refused", () => {
  const swap = (from: string, to: string) => ({ edit: (xml: string) => xml.replace(from, to) });
  const INVALID = "ENDORSEMENT_SIGNATURE_INVALID";
  const MALFORMED = "ENDORSEMENT_MALFORMED";

  test.for<readonly [string, Partial<ManifestPlan>, string]>([
    ["with a value changed", swap("abab", "abac"), INVALID],
    ["with its version changed", swap("590.12", "590.13"), INVALID],
    ["with white space added to its text", swap("<Payload>", "<Payload> "), INVALID],
    ["with an element added", swap("<Payload>", "<Extra></Extra><Payload>"), INVALID],
    ["with another digest in its signature", swap("<ds:DigestValue>", "<ds:DigestValue>AAAA"), INVALID],
    [
      "signed in another way",
      { editSignedInfo: (xml) => xml.replace("ecdsa-sha384", "ecdsa-sha256") },
      MALFORMED,
    ],
    [
      "that signs a part of itself",
      { editSignedInfo: (xml) => xml.replace('URI=""', 'URI="#a"') },
      MALFORMED,
    ],
    [
      "with a transform that leaves something out",
      {
        editSignedInfo: (xml) =>
          xml.replace("</ds:Transforms>", '<ds:Transform Algorithm="x"></ds:Transform></ds:Transforms>'),
      },
      MALFORMED,
    ],
    [
      "with parameters of a transform",
      {
        editSignedInfo: (xml) =>
          xml.replace('xml-c14n11"></ds:Transform>', 'xml-c14n11"><ds:XPath>x</ds:XPath></ds:Transform>'),
      },
      MALFORMED,
    ],
    [
      "with two signatures",
      { edit: (xml) => xml.replace(/<ds:Signature .*<\/ds:Signature>/s, (block) => block + block) },
      MALFORMED,
    ],
    [
      "without a signature",
      { edit: (xml) => xml.replace(/<ds:Signature .*<\/ds:Signature>/s, "") },
      MALFORMED,
    ],
    [
      "with two payloads",
      { editSigned: (xml) => xml.replace("<Payload>", "<Payload></Payload><Payload>") },
      MALFORMED,
    ],
    ["for devices of another sort", { edition: "DPU" }, MALFORMED],
    ["without a version", { version: "" }, MALFORMED],
    ["with a value that is no hash", { measurements: { "0": ["zz"] } }, MALFORMED],
    ["with nothing active", { measurements: { "0": null } }, MALFORMED],
    ["with an index beyond any", { measurements: { "300": ["ab".repeat(48)] } }, MALFORMED],
    [
      "with one measurement twice",
      { editSigned: (xml) => xml.replace(/<Resource .*?<\/Resource>/, (resource) => resource + resource) },
      MALFORMED,
    ],
    [
      "in another namespace",
      {
        editSigned: (xml) =>
          xml.replace(`"http://standards.iso.org/iso/19770/-2/2015/schema.xsd"`, '"urn:x"'),
      },
      INVALID,
    ],
  ])("%s", async ([, plan, code]) => {
    expect(await rejectionOf(() => verify(plan))).toBe(code);
  });

  test("when its signer's certificate is out of date, or not NVIDIA's", async () => {
    expect(await rejectionOf(() => verify({}, MANIFEST_NOW + 40_000_000))).toBe("ENDORSEMENT_EXPIRED");
    const { xml } = await mintManifest();
    expect(await rejectionOf(() => verifyNvidiaManifest(xml, { now: MANIFEST_NOW }))).toBe(
      "ENDORSEMENT_CHAIN_INVALID",
    );
  });

  test("without a list, where lists were asked for", async () => {
    const { roots, xml } = await mintManifest();
    expect(
      await rejectionOf(() => verifyNvidiaManifestUnder(roots, xml, { now: MANIFEST_NOW, crls: [] })),
    ).toBe("ENDORSEMENT_UNAVAILABLE");
  });
});

/** NVIDIA's own, at a time of which their certificates are. */
describe.skipIf(!existsSync(join(VECTORS_FOLDER, "nvidia/rim")))("of NVIDIA's own", () => {
  test.for<readonly [string, string, string]>([
    ["1010_0200_882_96005E0001_PROD.swidtag", "2025-03-01", "vbios 96.00.5E.00.01, 12"],
    ["NV_GPU_DRIVER_GH100_550.144.03.xml", "2025-03-01", "driver 550.144.03, 21"],
    ["NV_GPU_DRIVER_GH100_570.124.03_expired.xml", "2025-03-01", "ENDORSEMENT_EXPIRED"],
    [
      "NV_SWITCH_BIOS_5612_0002_890_9610550001_invalid_signature.xml",
      "2025-03-01",
      "ENDORSEMENT_SIGNATURE_INVALID",
    ],
    ["incorrect_cert_chain_driver_rim.xml", "2025-03-01", "ENDORSEMENT_CHAIN_INVALID"],
    ["incorrect_signature_driver_rim.xml", "2025-03-01", "ENDORSEMENT_SIGNATURE_INVALID"],
  ])("%s at %s is: %s", async ([file, date, expected]) => {
    let found = "";
    const code = await rejectionOf(async () => {
      const now = Date.parse(date) / 1000;
      const { component, version, byIndex } = await verifyNvidiaManifest(
        readVectorFile(`nvidia/rim/${file}`),
        { now },
      );
      found = `${component} ${version}, ${Object.keys(byIndex).length}`;
    });
    expect(code === "nothing thrown" ? found : code).toBe(expected);
  });
});
