/** Which TCB status a quote has, and when a TD is advised to be started again. */

import { describe, expect, test } from "vitest";
import {
  AT,
  MODULE_3,
  moduleSigner,
  svns,
  tcbLevel,
  tdxModule,
  type FakeIntelChange,
} from "../../support/fake-intel.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { verifyFakeQuote as verify } from "../../support/verify-fake-quote.ts";

describe("reports the TCB status", () => {
  const svn = (value: number) => ({ sgxComponentSvns: new Array<number>(16).fill(value) });
  const moduleBehind = { tdxModuleIdentities: [tdxModule("TDX_03", 3, "OutOfDate")] };
  const statusOf = (tcbStatus: string) => ({ tcbLevels: [tcbLevel(3, tcbStatus)] });

  test.for<readonly [string, FakeIntelChange, string]>([
    ["OutOfDate of a platform one SVN behind", { pckFields: svn(2) }, "OutOfDate"],
    [
      "OutOfDate when one component alone is behind",
      { pckFields: { sgxComponentSvns: [...new Array<number>(15).fill(3), 2] } },
      "OutOfDate",
    ],
    ["NotSupported below every level", { pckFields: svn(0) }, "NotSupported"],
    ["NotSupported of a PCE below every level", { pckFields: { pceSvn: 12 } }, "NotSupported"],
    [
      "NotSupported of a TD below every level",
      { body: [[AT.teeTcbSvn, new Uint8Array(16)]] },
      "NotSupported",
    ],
    ["OutOfDate of a TD one SVN behind", { body: [[5, Uint8Array.of(2)]] }, "OutOfDate"],
    ["OutOfDate by SVN 0 when the module has no identity", { body: [[0, Uint8Array.of(2)]] }, "OutOfDate"],
    [
      "UpToDate whatever TDX SVNs 0 and 1 are to the levels, when the module's identity decides",
      {
        tcbInfo: {
          tcbLevels: [
            {
              ...tcbLevel(3, "UpToDate"),
              tcb: {
                sgxtcbcomponents: svns(3),
                pcesvn: 13,
                tdxtcbcomponents: [{ svn: 200 }, { svn: 200 }, ...svns(3).slice(2)],
              },
            },
          ],
        },
        body: [MODULE_3],
      },
      "UpToDate",
    ],
    ["OutOfDate by the module's identity", { tcbInfo: moduleBehind, body: [MODULE_3] }, "OutOfDate"],
    ["NotSupported below the module's levels", { body: [[0, Uint8Array.of(2, 3)]] }, "NotSupported"],
    [
      "Revoked by the module's identity",
      { tcbInfo: { tdxModuleIdentities: [tdxModule("TDX_03", 3, "Revoked")] }, body: [MODULE_3] },
      "Revoked",
    ],
    ["OutOfDate by the quoting enclave", { qeReport: [[AT.sgxIsvSvn, Uint8Array.of(3)]] }, "OutOfDate"],
    [
      "NotSupported below the quoting enclave's levels",
      { qeReport: [[AT.sgxIsvSvn, Uint8Array.of(1)]] },
      "NotSupported",
    ],
    [
      "Revoked by the quoting enclave",
      {
        qeIdentity: {
          tcbLevels: [{ tcb: { isvsvn: 1 }, tcbDate: "2025-01-01T00:00:00Z", tcbStatus: "Revoked" }],
        },
      },
      "Revoked",
    ],
    ["Revoked of a revoked level", { tcbInfo: statusOf("Revoked") }, "Revoked"],
    ["SWHardeningNeeded as it is", { tcbInfo: statusOf("SWHardeningNeeded") }, "SWHardeningNeeded"],
    [
      "ConfigurationNeeded with an old quoting enclave",
      { tcbInfo: statusOf("ConfigurationNeeded"), qeReport: [[AT.sgxIsvSvn, Uint8Array.of(3)]] },
      "OutOfDateConfigurationNeeded",
    ],
    [
      "ConfigurationAndSWHardeningNeeded with an old module",
      { tcbInfo: { ...statusOf("ConfigurationAndSWHardeningNeeded"), ...moduleBehind }, body: [MODULE_3] },
      "OutOfDateConfigurationNeeded",
    ],
    [
      "OutOfDateConfigurationNeeded with an old quoting enclave",
      { tcbInfo: statusOf("OutOfDateConfigurationNeeded"), qeReport: [[AT.sgxIsvSvn, Uint8Array.of(3)]] },
      "OutOfDateConfigurationNeeded",
    ],
    [
      "SWHardeningNeeded with an old quoting enclave",
      { tcbInfo: statusOf("SWHardeningNeeded"), qeReport: [[AT.sgxIsvSvn, Uint8Array.of(3)]] },
      "OutOfDate",
    ],
    ["OutOfDate of an SGX platform one SVN behind", { tee: "sgx", pckFields: svn(2) }, "OutOfDate"],
    ["NotSupported of an SGX platform below every level", { tee: "sgx", pckFields: svn(0) }, "NotSupported"],
    [
      "OutOfDate of a quoting enclave listed as ConfigurationNeeded",
      {
        qeIdentity: {
          tcbLevels: [
            { tcb: { isvsvn: 1 }, tcbDate: "2025-01-01T00:00:00Z", tcbStatus: "ConfigurationNeeded" },
          ],
        },
      },
      "OutOfDate",
    ],
  ])("%s", async ([, change, status]) => {
    expect((await verify(change)).tcbStatus).toBe(status);
  });

  test("with the advisories of the level, the module and the quoting enclave", async () => {
    const module = {
      ...tdxModule("TDX_03", 3, "UpToDate"),
      tcbLevels: [
        {
          tcb: { isvsvn: 3 },
          tcbDate: "2025-01-01T00:00:00Z",
          tcbStatus: "UpToDate",
          advisoryIDs: ["INTEL-SA-00003"],
        },
      ],
    };
    const verified = await verify({
      pckFields: svn(2),
      body: [MODULE_3],
      tcbInfo: { tdxModuleIdentities: [module] },
      qeReport: [[AT.sgxIsvSvn, Uint8Array.of(3)]],
    });
    expect(verified.advisories).toEqual(["INTEL-SA-00001", "INTEL-SA-00003", "INTEL-SA-00002"]);
  });

  test("with the older of the two evaluation data numbers", async () => {
    expect((await verify({ qeIdentity: { tcbEvaluationDataNumber: 16 } })).claims).toMatchObject({
      tcbEvaluationDataNumber: 16,
    });
  });
});

describe("advises to relaunch a TD", () => {
  const behind = {
    tdxModuleIdentities: [tdxModule("TDX_03", 3, "OutOfDate"), tdxModule("TDX_05", 4, "UpToDate")],
  };
  const loaded = (...svn: number[]) => [AT.teeTcbSvn2, Uint8Array.of(...svn)] as const;
  const td15 = { version: 5, bodyType: "td15" } as const;
  const relaunch = (change: FakeIntelChange): FakeIntelChange => ({
    ...td15,
    tcbInfo: behind,
    body: [MODULE_3, loaded(4, 5, 3)],
    ...change,
  });

  test.for<readonly [string, FakeIntelChange, string]>([
    ["when the module loaded now is the newest", relaunch({}), "TDRelaunchAdvised"],
    [
      "and to configure, when the platform needs that too",
      relaunch({ tcbInfo: { ...behind, tcbLevels: [tcbLevel(3, "ConfigurationNeeded")] } }),
      "TDRelaunchAdvisedConfigurationNeeded",
    ],
    [
      "when a module of version 0 loaded now reaches the newest level",
      relaunch({ body: [MODULE_3, loaded(3, 0, 3)] }),
      "TDRelaunchAdvised",
    ],
    [
      "but not when the module loaded now is old",
      relaunch({ body: [MODULE_3, loaded(3, 5, 3)] }),
      "OutOfDate",
    ],
    ["but not when the loader is old", relaunch({ body: [MODULE_3, loaded(4, 5, 2)] }), "OutOfDate"],
    [
      "but not with an old quoting enclave",
      relaunch({ qeReport: [[AT.sgxIsvSvn, Uint8Array.of(3)]] }),
      "OutOfDate",
    ],
    [
      "but not on an old platform",
      relaunch({ pckFields: { sgxComponentSvns: new Array<number>(16).fill(2) } }),
      "OutOfDate",
    ],
    ["but not for a TD up to date", { ...td15, body: [MODULE_3, loaded(4, 5, 3)] }, "UpToDate"],
    [
      "but not when the TD is old by more than its module",
      {
        ...td15,
        body: [[AT.teeTcbSvn, Uint8Array.of(3, 3, ...new Array<number>(14).fill(2))], loaded(3, 3, 3)],
      },
      "OutOfDate",
    ],
  ])("%s", async ([, change, status]) => {
    expect((await verify(change)).tcbStatus).toBe(status);
  });

  test("but refuses a module loaded now that Intel does not list", async () => {
    expect(await rejectionOf(() => verify(relaunch({ body: [MODULE_3, loaded(4, 9, 3)] })))).toBe(
      "EVIDENCE_BINDING_MISMATCH",
    );
  });

  test("and refuses when a loaded module has no level to compare with", async () => {
    const tdxModuleIdentities = [
      tdxModule("TDX_03", 3, "OutOfDate"),
      { id: "TDX_05", ...moduleSigner(), tcbLevels: [] },
    ];
    expect((await verify(relaunch({ tcbInfo: { tdxModuleIdentities } }))).tcbStatus).toBe("OutOfDate");
  });
});
