/** Event logs and attestations of each version: read, or refused for what is wrong with their form. */

import { describe, expect, test } from "vitest";
import { parseDstackEvidence, recogniseDstackEvidence } from "../../../attestation/dstack/dstack-evidence.ts";
import { parseDstackEventLog } from "../../../attestation/dstack/event-log.ts";
import { parseMessagePackAttestation } from "../../../attestation/dstack/message-pack-attestation.ts";
import { parseScaleAttestation } from "../../../attestation/dstack/scale-attestation.ts";
import { concatBytes, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import {
  EVENTS,
  pack,
  runtimeEvent,
  toEventLogJson,
  toMessagePack,
  toVersionedAttestation,
} from "../../support/fake-dstack.ts";

/** Of `fake-intel.ts`'s quotes. */
const REPORT_DATA = new Uint8Array(64);

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
