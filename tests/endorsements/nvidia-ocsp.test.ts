import { expect, test } from "vitest";
import { verifyNvidiaEvidenceUnder } from "../../attestation/nvidia/verify-nvidia-evidence.ts";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { mintNvidiaWorld, NVIDIA_NOW, toEvidenceJson } from "../support/fake-nvidia.ts";
import { mintOcsp } from "../support/fake-ocsp.ts";
import { startLocalServer } from "../support/local-server.ts";
import { rejectionOf } from "../support/rejection-of.ts";

test("asks NVIDIA about each certificate that it issued, and keeps the answers while they are in date", async () => {
  const world = await mintNvidiaWorld();
  await using server = await startLocalServer({ "/": { body: await mintOcsp(world) } });
  const source = createVendorSource({ nvidiaUrl: `${server.url}/` });
  const evidence = toEvidenceJson([world.device]);
  const { nvidia } = await source.find(evidence, NVIDIA_NOW);
  const verified = await verifyNvidiaEvidenceUnder(world.roots, [world.device], {
    now: NVIDIA_NOW,
    endorsements: nvidia,
  });
  expect(verified.claims.revocation).toBe("checked");
  // Identity CA, provisioner and boot ROM: the boot ROM issued the fourth itself, and nobody is above the root.
  expect(server.questions).toHaveLength(3);
  for (const { method, contentType, body } of server.questions) {
    expect({ method, contentType }).toEqual({ method: "POST", contentType: "application/ocsp-request" });
    // OCSPRequest { TBSRequest { requestList { Request { CertID { SHA-384 … (RFC 6960 §4.1.1)
    expect(body.toString("hex")).toMatch(
      /^30(?:81)?..30(?:81)?..30(?:81)?..30(?:81)?..30(?:81)?..300d06096086480165030402020500/,
    );
  }
  await source.find(evidence, NVIDIA_NOW);
  expect(server.questions).toHaveLength(3);
});

test("does without no answer that was to be had", async () => {
  const world = await mintNvidiaWorld();
  await using server = await startLocalServer({ "/": { status: 500, body: "" } });
  const source = createVendorSource({ nvidiaUrl: `${server.url}/` });
  const asked = async (): Promise<unknown> => await source.find(toEvidenceJson([world.device]), NVIDIA_NOW);
  expect(await rejectionOf(asked)).toBe("ENDORSEMENT_UNAVAILABLE");
});
