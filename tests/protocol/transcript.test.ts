import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { without } from "../support/without.ts";

const hash = p.keccakText("hash");
const tls: p.Transport = {
  kind: "tls",
  host: "api.example.org",
  port: 443,
  protocol: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  group: null,
  certificateHashes: [hash],
  spkiHash: hash,
  subjectAltNames: ["api.example.org"],
  exporter: null,
  scts: [{ logId: hash, timestamp: 1_700_000_000_000 }],
};
const events = {
  received: {
    type: "request.received",
    domain: "Adyton",
    requestId: hash,
    payloadHash: hash,
    context: hash,
    stateBlock: { number: "17", hash },
    evidenceHash: hash,
    time: 1_700_000_000,
    clock: { source: "build", lowerBound: 0 },
  },
  forwarded: {
    type: "request.forwarded",
    exchange: 0,
    model: "openai/gpt-5.1",
    url: "https://api.example.org/v1",
    method: "POST",
    bodyHash: hash,
    bodyBytes: 10,
  },
  response: {
    type: "response.received",
    exchange: 0,
    status: 200,
    bodyHash: hash,
    bodyBytes: 10,
    requestedModel: "gpt-5.1",
    returnedModel: null,
    responseId: null,
    usage: null,
    transport: tls,
  },
  failed: { type: "exchange.failed", exchange: 0, code: "MODEL_TIMEOUT", transport: null },
  sourceRead: {
    type: "source.read",
    part: 0,
    kind: "image",
    exchange: 0,
    mediaType: "image/png",
    contentHash: hash,
    contentBytes: 70,
    page: null,
  },
  attested: {
    type: "upstream.attested",
    exchange: 0,
    form: "near",
    kind: "tdx",
    evidenceHash: hash,
    evidenceBytes: 10,
    policyDigest: hash,
    spkiHash: hash,
    nonce: hash,
    judgedAt: 1,
    covers: ["channel"],
  },
  returned: { type: "output.returned", status: 1, outputHash: hash, outputBytes: 0, reason: null },
} as const satisfies Record<string, p.TranscriptEvent>;

test.for(Object.keys(events) as (keyof typeof events)[])(
  "takes %s, and refuses it with one field more or less",
  (name) => {
    const event: Record<string, unknown> = events[name];
    expect(p.TranscriptEvent.safeParse(event).success).toBe(true);
    expect(p.TranscriptEvent.safeParse({ ...event, extra: 1 }).success).toBe(false);
    for (const field of Object.keys(event)) {
      const rest = without(event, field);
      expect({ field, ok: p.TranscriptEvent.safeParse(rest).success }).toEqual({ field, ok: false });
    }
  },
);

test.for([
  ["an unknown type", { ...events.received, type: "request.lost" }],
  ["another domain", { ...events.received, domain: "Other" }],
  ["a time past the year 9999", { ...events.received, time: 253_402_300_800 }],
  ["a time before the epoch", { ...events.received, time: -1 }],
  ["a status that HTTP has not", { ...events.response, status: 99 }],
  ["half a byte", { ...events.returned, outputBytes: 0.5 }],
  ["a transport of no kind", { ...events.response, transport: { kind: "udp" } }],
  ["a block whose hash is zero", { ...events.received, stateBlock: { number: "1", hash: p.NO_STATE_BLOCK } }],
  ["a block's number as a number", { ...events.received, stateBlock: { number: 1, hash } }],
  ["a block's number in two spellings", { ...events.received, stateBlock: { number: "01", hash } }],
  ["port 0", { ...events.response, transport: { ...tls, port: 0 } }],
] as const)("refuses an event with %s", ([, event]) => {
  expect(p.TranscriptEvent.safeParse(event).success).toBe(false);
});

test.for([
  ["no block, off chain", { ...events.received, stateBlock: null }],
  ["no requested model", { ...events.response, requestedModel: null }],
] as const)("takes an event with %s", ([, event]) => {
  expect(p.TranscriptEvent.safeParse(event).success).toBe(true);
});

describe("an event of a type that this version does not know", () => {
  const salt = p.keccakText("salt");
  const leafOf = (event: unknown): unknown => ({ salt, event });
  const unknown = { type: "tool.called", tool: { name: "search", arguments: [1, null, "x"] } };

  test("is kept whole, hashed like any other, and told from those that are understood", () => {
    const leaf = p.TranscriptLeaf.parse(leafOf(unknown));
    expect(leaf).toEqual(leafOf(unknown));
    const data = p.concatBytes(new Uint8Array([0]), p.fromHex(salt), p.encodeCanonicalJson(unknown));
    expect(p.toHex(p.transcriptLeafHash(leaf))).toBe(`0x${createHash("sha256").update(data).digest("hex")}`);
    expect(p.isUnderstood(unknown)).toBe(false);
    expect(Object.values(events).map(p.isUnderstood)).toEqual(Array(Object.keys(events).length).fill(true));
  });

  test.for([
    ["a known type in another form", { ...events.returned, extra: 1 }],
    ["no type", { tool: "search" }],
    ["a type that is no text", { type: 1 }],
  ] as const)("is none with %s", ([, event]) => {
    expect(p.TranscriptLeaf.safeParse(leafOf(event)).success).toBe(false);
  });
});

test("takes plain HTTP inside the machine as a transport of its own kind", () => {
  const transport = { kind: "plain-loopback", address: "127.0.0.1:80" };
  expect(p.Transport.safeParse(transport).success).toBe(true);
  expect(p.Transport.safeParse({ ...transport, host: "x" }).success).toBe(false);
});

describe("leaves", () => {
  const salt = p.keccakText("salt");

  test("hash 0x00, the salt and the event's canonical JSON", () => {
    const data = p.concatBytes(
      new Uint8Array([0]),
      p.fromHex(salt),
      p.toUtf8(`{"outputBytes":0,"outputHash":"${hash}","reason":null,"status":1,"type":"output.returned"}`),
    );
    const expected = createHash("sha256").update(data).digest("hex");
    expect(p.toHex(p.transcriptLeafHash({ salt, event: events.returned }))).toBe(`0x${expected}`);
  });

  test("withheld leave the root as it was", () => {
    const full: p.Transcript = [events.received, events.forwarded, events.failed, events.returned].map(
      (event) => ({
        salt,
        event,
      }),
    );
    const withheld = full.map((leaf, index) =>
      index === 1 ? { leafHash: p.toHex(p.transcriptLeafHash(leaf)) } : leaf,
    );
    expect(p.transcriptRoot(withheld)).toBe(p.transcriptRoot(full));
    expect(p.transcriptRoot([...full].reverse())).not.toBe(p.transcriptRoot(full));
  });

  test("differ when only their salt does", () => {
    const other = p.keccakText("other salt");
    expect(p.transcriptLeafHash({ salt, event: events.returned })).not.toEqual(
      p.transcriptLeafHash({ salt: other, event: events.returned }),
    );
  });

  test.for([
    [
      "a leaf that is disclosed and withheld",
      [{ salt, event: events.received, leafHash: hash }, { leafHash: hash }],
    ],
    ["a transcript of one event", [{ leafHash: hash }]],
    ["more events than the limit", Array(p.MAX_TRANSCRIPT_EVENTS + 1).fill({ leafHash: hash })],
  ] as const)("refuse %s", ([, transcript]) => {
    expect(p.Transcript.safeParse(transcript).success).toBe(false);
  });

  test("are taken up to the limit", () => {
    const transcript = Array(p.MAX_TRANSCRIPT_EVENTS).fill({ leafHash: hash });
    expect(p.Transcript.safeParse(transcript).success).toBe(true);
  });
});
