import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { NO_APP_INFO, verifyDstackAppInfo, verifyMrConfig } from "../../../attestation/dstack/app-info.ts";
import { parseDstackEvidence, recogniseDstackEvidence } from "../../../attestation/dstack/dstack-evidence.ts";
import { parseDstackEventLog } from "../../../attestation/dstack/event-log.ts";
import { parseMessagePackAttestation } from "../../../attestation/dstack/message-pack-attestation.ts";
import { parseScaleAttestation } from "../../../attestation/dstack/scale-attestation.ts";
import {
  verifyDstackEvidence,
  verifyDstackEvidenceUnder,
  verifyDstackNitroEvidenceUnder,
  verifyDstackNitroTpmEvidenceUnder,
  verifyDstackSnpEvidenceUnder,
} from "../../../attestation/dstack/verify-dstack-evidence.ts";
import { parseQuote } from "../../../attestation/intel/quote.ts";
import { TD_REPORT_BODY } from "../../../attestation/intel/quote-layout.ts";
import { readField } from "../../../attestation/encoding/layout.ts";
import { recogniseEvidence } from "../../../attestation/evidence/recognise-evidence.ts";
import { concatBytes, fromHex, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { AMD_NOW, mintAmdWorld } from "../../support/fake-amd.ts";
import { AWS_NOW, mintAwsWorld, pcrs } from "../../support/fake-aws.ts";
import { flipBits } from "../../support/bits/flip-bits.ts";
import {
  APP_ID,
  COMPOSE_HASH,
  EVENTS,
  mintDstackQuote,
  mrConfigOf,
  pack,
  pcr14Of,
  runtimeEvent,
  secondVersion,
  toEventLogJson,
  toMessagePack,
  toQuoteResponse,
  toScale,
  toVersionedAttestation,
  type FakeEvent,
} from "../../support/fake-dstack.ts";
import { FAKE_TRUST, NOW } from "../../support/fake-intel.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const MISMATCH = "EVIDENCE_BINDING_MISMATCH";

/** Of `fake-intel.ts`'s quotes. */
const REPORT_DATA = new Uint8Array(64);

const encodings = {
  "a quote response": toQuoteResponse,
  "a versioned attestation": toVersionedAttestation,
  "an attestation in MessagePack": (quote: Uint8Array, events: readonly FakeEvent[]) =>
    toMessagePack({ platform: { kind: "tdx", quote }, events, reportData: REPORT_DATA }),
  "a gateway's answer, whose log is a list": (quote: Uint8Array, events: readonly FakeEvent[]) =>
    toUtf8(
      JSON.stringify({
        intel_quote: toHex(quote).slice(2),
        event_log: JSON.parse(toEventLogJson(events)) as unknown,
        nvidia_payload: "{}",
      }),
    ),
  "a versioned attestation in JSON": (quote: Uint8Array, events: readonly FakeEvent[]) =>
    toUtf8(JSON.stringify({ attestation: toHex(toVersionedAttestation(quote, events)) })),
} as const;

interface Given {
  readonly extended?: readonly FakeEvent[];
  readonly logged?: readonly FakeEvent[];
  readonly encode?: (quote: Uint8Array, events: readonly FakeEvent[]) => Uint8Array;
}

async function verify({ extended = EVENTS, logged = extended, encode = toQuoteResponse }: Given) {
  const intel = await mintDstackQuote(extended);
  const bytes = encode(intel.quote, logged);
  return await verifyDstackEvidenceUnder(bytes, {
    endorsements: intel.endorsements(),
    now: NOW,
    trust: FAKE_TRUST,
  });
}

describe("accepts", () => {
  test.for(Object.entries(encodings))("%s, and reads the application from it", async ([, encode]) => {
    const { kind, claims } = await verify({ encode });
    expect(kind).toBe("dstack");
    expect(claims.app).toEqual({
      appId: toHex(APP_ID),
      composeHash: toHex(COMPOSE_HASH),
      instanceId: `0x${"1d".repeat(20)}`,
      osImageHash: `0x${"05".repeat(32)}`,
      keyProvider: toHex(toUtf8("{}")),
    });
    expect(claims.hardware.mrTd).toBe(`0x${"77".repeat(48)}`);
  });

  test("events that leave their digest to be computed", async () => {
    const logged = EVENTS.map((event) => (event.rtmr === 3 ? { ...event, digest: new Uint8Array() } : event));
    expect((await verify({ logged })).claims.app.appId).toBe(toHex(APP_ID));
  });

  test("a guest that has not handed over, and extends no more than it must", async () => {
    const extended = [runtimeEvent("app-id", APP_ID), runtimeEvent("compose-hash", COMPOSE_HASH)];
    expect((await verify({ extended })).claims.app).toMatchObject({
      instanceId: null,
      osImageHash: null,
      keyProvider: null,
    });
  });

  test.for<readonly [string, readonly FakeEvent[]]>([
    ["names no application", EVENTS.filter(({ name }) => name !== "app-id" && name !== "compose-hash")],
    ["names it after handing over only", [runtimeEvent("system-ready"), runtimeEvent("app-id", APP_ID)]],
    ["extends nothing", []],
  ])("a guest that %s, whose application is then unknown", async ([, extended]) => {
    expect((await verify({ extended })).claims.app).toMatchObject({ appId: null, composeHash: null });
  });

  test("digests of firmware events shorter than the register", async () => {
    const [firmware, ...others] = EVENTS;
    expect((await verify({ extended: [{ ...firmware!, digest: new Uint8Array(32) }, ...others] })).kind).toBe(
      "dstack",
    );
  });
});

describe("refuses", () => {
  const [firmware, ...runtime] = EVENTS as [FakeEvent, ...FakeEvent[]];

  test.for<readonly [string, Given, string]>([
    ["a log without one of the events", { logged: EVENTS.slice(0, -1) }, "EVIDENCE_BINDING_MISMATCH"],
    [
      "a log with an event too many",
      { logged: [...EVENTS, runtimeEvent("more")] },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "two events in another order",
      { logged: [firmware, ...runtime.toReversed()] },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "an application that was not extended",
      {
        logged: EVENTS.map((event) =>
          event.name === "compose-hash" ? runtimeEvent("compose-hash", new Uint8Array(32)) : event,
        ),
      },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "a payload that its digest does not cover",
      {
        logged: EVENTS.map((event) =>
          event.name === "compose-hash" ? { ...event, payload: new Uint8Array(32) } : event,
        ),
      },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "a runtime event of a type that is not known",
      { logged: EVENTS.map((event) => ({ ...event, type: 7 })) },
      "EVIDENCE_UNSUPPORTED",
    ],
    ["an event of a fifth register", { logged: [...EVENTS, { ...firmware, rtmr: 4 }] }, "EVIDENCE_MALFORMED"],
    [
      "a firmware digest longer than the register",
      { logged: [{ ...firmware, digest: new Uint8Array(49) }, ...runtime] },
      "EVIDENCE_MALFORMED",
    ],
    [
      "a guest that says it twice",
      { extended: [runtimeEvent("app-id", APP_ID), ...EVENTS] },
      "EVIDENCE_MALFORMED",
    ],
  ])("%s", async ([, given, code]) => {
    await expect(verify(given)).rejects.toMatchObject({ code });
  });

  test("a quote that is not Intel's own, where the root is the pinned one", async () => {
    const intel = await mintDstackQuote(EVENTS);
    const attempt = verifyDstackEvidence(toQuoteResponse(intel.quote, EVENTS), intel.endorsements(), {
      now: NOW,
    });
    await expect(attempt).rejects.toMatchObject({
      code: expect.stringMatching(/^(EVIDENCE|ENDORSEMENT)_CHAIN_/) as unknown,
    });
  });
});

/** Through the replay; the register itself stands in the quote, whose bits are `signed-regions.test.ts`'s. */
describe("any bit flipped is refused", () => {
  test.for(["name", "payload", "digest"] as const)(
    "in the %s of any event that the guest extended",
    async (field, { annotate }) => {
      const { quote } = await mintDstackQuote(EVENTS);
      const rtmr3 = readField(parseQuote(quote).body, TD_REPORT_BODY.rtMr3);
      let total = 0;
      for (const [index, event] of EVENTS.entries()) {
        if (event.rtmr !== 3) continue;
        const region = field === "name" ? toUtf8(event.name) : event[field];
        const { flipped, accepted, codes } = await flipBits(region, async (changed) => {
          const value = field === "name" ? String.fromCharCode(...changed) : changed;
          const events = EVENTS.with(index, { ...event, [field]: value });
          verifyDstackAppInfo(parseDstackEventLog(toEventLogJson(events)), rtmr3);
          await Promise.resolve();
        });
        total += flipped;
        expect({ accepted, codes }).toEqual({
          accepted: [],
          codes: flipped === 0 ? [] : ["EVIDENCE_BINDING_MISMATCH"],
        });
      }
      await annotate(`${total} bits flipped, one at a time`);
      expect(total).toBeGreaterThan(0);
    },
  );
});

describe("event logs", () => {
  test.for([
    ["no JSON", "{"],
    ["no array", "{}"],
    ["an event that is null", "[null]"],
    ["a register that is text", '[{"imr":"3","event_type":1,"event":"","digest":"","event_payload":""}]'],
    ["a register below zero", '[{"imr":-1,"event_type":1,"event":"","digest":"","event_payload":""}]'],
    [
      "a type beyond 32 bits",
      '[{"imr":0,"event_type":4294967296,"event":"","digest":"","event_payload":""}]',
    ],
    ["a name that is a number", '[{"imr":0,"event_type":1,"event":5,"digest":"","event_payload":""}]'],
    ["a digest in upper case", '[{"imr":0,"event_type":1,"event":"","digest":"AA","event_payload":""}]'],
    ["no payload", '[{"imr":0,"event_type":1,"event":"","digest":""}]'],
    ["more events than any guest extends", JSON.stringify(Array.from({ length: 4097 }, () => 0))],
    ["more text than any guest writes", " ".repeat(4 * 1024 * 1024 + 1)],
  ] as const)("are not %s", ([, json]) => {
    expect(codeOf(() => parseDstackEventLog(json))).toBe("EVIDENCE_MALFORMED");
  });

  test("survive the way there and back", () => {
    expect(parseDstackEventLog(toEventLogJson(EVENTS)).map(({ name }) => name)).toEqual(
      EVENTS.map(({ name }) => name),
    );
  });
});

describe("attestations of version 0", () => {
  const quote = Uint8Array.of(4, 0, 2, 0);
  const head = (...bytes: readonly number[]) =>
    concatBytes(Uint8Array.of(0, 0, 16), quote, Uint8Array.from(bytes));

  test.for<readonly [string, Uint8Array, string]>([
    ["of another version", Uint8Array.of(1, 0), "EVIDENCE_UNSUPPORTED"],
    ["of another variant", Uint8Array.of(0, 5), "EVIDENCE_UNSUPPORTED"],
    ["that end inside the quote", Uint8Array.of(0, 0, 20, 4), "EVIDENCE_MALFORMED"],
    ["whose quote has a length of big integers", Uint8Array.of(0, 0, 3, 0), "EVIDENCE_MALFORMED"],
    ["with more events than any guest extends", head(0x06, 0x00, 0x01, 0x00), "EVIDENCE_MALFORMED"],
    ["that end inside an event", head(4, 3, 0, 0), "EVIDENCE_MALFORMED"],
    ["with a name that is no UTF-8", head(4, 3, 0, 0, 0, 1, 0, 0, 8, 0, 4, 0xff, 0), "EVIDENCE_MALFORMED"],
    ["with more certificates than any chain has", Uint8Array.of(0, 3, 0, 17 << 2), "EVIDENCE_MALFORMED"],
    ["that end before the report data", Uint8Array.of(0, 2, 0, 0, 1, 2), "EVIDENCE_MALFORMED"],
    ["beyond any genuine size", new Uint8Array(4 * 1024 * 1024 + 1), "EVIDENCE_MALFORMED"],
  ])("are refused %s", ([, bytes, code]) => {
    expect(codeOf(() => parseScaleAttestation(bytes))).toBe(code);
  });

  test("are read with lengths of one, two and four bytes", () => {
    const events = [1, 64, 16_384].map((length) => runtimeEvent("event", new Uint8Array(length)));
    const { platform } = parseScaleAttestation(toVersionedAttestation(quote, events));
    const read = platform.kind === "tdx" ? platform.events : [];
    expect(read.map(({ payload }) => payload.length)).toEqual([1, 64, 16_384]);
  });
});

describe("attestations of version 1", () => {
  const attestation = { platform: { kind: "tdx", quote: Uint8Array.of(4, 0) }, events: EVENTS } as const;
  const packed = (change: Parameters<typeof toMessagePack>[1]) =>
    toMessagePack({ ...attestation, reportData: REPORT_DATA }, change);

  test.for<readonly [string, Uint8Array, string]>([
    ["of another version", packed({ version: 2 }), "EVIDENCE_UNSUPPORTED"],
    ["of another stack", packed({ stack: "other" }), "EVIDENCE_UNSUPPORTED"],
    [
      "of another platform",
      pack({ version: 1, platform: { kind: "cca", data: {} }, stack: { kind: "dstack", data: {} } }),
      "EVIDENCE_UNSUPPORTED",
    ],
    ["without a platform", pack({ version: 1, stack: {}, more: 0 }), "EVIDENCE_MALFORMED"],
    [
      "whose quote is a number",
      pack({
        version: 1,
        platform: { kind: "tdx", data: { quote: 1, event_log: [] } },
        stack: { kind: "dstack", data: { runtime_events: [], report_data: [] } },
      }),
      "EVIDENCE_MALFORMED",
    ],
    [
      "whose quote has a byte beyond 255",
      pack({
        version: 1,
        platform: { kind: "tdx", data: { quote: [256], event_log: [] } },
        stack: { kind: "dstack", data: { runtime_events: [], report_data: [] } },
      }),
      "EVIDENCE_MALFORMED",
    ],
    ["that end too early", packed({}).slice(0, -1), "EVIDENCE_MALFORMED"],
  ])("are refused %s", ([, bytes, code]) => {
    expect(codeOf(() => parseMessagePackAttestation(bytes))).toBe(code);
    // What begins as one is one: what is wrong with it, its own parser says.
    expect(recogniseDstackEvidence(bytes)).toBe("dstack");
  });
});

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

describe("event logs of version 2", () => {
  const second = EVENTS.map((event) => (event.rtmr === 3 ? secondVersion(event) : event));
  const stated = (version: unknown, event: FakeEvent = second[2]!, more: object = {}) => {
    const [entry] = JSON.parse(toEventLogJson([event])) as [object];
    return JSON.stringify([{ ...entry, version, ...more }]);
  };

  test.for([
    ["in a quote response, which does not say so", toQuoteResponse],
    [
      "in an attestation of version 1",
      (quote: Uint8Array, events: readonly FakeEvent[]) =>
        toMessagePack(
          { platform: { kind: "tdx", quote }, events, reportData: REPORT_DATA },
          { eventVersion: 2 },
        ),
    ],
  ] as const)("are read %s", async ([, encode]) => {
    expect((await verify({ extended: second, encode })).claims.app.appId).toBe(toHex(APP_ID));
  });

  test.for<readonly [string, string, string]>([
    ["that say so", stated(2), "nothing thrown"],
    [
      "that leave their digest to be computed",
      stated(2, { ...second[2]!, digest: new Uint8Array() }),
      "nothing thrown",
    ],
    ["beside those of version 1", toEventLogJson([EVENTS[2]!, second[3]!]), "nothing thrown"],
    ["that say they are of version 1", stated(1), MISMATCH],
    ["that say they are of version 3", stated(3), "EVIDENCE_UNSUPPORTED"],
    ["whose version is text", stated("2"), "EVIDENCE_MALFORMED"],
    ["whose payload was changed", stated(null, { ...second[2]!, payload: Uint8Array.of(1) }), MISMATCH],
    [
      "that hash something that came later, and say what",
      stated(null, { ...second[2]!, digest: sha384(toUtf8("{}")) }, { preimage: "7b7d" }),
      "EVIDENCE_UNSUPPORTED",
    ],
    [
      "that say they hash something else than they do",
      stated(null, { ...second[2]!, digest: sha384(toUtf8("{}")) }, { preimage: "7b" }),
      MISMATCH,
    ],
  ])("%s", ([, json, code]) => {
    expect(codeOf(() => parseDstackEventLog(json))).toBe(code);
  });
});

describe("recognition", () => {
  test.for([
    ["JSON of something else", toUtf8("{}"), undefined],
    ["an attestation that ends too early", toUtf8('{"attestation":"0003"}'), undefined],
    ["text", toUtf8("hello"), undefined],
    ["nothing", new Uint8Array(), undefined],
    ["a versioned attestation", Uint8Array.of(0, 0, 16, 4, 0, 2, 0), "dstack"],
    ["a versioned attestation with a quote of version 5", Uint8Array.of(0, 0, 8, 5, 0), "dstack"],
    ["a quote response", toUtf8('{"quote":"0400","event_log":"[]"}'), "dstack"],
    ["a gateway's answer without a log", toUtf8('{"intel_quote":"0400","event_log":[]}'), undefined],
  ] as const)("of %s", ([, bytes, expected]) => {
    expect(recogniseDstackEvidence(bytes)).toBe(expected);
  });

  test("is not parsing: JSON of something else is malformed", () => {
    expect(codeOf(() => parseDstackEvidence(toUtf8("{}")))).toBe("EVIDENCE_MALFORMED");
  });
});
