import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { NO_APP_INFO, verifyMrConfig } from "../../../attestation/dstack/app-info.ts";
import {
  verifyDstackNitroEvidenceUnder,
  verifyDstackNitroTpmEvidenceUnder,
  verifyDstackSnpEvidenceUnder,
} from "../../../attestation/dstack/verify-dstack-evidence.ts";
import { recogniseEvidence } from "../../../attestation/evidence/recognise-evidence.ts";
import { concatBytes, fromHex, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { AMD_NOW, mintAmdWorld } from "../../support/fake-amd.ts";
import { AWS_NOW, mintAwsWorld, pcrs } from "../../support/fake-aws.ts";
import {
  APP_ID,
  COMPOSE_HASH,
  EVENTS,
  mrConfigOf,
  pcr14Of,
  toMessagePack,
  toScale,
  type FakeEvent,
} from "../../support/fake-dstack.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const MISMATCH = "EVIDENCE_BINDING_MISMATCH";

/** dstack names its platforms' events, documents and configuration in one way; what binds them differs. */
describe("on other hardware", () => {
  const forms = { SCALE: toScale, MessagePack: toMessagePack } as const;
  const reportData = new Uint8Array(64).fill(0xd0);

  describe.for(Object.entries(forms))("in %s", ([, encode]) => {
    const snp = async (change: { readonly mrConfig?: string; readonly reportData?: Uint8Array } = {}) => {
      const { document, hostData } = mrConfigOf();
      const world = await mintAmdWorld();
      const report = await world.signReport({ hostData });
      const platform = {
        kind: "snp",
        report,
        certificates: [],
        mrConfig: change.mrConfig ?? document,
      } as const;
      const bytes = encode({ platform, events: EVENTS, reportData: change.reportData ?? reportData });
      expect(recogniseEvidence(bytes)).toBe("dstackSnp");
      const { roots, endorsements } = world;
      return await verifyDstackSnpEvidenceUnder(roots, bytes, { endorsements, now: AMD_NOW });
    };

    test("SEV-SNP names the application that HOST_DATA commits to", async () => {
      const { kind, claims } = await snp();
      expect(kind).toBe("dstackSnp");
      expect(claims.app).toEqual({
        appId: toHex(APP_ID),
        composeHash: toHex(COMPOSE_HASH),
        instanceId: null,
        osImageHash: null,
        keyProvider: toHex(toUtf8('{"name":"kms","id":"aa"}')),
      });
    });

    test.for<readonly [string, Parameters<typeof snp>[0], string]>([
      ["another configuration", { mrConfig: mrConfigOf({ key_provider: "none" }).document }, MISMATCH],
      ["other report data", { reportData: new Uint8Array(64) }, MISMATCH],
    ])("SEV-SNP is refused with %s", async ([, change, code]) => {
      expect(await rejectionOf(() => snp(change))).toBe(code);
    });

    const aws = async (
      device: "nitro" | "nitroTpm",
      change: { readonly events?: readonly FakeEvent[]; readonly reportData?: Uint8Array } = {},
    ) => {
      const field = device === "nitro" ? "pcrs" : "nitrotpm_pcrs";
      const fields = { pcrs: undefined, [field]: pcrs().set(14, pcr14Of(EVENTS)) };
      const { roots, document } = await mintAwsWorld({ fields });
      const bytes = encode({
        platform: { kind: device, document },
        events: change.events ?? EVENTS,
        reportData: change.reportData ?? reportData,
      });
      return { roots, bytes };
    };

    test("a Nitro enclave is its image", async () => {
      const { roots, bytes } = await aws("nitro");
      expect(recogniseEvidence(bytes)).toBe("dstackNitro");
      const { claims } = await verifyDstackNitroEvidenceUnder(roots, bytes, { now: AWS_NOW });
      const image = sha256(
        concatBytes(...["0", "1", "2"].map((index) => fromHex(claims.hardware.pcrs[index]!))),
      );
      expect(claims.app).toEqual({ ...NO_APP_INFO, osImageHash: toHex(image) });
      const other = await aws("nitro", { reportData: new Uint8Array(64) });
      expect(
        await rejectionOf(() => verifyDstackNitroEvidenceUnder(roots, other.bytes, { now: AWS_NOW })),
      ).toBe(MISMATCH);
    });

    test("an instance with a NitroTPM names the application in PCR14", async () => {
      const { roots, bytes } = await aws("nitroTpm");
      expect(recogniseEvidence(bytes)).toBe("dstackNitroTpm");
      const { claims } = await verifyDstackNitroTpmEvidenceUnder(roots, bytes, { now: AWS_NOW });
      expect(claims.app.appId).toBe(toHex(APP_ID));
    });

    test.for<readonly [string, Parameters<typeof aws>[1]]>([
      ["an event less", { events: EVENTS.slice(0, -1) }],
      ["other report data", { reportData: new Uint8Array(64) }],
    ])("a NitroTPM is refused with %s", async ([, change]) => {
      const { roots, bytes } = await aws("nitroTpm", change);
      expect(await rejectionOf(() => verifyDstackNitroTpmEvidenceUnder(roots, bytes, { now: AWS_NOW }))).toBe(
        MISMATCH,
      );
    });
  });

  test("a configuration of another version is not judged, and none says nothing", () => {
    const { document, hostData } = mrConfigOf({ version: 4 });
    expect(codeOf(() => verifyMrConfig(document, hostData))).toBe("EVIDENCE_UNSUPPORTED");
    expect(verifyMrConfig("", hostData)).toEqual(NO_APP_INFO);
  });

  test("a pod's payload is what its report data is the hash of", async () => {
    const reportData = sha512(toUtf8("app-data:hello"));
    const world = await mintAmdWorld();
    const platform = {
      kind: "snp",
      report: await world.signReport({ reportData }),
      certificates: [],
      mrConfig: "",
    } as const;
    const attempt = async (payload: string) =>
      await rejectionOf(async () => {
        const bytes = toMessagePack({ platform, events: [], reportData, payload }, { stack: "dstack-pod" });
        return await verifyDstackSnpEvidenceUnder(world.roots, bytes, {
          endorsements: world.endorsements,
          now: AMD_NOW,
        });
      });
    expect([await attempt("hello"), await attempt("hallo")]).toEqual(["nothing thrown", MISMATCH]);
  });
});
