import { sha384 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { verifyDstackAppInfo } from "../../../attestation/dstack/app-info.ts";
import { parseDstackEventLog } from "../../../attestation/dstack/event-log.ts";
import {
  verifyDstackEvidence,
  verifyDstackEvidenceUnder,
} from "../../../attestation/dstack/verify-dstack-evidence.ts";
import { parseQuote } from "../../../attestation/intel/quote.ts";
import { TD_REPORT_BODY } from "../../../attestation/intel/quote-layout.ts";
import { readField } from "../../../attestation/encoding/layout.ts";
import { toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { flipBits } from "../../support/bits/flip-bits.ts";
import {
  APP_ID,
  COMPOSE_HASH,
  EVENTS,
  mintDstackQuote,
  runtimeEvent,
  secondVersion,
  toEventLogJson,
  toMessagePack,
  toQuoteResponse,
  toVersionedAttestation,
  type FakeEvent,
} from "../../support/fake-dstack.ts";
import { FAKE_TRUST, NOW } from "../../support/fake-intel.ts";

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
