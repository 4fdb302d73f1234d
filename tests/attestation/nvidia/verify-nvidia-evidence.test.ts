import { describe, expect, test } from "vitest";
import { checkGpuBinding, findGpuBinding, toGpuNonce } from "../../../attestation/nvidia/gpu-binding.ts";
import { isNvidiaEvidence, parseNvidiaEvidence } from "../../../attestation/nvidia/nvidia-evidence.ts";
import {
  verifyNvidiaEvidence,
  verifyNvidiaEvidenceUnder,
} from "../../../attestation/nvidia/verify-nvidia-evidence.ts";
import { concatBytes, fromHex, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { AWS_NOW, mintAwsWorld } from "../../support/fake-aws.ts";
import { verifyNitroDocumentUnder } from "../../../attestation/aws/verify-nitro-document.ts";
import {
  block,
  mintNvidiaWorld,
  NVIDIA_NOW,
  OPAQUE,
  rootKey,
  toEvidenceJson,
  type NvidiaPlan,
  type NvidiaWorld,
} from "../../support/fake-nvidia.ts";
import { bitsFlippedOf, flipBits } from "../../support/bits/flip-bits.ts";
import { KEY_USAGE } from "../../support/fake-x509.ts";

async function verify(plan: Partial<NvidiaPlan>, now: number = NVIDIA_NOW) {
  const { roots, device } = await mintNvidiaWorld(plan);
  return await verifyNvidiaEvidenceUnder(roots, [device], { now });
}

const withoutFirmware = OPAQUE.filter(([type]) => type !== 20);

describe("accepts", () => {
  test.for<readonly [string, Partial<NvidiaPlan>]>([
    ["a device of Hopper's shape", {}],
    ["a device of Blackwell's shape", { firmwareExtension: "tcbInfo" }],
    ["a device that does not name its firmware", { opaque: withoutFirmware, firmwareExtension: "none" }],
    ["zero padding after the signature", { trailing: new Uint8Array(100) }],
    ["fields of the opaque data that are not known", { opaque: [...OPAQUE, [200, Uint8Array.of(1, 0)]] }],
    ["no opaque data", { opaque: [] }],
  ])("%s", async ([, plan]) => {
    expect((await verify(plan)).kind).toBe("nvidia");
  });

  test("and gives what the device signed", async () => {
    const { claims, platformId, reportData } = await verify({});
    expect({ platformId, reportData, nonce: claims.nonce }).toEqual({
      platformId: "0x05",
      reportData: `0x${"4e".repeat(32)}`,
      nonce: `0x${"4e".repeat(32)}`,
    });
    expect(claims.devices).toEqual([
      {
        device: "gpu",
        measurements: { 1: `0x${"01".repeat(48)}`, 2: `0x${"02".repeat(48)}`, 3: `0x${"03".repeat(48)}` },
        driverVersion: "590.12",
        vbiosVersion: "96.00.A5.00.01",
        project: "G520",
        projectSku: "0200",
        chipSku: "885",
        firmwareId: `0x${"f0".repeat(48)}`,
        protectedPcie: null,
        featureFlag: null,
        switches: [],
        decoderOn: null,
        hardwareModel: "GH100 A01 GSP BROM",
        ueid: "0x05",
      },
    ]);
  });

  test("and says what of debug is established: nothing", async () => {
    expect((await verify({})).debug).toBeNull();
  });

  test("and gives the mode of several GPUs, and the switches at the links", async () => {
    const id = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const links = concatBytes(id, new Uint8Array(8), id);
    const opaque: NvidiaPlan["opaque"] = [
      ...OPAQUE,
      [11, Uint8Array.of(0x55)],
      [21, Uint8Array.of(0xaa)],
      [22, links],
      [36, Uint8Array.of(2, 0)],
    ];
    expect((await verify({ opaque })).claims.devices[0]).toMatchObject({
      device: "gpu",
      protectedPcie: true,
      featureFlag: "PPCIE",
      switches: ["0x0807060504030201"],
      decoderOn: false,
    });
    const ofSwitch: NvidiaPlan["opaque"] = [
      [22, id],
      [26, new Uint8Array(16)],
    ];
    expect((await verify({ opaque: ofSwitch })).claims.devices[0]).toMatchObject({
      device: "switch",
      switches: ["0x0102030405060708"],
    });
  });

  test("a device right below the pinned root, which then names its model", async () => {
    const key = await rootKey();
    const issuer = { subject: "NVIDIA Device Identity CA", key };
    const { roots, device, pem } = await mintNvidiaWorld({ certificates: { firmware: { issuer } } });
    const alone = { ...device, certificateChain: toUtf8(pem.firmware) };
    const { claims } = await verifyNvidiaEvidenceUnder(roots, [alone], { now: NVIDIA_NOW });
    expect(claims.devices[0]?.hardwareModel).toBe("a test's root");
  });

  test("a switch, which names its BIOS in text and has no driver", async () => {
    const { claims } = await verify({ opaque: [[6, toUtf8("96.10.73.00.01")]] });
    expect(claims.devices[0]).toMatchObject({
      vbiosVersion: "96.10.73.00.01",
      driverVersion: null,
      project: null,
    });
  });

  test("text from a device as text that a terminal can show", async () => {
    const { claims } = await verify({ opaque: [[3, Uint8Array.of(0x35, 0x1b, 0xff, 0x36)]] });
    expect(claims.devices[0]?.driverVersion).toBe("5??6");
  });

  test("several devices that answer one nonce, and then names no single platform", async () => {
    const worlds = await Promise.all([5, 6].map((serial) => mintNvidiaWorld({ serial })));
    const verified = await verifyNvidiaEvidenceUnder(
      worlds[0]!.roots,
      worlds.map(({ device }) => device),
      { now: NVIDIA_NOW },
    );
    expect(verified.claims.devices.map(({ ueid }) => ueid)).toEqual(["0x05", "0x06"]);
    expect(verified.platformId).toBeNull();
  });
});

describe("refuses of several devices", () => {
  test("one that stands there twice", async () => {
    const { roots, device } = await mintNvidiaWorld();
    const { device: other } = await mintNvidiaWorld({ serial: 6 });
    const twice = verifyNvidiaEvidenceUnder(roots, [device, other, device], { now: NVIDIA_NOW });
    await expect(twice).rejects.toMatchObject({ code: "EVIDENCE_BINDING_MISMATCH", details: { devices: 3 } });
    const both = await verifyNvidiaEvidenceUnder(roots, [device, other], { now: NVIDIA_NOW });
    expect(both.claims.devices).toHaveLength(2);
  });

  test.for<readonly [string, NvidiaPlan["opaque"], string]>([
    ["a mode that is not known", [...OPAQUE, [36, Uint8Array.of(3, 0)]], "EVIDENCE_UNSUPPORTED"],
    ["an id of a switch that is cut off", [...OPAQUE, [22, new Uint8Array(9)]], "EVIDENCE_MALFORMED"],
  ])("one with %s", async ([, opaque, code]) => {
    await expect(verify({ opaque })).rejects.toMatchObject({ code });
  });
});

describe("refuses", () => {
  const response = (
    change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
  ): Partial<NvidiaPlan> => ({
    edit: (messages) => ({ ...messages, response: change(messages.response) }),
  });
  const request = (index: number, value: number): Partial<NvidiaPlan> => ({
    edit: (messages) => ({ ...messages, request: messages.request.with(index, value) }),
  });

  test.for<readonly [string, Partial<NvidiaPlan>, string]>([
    [
      "firmware that its certificate does not name",
      { certifiedFirmware: new Uint8Array(48) },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "Blackwell firmware that its certificate does not name",
      { firmwareExtension: "tcbInfo", certifiedFirmware: new Uint8Array(48) },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["firmware where the certificate names none", { firmwareExtension: "none" }, "EVIDENCE_BINDING_MISMATCH"],
    ["a firmware identifier of another length", { opaque: [[20, new Uint8Array(32)]] }, "EVIDENCE_MALFORMED"],
    [
      "a field of the opaque data that appears twice",
      { opaque: [...OPAQUE, [3, toUtf8("1")]] },
      "EVIDENCE_MALFORMED",
    ],
    [
      "opaque data that ends inside a field",
      response((bytes) => bytes.with(bytes.length - 50, 49)),
      "EVIDENCE_MALFORMED",
    ],
    ["a signature by another key", { signer: "stranger" }, "EVIDENCE_SIGNATURE_INVALID"],
    ["a signature by the boot ROM", { signer: "bootRom" }, "EVIDENCE_SIGNATURE_INVALID"],
    ["bytes other than zeros after the signature", { trailing: Uint8Array.of(0, 1) }, "EVIDENCE_MALFORMED"],
    ["more than a driver's buffer holds", { trailing: new Uint8Array(65_536) }, "EVIDENCE_MALFORMED"],
    ["another version of SPDM in the request", request(0, 0x12), "EVIDENCE_UNSUPPORTED"],
    ["another request", request(1, 0xe1), "EVIDENCE_MALFORMED"],
    ["a request without a signature", request(2, 0), "EVIDENCE_MALFORMED"],
    [
      "another version of SPDM in the response",
      response((bytes) => bytes.with(0, 0x12)),
      "EVIDENCE_UNSUPPORTED",
    ],
    ["another response", response((bytes) => bytes.with(1, 0x7f)), "EVIDENCE_MALFORMED"],
    ["fewer blocks than the record holds", response((bytes) => bytes.with(4, 2)), "EVIDENCE_MALFORMED"],
    ["more blocks than the record holds", response((bytes) => bytes.with(4, 4)), "EVIDENCE_MALFORMED"],
    [
      "two blocks of one index",
      { blocks: [block(1, new Uint8Array(48)), block(1, new Uint8Array(48))] },
      "EVIDENCE_MALFORMED",
    ],
    [
      "a measurement that is not DMTF's",
      { blocks: [block(1, new Uint8Array(48), 2)] },
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "bytes after a measurement",
      { blocks: [Uint8Array.of(1, 1, 5, 0, 1, 1, 0, 0xaa, 0xbb)] },
      "EVIDENCE_MALFORMED",
    ],
    [
      "an expired provisioner",
      { certificates: { provisioner: { notAfter: NVIDIA_NOW - 1 } } },
      "EVIDENCE_CHAIN_EXPIRED",
    ],
    [
      "a future device",
      { certificates: { firmware: { notBefore: NVIDIA_NOW + 1 } } },
      "EVIDENCE_CHAIN_NOT_YET_VALID",
    ],
    ["a boot ROM that is no CA", { certificates: { bootRom: { ca: null } } }, "EVIDENCE_CHAIN_NOT_CA"],
    [
      "an identity CA that allows no boot ROM below",
      { certificates: { identity: { ca: { pathLength: 1 } } } },
      "EVIDENCE_CHAIN_PATH_LENGTH",
    ],
    [
      "a boot ROM whose key may not sign certificates",
      { certificates: { bootRom: { keyUsage: KEY_USAGE.digitalSignature } } },
      "EVIDENCE_CHAIN_KEY_USAGE",
    ],
    [
      "firmware whose key may not sign",
      { certificates: { firmware: { keyUsage: KEY_USAGE.keyCertSign } } },
      "EVIDENCE_CHAIN_KEY_USAGE",
    ],
    [
      "an unknown critical extension",
      {
        certificates: {
          bootRom: { extensions: [{ oid: "1.2.3.4", critical: true, value: Uint8Array.of(5, 0) }] },
        },
      },
      "EVIDENCE_CHAIN_CRITICAL_EXTENSION",
    ],
    [
      "a malformed firmware extension",
      {
        certificates: {
          firmware: { extensions: [{ oid: "2.23.133.5.4.1", critical: false, value: Uint8Array.of(5, 0) }] },
        },
      },
      "EVIDENCE_MALFORMED",
    ],
  ])("%s", async ([, plan, code]) => {
    await expect(verify(plan)).rejects.toMatchObject({ code });
  });

  const chain = async (change: (pem: NvidiaWorld["pem"]) => readonly string[]) => {
    const { roots, device, pem } = await mintNvidiaWorld();
    const evidence = [{ ...device, certificateChain: toUtf8(change(pem).join("")) }];
    return await verifyNvidiaEvidenceUnder(roots, evidence, { now: NVIDIA_NOW });
  };

  test.for<readonly [string, (pem: NvidiaWorld["pem"]) => readonly string[], string]>([
    [
      "a chain without its provisioner",
      ({ firmware, bootRom, identity }) => [firmware, bootRom, identity],
      "EVIDENCE_CHAIN_UNTRUSTED",
    ],
    ["the root alone", ({ root }) => [root], "EVIDENCE_CHAIN_KEY_USAGE"],
    ["no certificate", () => [], "EVIDENCE_MALFORMED"],
  ])("%s", async ([, change, code]) => {
    await expect(chain(change)).rejects.toMatchObject({ code });
  });

  test("no devices", async () => {
    const { roots } = await mintNvidiaWorld();
    const attempt = verifyNvidiaEvidenceUnder(roots, [], { now: NVIDIA_NOW });
    await expect(attempt).rejects.toMatchObject({ code: "EVIDENCE_BINDING_MISMATCH" });
  });

  test("devices that answered different nonces", async () => {
    const worlds = await Promise.all(
      [1, 2].map((fill) => mintNvidiaWorld({ nonce: new Uint8Array(32).fill(fill) })),
    );
    const attempt = verifyNvidiaEvidenceUnder(
      worlds[0]!.roots,
      worlds.map(({ device }) => device),
      { now: NVIDIA_NOW },
    );
    await expect(attempt).rejects.toMatchObject({ code: "EVIDENCE_BINDING_MISMATCH" });
  });

  test("one genuine device beside one that is not", async () => {
    const worlds = await Promise.all([mintNvidiaWorld(), mintNvidiaWorld({ signer: "stranger" })]);
    const attempt = verifyNvidiaEvidenceUnder(
      worlds[0].roots,
      worlds.map(({ device }) => device),
      { now: NVIDIA_NOW },
    );
    await expect(attempt).rejects.toMatchObject({ code: "EVIDENCE_SIGNATURE_INVALID" });
  });

  test("every chain but NVIDIA's own, where the root is the pinned one", async () => {
    const { device } = await mintNvidiaWorld();
    const attempt = verifyNvidiaEvidence(toEvidenceJson([device]), { now: NVIDIA_NOW });
    await expect(attempt).rejects.toMatchObject({ code: "EVIDENCE_CHAIN_UNTRUSTED" });
  });

  test("evidence one bit away from a genuine one, whichever bit it is", async ({ annotate }) => {
    const { roots, device } = await mintNvidiaWorld();
    const { flipped, accepted, codes } = await flipBits(device.evidence, async (evidence) => {
      await verifyNvidiaEvidenceUnder(roots, [{ ...device, evidence }], { now: NVIDIA_NOW });
    });
    await annotate(`${flipped} bits flipped, one at a time, each through the whole verifier`);
    expect(flipped).toBe(bitsFlippedOf(device.evidence.length));
    expect(accepted).toEqual([]);
    expect(codes.filter((code) => !code.startsWith("EVIDENCE_"))).toEqual([]);
    expect(codes).toContain("EVIDENCE_SIGNATURE_INVALID");
  });
});

describe("JSON evidence", () => {
  test.for([
    ["nothing", "[]"],
    ["no certificate", '{"evidence":"AA=="}'],
    ["a number", "7"],
    ["text that is no JSON", "{"],
  ] as const)("is not %s", ([, json]) => {
    expect(isNvidiaEvidence(toUtf8(json))).toBe(false);
    expect(codeOf(() => parseNvidiaEvidence(toUtf8(json)))).toBe("EVIDENCE_MALFORMED");
  });

  test("is one device or several", async () => {
    const { device } = await mintNvidiaWorld();
    const several = toEvidenceJson([device, device]);
    const single = toUtf8(JSON.stringify((JSON.parse(new TextDecoder().decode(several)) as unknown[])[0]));
    expect([parseNvidiaEvidence(several).length, parseNvidiaEvidence(single).length]).toEqual([2, 1]);
  });

  test.for<readonly [string, (text: string) => string]>([
    ["without padding", (text) => text.replace(/=+$/, "")],
    ["in the alphabet of URLs", (text) => text.replaceAll("+", "-").replaceAll("/", "_")],
    ["in lines", (text) => `${text.replace(/.{64}/g, "$&\r\n")}\n`],
  ])("reads base64 %s", async ([, spell]) => {
    const [device] = JSON.parse(
      new TextDecoder().decode(toEvidenceJson([(await mintNvidiaWorld()).device])),
    ) as [Record<"evidence" | "certificate", string>];
    const spelt = [{ evidence: spell(device.evidence), certificate: spell(device.certificate) }];
    expect(parseNvidiaEvidence(toUtf8(JSON.stringify(spelt)))).toEqual(
      parseNvidiaEvidence(toUtf8(JSON.stringify([device]))),
    );
  });

  test("refuses base64 that is none", () => {
    const json = toUtf8('{"evidence":"%","certificate":"AA=="}');
    expect(codeOf(() => parseNvidiaEvidence(json))).toBe("EVIDENCE_MALFORMED");
  });
});

describe("binding of a GPU to CPU evidence", () => {
  const cpu = async (userData: Uint8Array | null) => {
    const { roots, document } = await mintAwsWorld({ fields: { user_data: userData } });
    return await verifyNitroDocumentUnder(roots, document, { now: AWS_NOW });
  };

  test("holds where the GPU answered the hash of the CPU's report data", async () => {
    const enclave = await cpu(new Uint8Array(64).fill(7));
    const gpu = await verify({ nonce: fromHex(toGpuNonce(enclave.reportData!)) });
    expect(
      codeOf(() => {
        checkGpuBinding(enclave, gpu);
      }),
    ).toBe("nothing thrown");
  });

  test.for([
    ["another enclave's", new Uint8Array(64).fill(8)],
    ["nobody's", null],
  ] as const)("is refused where the report data is %s", async ([, userData]) => {
    const gpu = await verify({ nonce: fromHex(toGpuNonce(`0x${"07".repeat(64)}`)) });
    const enclave = await cpu(userData);
    expect(
      codeOf(() => {
        checkGpuBinding(enclave, gpu);
      }),
    ).toBe("EVIDENCE_BINDING_MISMATCH");
  });

  test.for<readonly [string, Uint8Array, Uint8Array, string | null]>([
    [
      "that was asked by the enclave",
      new Uint8Array(64).fill(7),
      fromHex(toGpuNonce(`0x${"07".repeat(64)}`)),
      "asked",
    ],
    [
      "that answered the nonce in the first half",
      new Uint8Array(64).fill(9, 0, 32),
      new Uint8Array(32).fill(9),
      "same-nonce",
    ],
    [
      "that answered the nonce in the second half",
      new Uint8Array(64).fill(9, 32),
      new Uint8Array(32).fill(9),
      "same-nonce",
    ],
    ["of which nothing is seen", new Uint8Array(64), new Uint8Array(32).fill(9), null],
    [
      "whose nonce is zeros, as half of the report data is",
      new Uint8Array(64).fill(9, 0, 32),
      new Uint8Array(32),
      null,
    ],
  ])("of a GPU %s is said for what it is", async ([, userData, nonce, binding]) => {
    expect(findGpuBinding(await cpu(userData), await verify({ nonce }))).toBe(binding);
  });

  test("is the same nonce where a document has a field for it", async () => {
    const nonce = new Uint8Array(32).fill(3);
    const { roots, document } = await mintAwsWorld({ fields: { nonce } });
    const enclave = await verifyNitroDocumentUnder(roots, document, { now: AWS_NOW });
    expect(findGpuBinding(enclave, await verify({ nonce }))).toBe("same-nonce");
    expect(findGpuBinding(await cpu(null), await verify({ nonce }))).toBeNull();
  });

  test("is refused for evidence that nobody verified", async () => {
    const gpu = await verify({});
    expect(
      codeOf(() => {
        checkGpuBinding({ ...gpu }, gpu);
      }),
    ).toBe("INPUT_INVALID");
  });
});
