import { describe, expect, test } from "vitest";
import { verifyDstackAppInfo } from "../../../attestation/dstack/app-info.ts";
import { isDstackEvidence, parseDstackEvidence } from "../../../attestation/dstack/dstack-evidence.ts";
import { parseDstackEventLog } from "../../../attestation/dstack/event-log.ts";
import { parseVersionedTdxAttestation } from "../../../attestation/dstack/versioned-attestation.ts";
import {
  verifyDstackEvidence,
  verifyDstackEvidenceUnder,
} from "../../../attestation/dstack/verify-dstack-evidence.ts";
import { parseQuote } from "../../../attestation/intel/quote.ts";
import { TD_REPORT_BODY } from "../../../attestation/intel/quote-layout.ts";
import { readField } from "../../../attestation/encoding/layout.ts";
import { concatBytes, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { flipEveryBit } from "../../support/every-bit.ts";
import {
  APP_ID,
  COMPOSE_HASH,
  EVENTS,
  mintDstackQuote,
  runtimeEvent,
  toEventLogJson,
  toQuoteResponse,
  toVersionedAttestation,
  type FakeEvent,
} from "../../support/fake-dstack.ts";
import { FAKE_TRUST, NOW } from "../../support/fake-intel.ts";

const encodings = {
  "a quote response": toQuoteResponse,
  "a versioned attestation": toVersionedAttestation,
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

  test("digests of firmware events shorter than the register", async () => {
    const [firmware, ...others] = EVENTS;
    expect((await verify({ extended: [{ ...firmware!, digest: new Uint8Array(32) }, ...others] })).kind).toBe(
      "dstack",
    );
  });
});

describe("refuses", () => {
  const [firmware, ...runtime] = EVENTS as [FakeEvent, ...FakeEvent[]];
  const renamed = (name: string, to: string) =>
    EVENTS.map((event) => (event.name === name ? runtimeEvent(to, event.payload) : event));

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
      "a runtime event of another type",
      { logged: EVENTS.map((event) => ({ ...event, type: 7 })) },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    ["an event of a fifth register", { logged: [...EVENTS, { ...firmware, rtmr: 4 }] }, "EVIDENCE_MALFORMED"],
    [
      "a firmware digest longer than the register",
      { logged: [{ ...firmware, digest: new Uint8Array(49) }, ...runtime] },
      "EVIDENCE_MALFORMED",
    ],
    [
      "a guest that does not say what it runs",
      { extended: renamed("compose-hash", "other") },
      "EVIDENCE_MALFORMED",
    ],
    [
      "a guest that names its application after handing over only",
      {
        extended: [
          runtimeEvent("system-ready"),
          runtimeEvent("app-id", APP_ID),
          runtimeEvent("compose-hash", COMPOSE_HASH),
        ],
      },
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
        const { flipped, accepted, codes } = await flipEveryBit(region, async (changed) => {
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
      expect(total).toBeGreaterThan(500);
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

describe("versioned attestations", () => {
  const quote = Uint8Array.of(4, 0, 2, 0);
  const head = (...bytes: readonly number[]) =>
    concatBytes(Uint8Array.of(0, 0, 16), quote, Uint8Array.from(bytes));

  test.for<readonly [string, Uint8Array, string]>([
    ["of another version", Uint8Array.of(1, 0), "EVIDENCE_UNSUPPORTED"],
    ["of another variant", Uint8Array.of(0, 3), "EVIDENCE_UNSUPPORTED"],
    ["that end inside the quote", Uint8Array.of(0, 0, 20, 4), "EVIDENCE_MALFORMED"],
    ["whose quote has a length of big integers", Uint8Array.of(0, 0, 3, 0), "EVIDENCE_MALFORMED"],
    ["with more events than any guest extends", head(0x06, 0x00, 0x01, 0x00), "EVIDENCE_MALFORMED"],
    ["that end inside an event", head(4, 3, 0, 0), "EVIDENCE_MALFORMED"],
    ["with a name that is no UTF-8", head(4, 3, 0, 0, 0, 1, 0, 0, 8, 0, 4, 0xff, 0), "EVIDENCE_MALFORMED"],
    ["beyond any genuine size", new Uint8Array(4 * 1024 * 1024 + 1), "EVIDENCE_MALFORMED"],
  ])("are refused %s", ([, bytes, code]) => {
    expect(codeOf(() => parseVersionedTdxAttestation(bytes))).toBe(code);
  });

  test("are read with lengths of one, two and four bytes", () => {
    const events = [1, 64, 16_384].map((length) => runtimeEvent("event", new Uint8Array(length)));
    const parsed = parseVersionedTdxAttestation(toVersionedAttestation(quote, events));
    expect(parsed.events.map(({ payload }) => payload.length)).toEqual([1, 64, 16_384]);
  });
});

describe("recognition", () => {
  test.for([
    ["JSON of something else", toUtf8("{}"), false],
    ["an attestation over other hardware", toUtf8('{"attestation":"0003"}'), false],
    ["text", toUtf8("hello"), false],
    ["nothing", new Uint8Array(), false],
    ["a versioned attestation", Uint8Array.of(0, 0, 16, 0, 4, 0, 2, 0), true],
    ["a versioned attestation with a quote of version 5", Uint8Array.of(0, 0, 16, 0, 5), true],
    ["a quote response", toUtf8('{"quote":"0400","event_log":"[]"}'), true],
  ] as const)("of %s", ([, bytes, expected]) => {
    expect(isDstackEvidence(bytes)).toBe(expected);
  });

  test("is not parsing: JSON of something else is malformed", () => {
    expect(codeOf(() => parseDstackEvidence(toUtf8("{}")))).toBe("EVIDENCE_MALFORMED");
  });
});
