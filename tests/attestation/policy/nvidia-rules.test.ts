import { describe, expect, test } from "vitest";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { explainPolicy } from "../../../attestation/policy/explain.ts";
import { openRules, proposePolicy } from "../../../attestation/policy/propose.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { checksOf } from "../../../attestation/evidence/check-list.ts";
import type { AppraisalError } from "../../../protocol/errors.ts";
import { block, OPAQUE, type NvidiaPlan } from "../../support/fake-nvidia.ts";
import {
  appraise,
  ATTRIBUTE,
  changed,
  MEASUREMENT,
  nvidia,
  PLATFORM,
} from "../../support/policy-appraisal.ts";

describe("several NVIDIA devices", () => {
  test("are judged each: one stranger refuses all", async () => {
    const evidence = await nvidia({}, { serial: 6 });
    const policy = proposePolicy(evidence);
    expect(appraise(evidence, policy)).toBe("nothing thrown");
    expect(appraise(evidence, changed(policy, "nvidia", { platformIds: { oneOf: ["0x05"] } }))).toBe(
      PLATFORM,
    );
  });

  test("of which one names no VBIOS are proposed without", async () => {
    const evidence = await nvidia({}, { opaque: OPAQUE.filter(([type]) => type !== 6), serial: 6 });
    const policy = proposePolicy(evidence);
    expect(policy.nvidia).toMatchObject({ vbiosVersion: { acceptAny: true } });
    const rules = { vbiosVersion: { oneOf: ["96.00.A5.00.01"] } };
    expect(appraise(evidence, changed(policy, "nvidia", rules))).toBe(ATTRIBUTE);
  });

  test("are counted, and no fewer are accepted", async () => {
    const four = await nvidia({}, { serial: 6 }, { serial: 7 }, { serial: 8 });
    const policy = proposePolicy(four);
    expect(policy.nvidia).toMatchObject({ devices: { gpus: 4, switches: 0 } });
    expect(appraise(four, policy)).toBe("nothing thrown");
    expect(appraise(await nvidia({}), policy)).toBe(ATTRIBUTE);
    expect(appraise(await nvidia({}), changed(policy, "nvidia", { devices: { acceptAny: true } }))).toBe(
      "nothing thrown",
    );
  });

  test("that send plain data through switches need the switches' evidence", async () => {
    const id = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const gpu = { opaque: [...OPAQUE, [22, id.toReversed()], [36, Uint8Array.of(2, 0)]] } as const;
    const itself = {
      serial: 9,
      opaque: [
        [22, id],
        [26, new Uint8Array()],
      ],
    } as const;
    const other = { ...itself, opaque: [[22, id.toReversed()] as const, [26, new Uint8Array()] as const] };
    const require = (evidence: VerifiedEvidence) =>
      appraise(evidence, changed(proposePolicy(evidence), "nvidia", { switches: "require" }));
    expect(require(await nvidia(gpu))).toBe(ATTRIBUTE);
    expect(require(await nvidia(gpu, other))).toBe(ATTRIBUTE);
    expect(require(await nvidia(gpu, itself))).toBe("nothing thrown");
    const alone = await nvidia(gpu);
    expect(proposePolicy(alone).nvidia).toMatchObject({ switches: "acceptWithout" });
    expect(appraise(alone, proposePolicy(alone))).toBe("nothing thrown");
  });

  test.for<readonly [string, NvidiaPlan["opaque"], string]>([
    ["does not say its mode", [], ATTRIBUTE],
    ["has a mode without plain links", [[36, Uint8Array.of(1, 0)]], "nothing thrown"],
    ["has an unprotected bus", [[21, Uint8Array.of(0x55)]], "nothing thrown"],
    ["has a status that is neither", [[21, Uint8Array.of(0x33)]], ATTRIBUTE],
    ["sends plain data and names no switch", [[36, Uint8Array.of(2, 0)]], ATTRIBUTE],
    ["sends plain data by its bus alone", [[21, Uint8Array.of(0xaa)]], ATTRIBUTE],
    [
      "sends plain data with every link off",
      [
        [21, Uint8Array.of(0xaa)],
        [22, new Uint8Array(144)],
      ],
      ATTRIBUTE,
    ],
  ])(
    "are refused where switches are required and a GPU %s, as nothing establishes them",
    async ([, mode, code]) => {
      const evidence = await nvidia({ opaque: [...OPAQUE, ...mode] });
      const policy = proposePolicy(evidence);
      expect(policy.nvidia).toMatchObject({ switches: code === ATTRIBUTE ? "acceptWithout" : "require" });
      expect(appraise(evidence, changed(policy, "nvidia", { switches: "require" }))).toBe(code);
    },
  );
});

/** A manifest as `policy from-rim` writes it. */
describe("NVIDIA's manifests in a policy", () => {
  const value = (index: number) => [`0x${index.toString(16).padStart(2, "0").repeat(48)}`];
  const driver = { component: "driver", version: "590.12", byIndex: { "1": value(1), "2": value(2) } };
  const vbios = { component: "vbios", version: "96.00.a5.00.01", byIndex: { "3": value(3) } };
  const withManifests = async (manifests: readonly object[], plan: Partial<NvidiaPlan> = {}) => {
    const evidence = await nvidia(plan);
    const rules = { measurements: { manifests }, debug: "refuse" };
    return appraise(evidence, changed(proposePolicy(evidence), "nvidia", rules));
  };

  test.for<readonly [string, readonly object[], string]>([
    ["both of a GPU's components", [driver, vbios], "nothing thrown"],
    ["those of other versions beside them", [{ ...driver, version: "1" }, driver, vbios], "nothing thrown"],
    ["no driver of this version", [{ ...driver, version: "580.1" }, vbios], MEASUREMENT],
    ["no VBIOS", [driver], MEASUREMENT],
    ["another measurement", [{ ...driver, byIndex: { "1": value(9) } }, vbios], MEASUREMENT],
    ["a measurement that is not there", [{ ...driver, byIndex: { "40": value(1) } }, vbios], MEASUREMENT],
  ])("with %s", async ([, manifests, code]) => {
    expect(await withManifests(manifests)).toBe(code);
  });

  test("compare the decoder's measurement only where it is on", async () => {
    const manifests = [{ ...driver, byIndex: { "36": value(9) } }, vbios];
    const decoder = (status: number) => ({ opaque: [...OPAQUE, [11, Uint8Array.of(status)] as const] });
    expect(await withManifests(manifests, decoder(0x55))).toBe("nothing thrown");
    expect(await withManifests(manifests, decoder(0xaa))).toBe(MEASUREMENT);
  });

  test("are what establishes that debug is off", async () => {
    const evidence = await nvidia({});
    const policy = proposePolicy(evidence);
    expect(policy.nvidia).toMatchObject({ debug: "acceptUnknown" });
    expect(appraise(evidence, changed(policy, "nvidia", { debug: "refuse" }))).toBe(
      "APPRAISAL_DEBUG_UNKNOWN",
    );
  });

  test("leave open what nothing establishes, and say so", async () => {
    const evidence = await nvidia({ opaque: [...OPAQUE, [36, Uint8Array.of(2, 0)]] });
    const policy = proposePolicy(evidence);
    const { checks } = appraiseEvidence(evidence, policy, { now: evidence.verifiedAt });
    const leftOpen = checks.filter(({ state }) => state === "left open").map(({ name }) => name);
    expect(leftOpen).toEqual(expect.arrayContaining(["switches", "debug", "revocation"]));
    expect(openRules(policy)).toEqual(
      expect.arrayContaining(["nvidia.switches", "nvidia.debug", "nvidia.revocation"]),
    );
    const [section] = explainPolicy(policy).accepted;
    expect(section?.demands.join(" ")).toContain("switches need not be here");
  });

  test("establish nothing of debug where a measurement is another", async () => {
    const evidence = await nvidia({});
    const checksWith = (manifests: readonly object[]): string => {
      const policy = changed(proposePolicy(evidence), "nvidia", {
        measurements: { manifests },
        debug: "refuse",
      });
      try {
        appraiseEvidence(evidence, policy, { now: evidence.verifiedAt });
        return "accepted";
      } catch (error) {
        const checks = checksOf(error as AppraisalError);
        return checks
          .flatMap((check) => (check.ok === false ? `${check.name} ${check.error.code}` : []))
          .join();
      }
    };
    expect(checksWith([driver, vbios])).toBe("accepted");
    expect(checksWith([{ ...driver, byIndex: { "1": value(9) } }, vbios])).toBe(
      `measurements ${MEASUREMENT},debug APPRAISAL_DEBUG_UNKNOWN`,
    );
  });

  test("have the measurements proposed that they share", async () => {
    const blocks = [1, 2, 3].map((index) => block(index, new Uint8Array(48).fill(index === 2 ? 9 : index)));
    const { nvidia: section } = proposePolicy(await nvidia({}, { blocks, serial: 6 }));
    const values = { "1": [`0x${"01".repeat(48)}`], "3": [`0x${"03".repeat(48)}`] };
    expect(section).toMatchObject({ measurements: { byIndex: values } });
    expect(JSON.stringify(section)).not.toContain("0909");
  });
});
