import { describe, expect, test } from "vitest";
import {
  encodeEndorsements,
  parseEndorsements,
} from "../../../attestation/endorsements/endorsements-json.ts";
import { SIMULATOR_COLLATERAL } from "../../../attestation/simulator/collateral.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { mintFakeIntel } from "../../support/fake-intel.ts";

describe("endorsements in JSON", () => {
  test("may be of either vendor, of both, or of none", async () => {
    const { certificates, collateral } = await mintFakeIntel();
    const amd = { certificates: [toHex(certificates.pckCa)], crls: [`0x${String(collateral["pck_crl"])}`] };
    expect(parseEndorsements({})).toEqual({});
    expect(parseEndorsements({ intel: SIMULATOR_COLLATERAL }).intel?.tcbInfo.id).toBe("TDX");
    expect(parseEndorsements({ amd }).amd?.certificates.length).toBe(1);
    expect(Object.keys(parseEndorsements({ intel: SIMULATOR_COLLATERAL, amd }))).toEqual(["intel", "amd"]);
  });

  test("are the same after being written and read", async () => {
    const { certificates, collateral } = await mintFakeIntel();
    const json = {
      intel: SIMULATOR_COLLATERAL,
      amd: {
        certificates: [toHex(certificates.pckCa), toHex(certificates.root)],
        crls: [`0x${String(collateral["pck_crl"])}`],
      },
    };
    expect(encodeEndorsements(parseEndorsements(json))).toEqual(json);
    expect(encodeEndorsements(parseEndorsements({}))).toEqual({});
  });

  test.for<readonly [string, Record<string, string | number | object>]>([
    ["a vendor that is not known", { arm: {} }],
    ["a member that is missing", { intel: {} }],
    ["a member too many", { intel: { ...SIMULATOR_COLLATERAL, note: "x" } }],
    ["something that is not hex", { amd: { certificates: ["xyz"], crls: [] } }],
    ["a certificate that is none", { amd: { certificates: ["0x00"], crls: [] } }],
  ])("are refused with %s", ([, json]) => {
    expect(codeOf(() => parseEndorsements(json as never))).toBe("ENDORSEMENT_MALFORMED");
  });
});
